// Writes a Hugging Face checkpoint folder of generated weights: the same bytes as
// tools/reference/write_checkpoint.py.
//
// The independent side of every checkpoint test: it uses nothing of the library but the 16-bit floats (whose
// rounding test_generator.cpp compares with numpy and torch). Tensors are streamed in pieces of one megabyte.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "generator.hpp"
#include <nlohmann/json.hpp>

#include <gemma4/core/types.hpp>

namespace gemma4_test
{
    enum class stored_dtype
    {
        f32,
        bf16,
        f16
    };

    enum class checkpoint_layout
    {
        conditional,    // Gemma4ForConditionalGeneration: names as in tensors.json
        causal,         // Gemma4ForCausalLM: text tensors only, prefix model., config.json is its text_config
    };

    // lm_head.weight: absent, a copy of the embedding, or values of its own.
    enum class stored_head
    {
        none,
        tied,
        separate
    };

    struct named_shape
    {
        std::string name;
        shape_type shape;
    };

    struct checkpoint_options
    {
        stored_dtype dtype = stored_dtype::f32;
        std::uint64_t seed = 1;
        checkpoint_layout layout = checkpoint_layout::conditional;
        std::size_t shards = 1;      // more than one: model-0000k-of-0000n.safetensors and an index
        bool towers = true;          // false: no vision or audio tensors, their configurations null
        bool leftover_kv = false;    // k and v tensors also for layers that share those of another
        stored_head lm_head = stored_head::none;
        std::vector<named_shape> extra = {};        // tensors that no layer names
        std::string config_file = "config.json";    // which file of the source becomes config.json
        // The type of a tensor of this name; empty: dtype of all.
        std::function<stored_dtype(std::string_view)> dtype_of = {};
    };

    // The rows of a tensors.json.
    inline std::vector<named_shape> read_tensor_list(std::filesystem::path const& file)
    {
        std::ifstream in(file, std::ios::binary);
        if (!in) { throw std::runtime_error("cannot read " + file.string()); }
        std::vector<named_shape> rows;
        for (auto const& row : nlohmann::json::parse(in))
        {
            rows.push_back({row.at(0).get<std::string>(), row.at(1).get<shape_type>()});
        }
        return rows;
    }

    namespace writer_detail
    {
        using ordered = nlohmann::ordered_json;

        struct stored_tensor
        {
            std::string name;
            shape_type shape;
            std::string values_of;    // the name that the generator is asked for
        };

        inline std::size_t width_of(stored_dtype dtype) { return dtype == stored_dtype::f32 ? 4 : 2; }

        inline void write_text(std::filesystem::path const& file, std::string const& text)
        {
            std::ofstream out(file, std::ios::binary);
            out.write(text.data(), static_cast<std::streamsize>(text.size()));
            if (!out) { throw std::runtime_error("cannot write " + file.string()); }
        }

        inline void append_word(std::string& bytes, std::uint64_t value, std::size_t width)
        {
            for (std::size_t k = 0; k < width; ++k)
            {
                bytes.push_back(static_cast<char>((value >> (8 * k)) & 0xffu));
            }
        }

        inline void encode(std::span<float const> values, stored_dtype dtype, std::string& bytes)
        {
            bytes.clear();
            for (float const x : values)
            {
                switch (dtype)
                {
                case stored_dtype::f32: append_word(bytes, std::bit_cast<std::uint32_t>(x), 4); break;
                case stored_dtype::bf16: append_word(bytes, gemma4::bf16::from(x).bits, 2); break;
                case stored_dtype::f16: append_word(bytes, gemma4::f16::from(x).bits, 2); break;
                }
            }
        }

        // The k/v tensors that released files still carry for KV-shared layers, with the shapes of the last
        // layer before them whose q_proj has the same shape.
        inline std::vector<named_shape> leftover_kv(std::vector<named_shape> const& tensors)
        {
            std::map<std::string, shape_type> shapes;
            for (auto const& t : tensors) { shapes[t.name] = t.shape; }
            std::map<shape_type, std::string> like;
            std::vector<named_shape> extra;
            for (std::size_t layer = 0;; ++layer)
            {
                auto const part = "layers." + std::to_string(layer) + ".self_attn.";
                auto at = "model.language_model." + part;
                if (!shapes.contains(at + "q_proj.weight")) { at = "model." + part; }
                auto const query = shapes.find(at + "q_proj.weight");
                if (query == shapes.end()) { return extra; }
                if (shapes.contains(at + "k_proj.weight")) { like[query->second] = at; }
                else
                {
                    for (auto const* leaf : {"k_norm.weight", "k_proj.weight", "v_proj.weight"})
                    {
                        auto const owner = shapes.find(like.at(query->second) + leaf);
                        if (owner != shapes.end()) { extra.push_back({at + leaf, owner->second}); }
                    }
                }
            }
        }

        inline bool is_tower(std::string_view name)
        {
            return name.starts_with("model.vision_tower.") || name.starts_with("model.audio_tower.")
                   || name.starts_with("model.embed_vision.") || name.starts_with("model.embed_audio.");
        }

        // What is stored, in the order of the file.
        inline std::vector<stored_tensor> stored_tensors(std::vector<named_shape> tensors,
                                                         checkpoint_options const& o)
        {
            if (o.leftover_kv)
            {
                auto const more = leftover_kv(tensors);
                tensors.insert(tensors.end(), more.begin(), more.end());
            }
            bool const text_only = !o.towers || o.layout == checkpoint_layout::causal;
            std::vector<stored_tensor> rows;
            for (auto const& t : tensors)
            {
                if (!(text_only && is_tower(t.name))) { rows.push_back({t.name, t.shape, t.name}); }
            }
            if (o.lm_head != stored_head::none)
            {
                auto const table = *std::find_if(rows.begin(), rows.end(),
                                                 [](stored_tensor const& t)
                                                 { return t.name.ends_with("embed_tokens.weight"); });
                rows.push_back({"lm_head.weight", table.shape,
                                o.lm_head == stored_head::tied ? table.name : "lm_head.weight"});
            }
            for (auto const& t : o.extra) { rows.push_back({t.name, t.shape, t.name}); }
            if (o.layout == checkpoint_layout::causal)
            {
                for (auto& row : rows) { row.name = canonical(row.name); }
            }
            return rows;
        }

        inline void write_safetensors(std::filesystem::path const& file, std::span<stored_tensor const> rows,
                                      checkpoint_options const& o)
        {
            constexpr std::array words{"F32", "BF16", "F16"};
            auto const dtype_of = [&](stored_tensor const& row)
            { return o.dtype_of ? o.dtype_of(row.name) : o.dtype; };
            ordered header;
            header["__metadata__"]["format"] = "pt";
            std::size_t at = 0;
            for (auto const& row : rows)
            {
                auto const dtype = dtype_of(row);
                auto const end = at + element_count(row.shape) * width_of(dtype);
                auto& entry = header[row.name];
                entry["dtype"] = words.at(static_cast<std::size_t>(dtype));
                entry["shape"] = row.shape;
                entry["data_offsets"] = {at, end};
                at = end;
            }
            auto text = header.dump();
            text.resize((text.size() + 7) / 8 * 8, ' ');

            std::ofstream out(file, std::ios::binary);
            std::string bytes;
            append_word(bytes, text.size(), 8);
            bytes += text;
            out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
            std::vector<float> values;
            for (auto const& row : rows)
            {
                auto const size = element_count(row.shape);
                for (std::size_t first = 0; first < size; first += values.size())
                {
                    values.resize(std::min<std::size_t>(size - first, 1u << 18));
                    fill_tensor(row.values_of, row.shape, o.seed, first, values);
                    encode(values, dtype_of(row), bytes);
                    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
                }
            }
            if (!out.flush()) { throw std::runtime_error("cannot write " + file.string()); }
        }

        inline ordered config_of(std::filesystem::path const& source, checkpoint_options const& o)
        {
            std::ifstream in(source / o.config_file, std::ios::binary);
            auto config = ordered::parse(in);
            if (o.layout == checkpoint_layout::causal && config.contains("text_config"))
            {
                ordered text = ordered::object();
                text["architectures"].push_back("Gemma4ForCausalLM");
                text.update(config["text_config"]);
                config = std::move(text);
            }
            else if (!o.towers && config.contains("text_config"))
            {
                config["vision_config"] = nullptr;
                config["audio_config"] = nullptr;
            }
            constexpr std::array words{"float32", "bfloat16", "float16"};
            config["dtype"] = words.at(static_cast<std::size_t>(o.dtype));
            return config;
        }
    }

    // source: a folder of tests/data/tiny or tests/data/slices (config.json, tensors.json, files to copy).
    // target is created. `tensors` is written as it stands: a test may spoil a shape or leave a tensor out.
    inline void write_checkpoint(std::filesystem::path const& source, std::filesystem::path const& target,
                                 checkpoint_options const& o, std::vector<named_shape> tensors)
    {
        namespace fs = std::filesystem;
        using namespace writer_detail;
        fs::create_directories(target);
        write_text(target / "config.json", config_of(source, o).dump() + "\n");
        for (auto const* name : {"generation_config.json", "processor_config.json", "tokenizer_config.json",
                                 "chat_template.jinja", "tokenizer.json"})
        {
            for (auto const& folder : {source, source / ".."})
            {
                if (!fs::exists(folder / name)) { continue; }
                fs::copy_file(folder / name, target / name, fs::copy_options::overwrite_existing);
                break;
            }
        }

        auto const rows = stored_tensors(std::move(tensors), o);
        if (o.shards <= 1)
        {
            write_safetensors(target / "model.safetensors", rows, o);
            return;
        }
        std::size_t total = 0;
        for (auto const& row : rows) { total += element_count(row.shape) * width_of(o.dtype); }
        std::vector<std::vector<stored_tensor>> files(o.shards);
        std::vector<std::string> names(o.shards);
        for (std::size_t k = 0; k < o.shards; ++k)
        {
            char name[64];
            std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", k + 1, o.shards);
            names[k] = name;
        }
        ordered index;
        index["metadata"]["total_size"] = total;
        auto& where = index["weight_map"] = ordered::object();
        std::size_t at = 0;
        for (auto const& row : rows)    // a tensor goes to the shard in which its first byte falls
        {
            auto const k = std::min(at * o.shards / total, o.shards - 1);
            files[k].push_back(row);
            where[row.name] = names[k];
            at += element_count(row.shape) * width_of(o.dtype);
        }
        for (std::size_t k = 0; k < o.shards; ++k) { write_safetensors(target / names[k], files[k], o); }
        write_text(target / "model.safetensors.index.json", index.dump() + "\n");
    }

    inline void write_checkpoint(std::filesystem::path const& source, std::filesystem::path const& target,
                                 checkpoint_options const& o = {})
    {
        write_checkpoint(source, target, o, read_tensor_list(source / "tensors.json"));
    }
}
