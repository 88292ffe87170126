// Any bytes as a GGUF model and as a file of eyes and ears: an error, or a configuration, a tokenizer,
// defaults and weights that lie within the file and can be read to their last row.
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "guards.hpp"
#include "memory_file.hpp"

#include <gemma4/api/gguf_defaults.hpp>
#include <gemma4/io/gguf_config.hpp>
#include <gemma4/io/gguf_weights.hpp>
#include <gemma4/spec/tiny.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>

namespace
{
    void read(gemma4::stored_weight const& w, gemma4::gguf_file const& file, bool converted)
    {
        auto const bytes = file.bytes(0);
        require(converted || (w.data >= bytes.data() && w.data + w.bytes <= bytes.data() + bytes.size()));
        auto const type = gemma4::ggml_type_of(w.type);
        auto const traits = gemma4::traits_of(type);
        std::array<float, 256> block;
        if (w.bytes >= traits.bytes_per_block)
        {
            gemma4::dequantise(type, w.data + w.bytes - traits.bytes_per_block, traits.weights_per_block,
                               block.data());
        }
        if (w.factors.values) { require(w.factors.rows != 0 && w.factors.values[0] == w.factors.values[0]); }
    }

    void read_weights(std::shared_ptr<gemma4::gguf_file const> const& file)
    {
        using gemma4::weight_tree;
        gemma4::gguf_weights source(file);
        for (auto const& t : file->tensors())
        {
            std::vector<std::size_t> const shape(t.shape().begin(), t.shape().end());
            if (auto const name = gemma4::checkpoint_name(t.name); name && !shape.empty())
            {
                attempt([&] { read(source.demand(weight_tree::text, *name, shape), *file, false); });
                attempt(
                    [&]
                    {
                        for (auto const& half : source.demand_halves(weight_tree::text, *name, shape))
                        {
                            read(half, *file, false);
                        }
                    });
            }
        }
        for (std::string const name : {"patch_embedder.input_proj.weight", "std_bias",
                                       "encoder.layers.0.self_attn.q_proj.linear.weight",
                                       "encoder.layers.0.self_attn.q_proj.input_min"})
        {
            for (std::vector<std::size_t> const& shape : {std::vector<std::size_t>{4, 768}, {4}, {}, {4, 4}})
            {
                attempt([&] { read(source.demand(weight_tree::vision, name, shape), *file, true); });
            }
        }
        attempt(
            [&]
            {
                read(source.demand(weight_tree::audio, "layers.0.self_attn.per_dim_scale",
                                   std::vector<std::size_t>{4}),
                     *file, true);
            });
        source.unknown({.layers = 3, .owners = 2});
        source.tensors();
        attempt([&] { source.check(gemma4::vision_config{}, 4, "fuzz"); });
        attempt([&] { source.check(gemma4::audio_config{}, 4, "fuzz"); });
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    memory_file const memory(std::as_bytes(std::span(data, size)));
    attempt(
        [&]
        {
            auto const file = std::make_shared<gemma4::gguf_file const>(memory.path());
            auto text = gemma4::tiny_e2b::text;    // a variant, unless the file describes one
            attempt([&] { text = gemma4::read_text_config(*file); });
            attempt([&] { gemma4::check_text_config(text, "fuzz", *file); });
            gemma4::matches(text, *file);
            attempt(
                [&] {
                    gemma4::read_generation_config(file->metadata(),
                                                   gemma4::read_tokenizer(file->metadata()));
                });
            read_weights(file);
        });
    return 0;
}
