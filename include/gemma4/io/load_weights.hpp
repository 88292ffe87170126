// Binds the tensors of a checkpoint to the weight tree of a variant.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/memory.hpp>
#include <gemma4/io/checkpoint.hpp>
#include <gemma4/io/shape_text.hpp>
#include <gemma4/model/memory_plan.hpp>
#include <gemma4/model/weights.hpp>

namespace gemma4::inline v0
{
    // The weights of a decoder and what keeps them alive.
    template <text_model M, class Format>
    struct loaded_weights
    {
        decoder_weights<M, Format> weights;
        std::shared_ptr<checkpoint const> file;    // matrices point into its mapping
        buffer<float> converted;    // vectors that are float32 here and something else in the file
        weight_bytes bytes;
        std::vector<std::string> unknown;    // tensors that this variant does not have
    };

    namespace detail
    {
        // The prefix of text tensors: conditional-generation or causal-LM class.
        inline std::string text_prefix(checkpoint const& file)
        {
            for (std::string_view const prefix : {"model.language_model.", "model."})
            {
                if (file.find(sentence(prefix, "embed_tokens.weight"))) { return std::string(prefix); }
            }
            throw mismatch_error(sentence(file.folder().string(),
                                          ": tensor model.language_model.embed_tokens.weight or "
                                          "model.embed_tokens.weight is missing"));
        }

        // The tensor of this name, shape and a dtype among F32, BF16, F16.
        inline tensor const& demand(checkpoint const& file, std::string const& name,
                                    std::span<std::size_t const> shape)
        {
            auto const* t = file.find(name);
            if (!t)
            {
                throw mismatch_error(sentence(file.folder().string(), ": tensor ", name, " is missing"));
            }
            if (!std::equal(shape.begin(), shape.end(), t->shape.begin(), t->shape.end()))
            {
                throw mismatch_error(sentence(t->file, ": tensor ", name, " has shape ", shape_text(t->shape),
                                              ", expected ", shape_text(shape)));
            }
            if (!t->supported)
            {
                throw mismatch_error(sentence(t->file, ": tensor ", name, " has dtype ", t->dtype_word,
                                              ", expected F32, BF16 or F16"));
            }
            return *t;
        }

        // Tensors that a variant may pass over: other towers, k and v of layers that share another's, rope
        // buffers, a tied head.
        template <text_model M>
        bool is_known_leftover(std::string_view name, std::string_view prefix, bool tied)
        {
            for (std::string_view const tower :
                 {"model.vision_tower.", "model.audio_tower.", "model.embed_vision.", "model.embed_audio."})
            {
                if (name.starts_with(tower)) { return true; }
            }
            if (name.ends_with("inv_freq")) { return true; }
            if (name == "lm_head.weight") { return tied; }
            if (!name.starts_with(prefix)) { return false; }
            name.remove_prefix(prefix.size());
            if (!name.starts_with("layers.")) { return false; }
            name.remove_prefix(7);
            std::size_t layer = 0;
            auto const [end, failed] = std::from_chars(name.data(), name.data() + name.size(), layer);
            if (failed != std::errc() || layer >= M::text.layers
                || architecture<M>::schedule.specs[layer].owns_kv())
            {
                return false;
            }
            name.remove_prefix(std::size_t(end - name.data()));
            return name == ".self_attn.k_proj.weight" || name == ".self_attn.v_proj.weight"
                   || name == ".self_attn.k_norm.weight";
        }
    }

    // Checks every tensor's name, shape and dtype, and binds matrices to the mapping. Reads the small vectors
    // only. `tied`: the head is the embedding (config.json: tie_word_embeddings). `progress(done, all)` is
    // called per tensor; cancelled_error when `stop` is requested. mismatch_error as above; unknown tensors
    // are listed, or the first is a mismatch_error where `strict`.
    template <text_model M, class Format>
    loaded_weights<M, Format> load_weights(std::shared_ptr<checkpoint const> file, bool tied, bool strict,
                                           std::pmr::memory_resource* memory,
                                           std::function<void(std::size_t, std::size_t)> const& progress = {},
                                           std::stop_token stop = {})
    {
        loaded_weights<M, Format> loaded{
            .weights = {}, .file = file, .converted = {}, .bytes = {}, .unknown = {}};
        auto const prefix = detail::text_prefix(*file);

        std::set<std::string_view> used;
        std::size_t converted = 0, tensors = 0;
        auto const find = [&](std::string const& name, auto... shape) -> tensor const&
        {
            std::array<std::size_t, sizeof...(shape)> const expected{shape...};
            return detail::demand(*file, prefix + name, expected);
        };
        loaded.weights.for_each_tensor(
            [&](std::string const& name, auto& weight, auto... shape)
            {
                auto const& t = find(name, shape...);
                used.insert(t.name);
                ++tensors;
                if constexpr (std::is_same_v<std::remove_cvref_t<decltype(weight)>, vector_weight>)
                {
                    if (t.type != dtype::f32)
                    {
                        converted += round_up(t.bytes / size_of(t.type), cache_line / sizeof(float));
                    }
                }
            });
        loaded.converted = buffer<float>(converted, memory);
        loaded.bytes.converted = converted * sizeof(float);

        auto const bind = [&](tensor const& t, auto& weight, std::size_t outs, std::size_t ins)
        {
            using weight_type = std::remove_cvref_t<decltype(weight)>;
            if (!weight_type::accepts(t.type))
            {
                throw mismatch_error(sentence(t.file, ": tensor ", t.name, " has dtype ", t.dtype_word,
                                              ", which this engine's weight format does not include"));
            }
            weight.bind(t.data, t.type, outs, ins);
            loaded.bytes.mapped += t.bytes;
        };
        auto const value_of = [](tensor const& t, std::size_t i)
        {
            auto const at = t.data + i * size_of(t.type);
            auto const as = [&]<class T>(T value)
            {
                std::memcpy(&value, at, sizeof value);
                return value;
            };
            return t.type == dtype::f32    ? as(float())
                   : t.type == dtype::bf16 ? as(bf16()).value()
                                           : as(f16()).value();
        };
        float* next = loaded.converted.data();
        std::size_t done = 0;
        loaded.weights.for_each_tensor(
            [&](std::string const& name, auto& weight, auto... shape)
            {
                if (stop.stop_requested())
                {
                    throw cancelled_error(sentence("loading ", file->folder().string(), " was cancelled"));
                }
                auto const& t = find(name, shape...);
                using weight_type = std::remove_cvref_t<decltype(weight)>;
                if constexpr (std::is_same_v<weight_type, float>) { weight = value_of(t, 0); }
                else if constexpr (std::is_same_v<weight_type, vector_weight>)
                {
                    weight.size = (shape * ... * std::size_t(1));
                    if (t.type == dtype::f32)
                    {
                        weight.data = reinterpret_cast<float const*>(t.data);
                        loaded.bytes.mapped += t.bytes;
                    }
                    else
                    {
                        weight.data = next;
                        for (std::size_t i = 0; i != weight.size; ++i) { next[i] = value_of(t, i); }
                        next += round_up(weight.size, cache_line / sizeof(float));
                    }
                }
                else
                {
                    std::size_t const ins = t.shape.back();
                    bind(t, weight, (shape * ...) / ins, ins);
                }
                if (progress) { progress(++done, tensors); }
            });
        loaded.weights.lm_head = loaded.weights.embed_tokens;
        if (!tied)
        {
            std::array<std::size_t, 2> const shape{M::text.vocab, M::text.hidden};
            auto const& head = detail::demand(*file, "lm_head.weight", shape);
            used.insert(head.name);
            bind(head, loaded.weights.lm_head, shape[0], shape[1]);
        }
        for (auto const& t : file->tensors())
        {
            if (used.contains(t.name) || detail::is_known_leftover<M>(t.name, prefix, tied)) { continue; }
            if (strict)
            {
                throw mismatch_error(
                    sentence(t.file, ": tensor ", t.name, " is not one of variant ", M::name));
            }
            loaded.unknown.push_back(t.name);
        }
        for (auto const& name : file->unlisted()) { loaded.unknown.push_back(name); }
        return loaded;
    }
}
