// Keys of a GGUF file that other architectures of llama.cpp compute with, and that nothing here does: with
// the values that switch them off they are passed over, with any other they are an error.
//
// Source of the keys: Keys.LLM, Keys.Attention and Keys.Rope of the gguf package 0.19; of the values: what
// llama.cpp takes where a key is absent.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/io/gguf_fields.hpp>

namespace gemma4::inline v0
{
    enum class gguf_option_use
    {
        read,        // by io/gguf_config.hpp or io/gguf_gemma3_config.hpp
        harmless,    // nothing is computed from it, here or in llama.cpp
        off          // only with a value that switches it off
    };

    struct gguf_option
    {
        std::string_view word;    // after the architecture
        gguf_option_use use;
        std::array<float, 2> off{0, 0};    // either of them; a flag is 0 or 1, an array has only such values
    };

    inline constexpr gguf_option gguf_option_keys[] = {
        {"attention.head_count", gguf_option_use::read},
        {"attention.head_count_kv", gguf_option_use::read},
        {"attention.key_length", gguf_option_use::read},
        {"attention.value_length", gguf_option_use::read},
        {"attention.key_length_swa", gguf_option_use::read},
        {"attention.value_length_swa", gguf_option_use::read},
        {"attention.sliding_window", gguf_option_use::read},
        {"attention.sliding_window_pattern", gguf_option_use::read},
        {"attention.shared_kv_layers", gguf_option_use::read},
        {"attention.layer_norm_rms_epsilon", gguf_option_use::read},
        {"attention.scale", gguf_option_use::read},
        {"rope.dimension_count", gguf_option_use::read},
        {"rope.dimension_count_swa", gguf_option_use::read},
        {"rope.freq_base", gguf_option_use::read},
        {"rope.freq_base_swa", gguf_option_use::read},
        {"rope.global.freq_base", gguf_option_use::read},    // Ollama's words of the two
        {"rope.local.freq_base", gguf_option_use::read},

        {"attention.layer_norm_epsilon", gguf_option_use::harmless},    // of norms with a mean
        {"attention.group_norm_epsilon", gguf_option_use::harmless},
        {"attention.group_norm_groups", gguf_option_use::harmless},
        {"rope.scaling.original_context_length", gguf_option_use::harmless},    // of YaRN and LongRoPE
        {"rope.scaling.finetuned", gguf_option_use::harmless},
        {"rope.scaling.yarn_log_multiplier", gguf_option_use::harmless},
        {"rope.scaling.yarn_beta_fast", gguf_option_use::harmless},
        {"rope.scaling.yarn_beta_slow", gguf_option_use::harmless},
        {"rope.scaling.type", gguf_option_use::read},    // check_gguf_options

        {"attention.causal", gguf_option_use::off, {1, 1}},
        {"attention.max_alibi_bias", gguf_option_use::off},
        {"attention.clamp_kqv", gguf_option_use::off},
        {"attention.q_lora_rank", gguf_option_use::off},
        {"attention.kv_lora_rank", gguf_option_use::off},
        {"attention.decay_lora_rank", gguf_option_use::off},
        {"attention.iclr_lora_rank", gguf_option_use::off},
        {"attention.value_residual_mix_lora_rank", gguf_option_use::off},
        {"attention.gate_lora_rank", gguf_option_use::off},
        {"attention.relative_buckets_count", gguf_option_use::off},
        {"attention.output_scale", gguf_option_use::off, {0, 1}},
        {"attention.temperature_length", gguf_option_use::off},
        {"attention.temperature_scale", gguf_option_use::off},
        {"attention.key_length_mla", gguf_option_use::off},
        {"attention.value_length_mla", gguf_option_use::off},
        {"attention.indexer.head_count", gguf_option_use::off},
        {"attention.indexer.key_length", gguf_option_use::off},
        {"attention.indexer.top_k", gguf_option_use::off},
        {"rope.dimension_sections", gguf_option_use::off},
        {"rope.scale_linear", gguf_option_use::off, {0, 1}},
        {"rope.scaling.factor", gguf_option_use::off, {1, 0}},
        {"rope.scaling.alpha", gguf_option_use::off, {0, 1}},
        {"rope.scaling.attn_factor", gguf_option_use::off, {1, 1}},
        {"rope.scaling.yarn_ext_factor", gguf_option_use::off, {0, -1}},
        {"rope.scaling.yarn_attn_factor", gguf_option_use::off, {1, -1}},
        {"logit_scale", gguf_option_use::off, {0, 1}},
        {"residual_scale", gguf_option_use::off, {0, 1}},
        {"embedding_scale", gguf_option_use::off},
        {"attn_logit_softcapping", gguf_option_use::off},
        {"router_logit_softcapping", gguf_option_use::off},
        {"expert_weights_scale", gguf_option_use::off, {0, 1}},
        {"expert_weights_norm", gguf_option_use::off, {1, 1}},
        {"expert_gating_func", gguf_option_use::off, {1, 0}},    // softmax, or not said
        {"expert_shared_count", gguf_option_use::off},
        {"expert_shared_feed_forward_length", gguf_option_use::off},
        {"expert_chunk_feed_forward_length", gguf_option_use::off},
        {"expert_group_count", gguf_option_use::off, {0, 1}},
        {"expert_group_used_count", gguf_option_use::off, {0, 1}},
        {"expert_group_scale", gguf_option_use::off, {0, 1}},
        {"experts_per_group", gguf_option_use::off},
        {"leading_dense_block_count", gguf_option_use::off},
        {"moe_every_n_layers", gguf_option_use::off, {0, 1}},
        {"interleave_moe_layer_step", gguf_option_use::off, {0, 1}},
        {"moe_latent_size", gguf_option_use::off},
        {"use_parallel_residual", gguf_option_use::off},
        {"swin_norm", gguf_option_use::off},
        {"rescale_every_n_layers", gguf_option_use::off},
        {"nextn_predict_layers", gguf_option_use::off},
        {"n_deepstack_layers", gguf_option_use::off},
        {"activation_sparsity_scale", gguf_option_use::off},
        {"altup.active_idx", gguf_option_use::off},
        {"altup.num_inputs", gguf_option_use::off, {0, 1}},
        {"swiglu_clamp_exp", gguf_option_use::off},
        {"swiglu_clamp_shexp", gguf_option_use::off},
    };

    namespace detail
    {
        // The numbers of a value; none: a string.
        inline std::vector<float> gguf_numbers(gguf_metadata const& metadata, std::string_view key)
        {
            auto const& value = *metadata.find(key);
            if (value.kind == gguf_kind::string) { return {}; }
            if (value.kind != gguf_kind::boolean)
            {
                return value.is_array ? metadata.numbers(key) : std::vector{metadata.number(key)};
            }
            std::vector<float> numbers;
            if (!value.is_array) { numbers.push_back(metadata.boolean(key)); }
            else
            {
                for (bool const flag : metadata.flags(key)) { numbers.push_back(flag); }
            }
            return numbers;
        }

        // A value in a sentence.
        inline std::string gguf_text(gguf_metadata const& metadata, std::string_view key)
        {
            auto const& value = *metadata.find(key);
            if (value.is_array) { return sentence("an array of ", value.count); }
            if (value.kind == gguf_kind::string) { return printable(metadata.text(key)); }
            if (value.kind == gguf_kind::boolean) { return sentence(metadata.boolean(key)); }
            return sentence(metadata.number(key));
        }

        inline void check_gguf_option(gguf_metadata const& metadata, gguf_option const& option,
                                      std::string_view key)
        {
            auto const numbers = gguf_numbers(metadata, key);
            auto const& off = option.off;
            bool const is_off =
                !numbers.empty()
                && std::ranges::all_of(numbers, [&](float x) { return x == off[0] || x == off[1]; });
            if (is_off) { return; }
            auto const shown = [&](float x)
            { return metadata.find(key)->kind == gguf_kind::boolean ? sentence(x != 0) : sentence(x); };
            throw mismatch_error(sentence(metadata.file(), ": metadata ", key, " is ",
                                          gguf_text(metadata, key), ", only ", shown(off[0]),
                                          " is supported"));
        }
    }

    // mismatch_error for the first key <architecture>.* that would change what is computed and has no effect
    // here: one of the table above that is not off, or an unknown one among attention.* and rope.*.
    inline void check_gguf_options(gguf_metadata const& metadata)
    {
        auto const prefix = sentence(metadata.text("general.architecture"), ".");
        auto const scaling = prefix + "rope.scaling.type";
        auto const type = metadata.text(scaling, "linear");    // llama.cpp's default, by a factor of 1
        if (type != "none" && type != "linear" && !type.empty())
        {
            throw mismatch_error(sentence(metadata.file(), ": metadata ", scaling, " is ",
                                          detail::printable(type), ", only \"none\" is supported"));
        }
        for (auto const& [key, value] : metadata.values())
        {
            if (!key.starts_with(prefix)) { continue; }
            auto const word = key.substr(prefix.size());
            auto const option = std::ranges::find(gguf_option_keys, word, &gguf_option::word);
            if (option == std::end(gguf_option_keys))
            {
                if (!word.starts_with("attention.") && !word.starts_with("rope.")) { continue; }
                throw mismatch_error(sentence(metadata.file(), ": metadata ", detail::shown(key), " is ",
                                              detail::gguf_text(metadata, key),
                                              ", but this library does not know the key"));
            }
            if (option->use != gguf_option_use::off) { continue; }
            if (type == "none" && word == "rope.scaling.factor") { continue; }    // llama.cpp does not scale
            detail::check_gguf_option(metadata, *option, key);
        }
    }

    namespace detail
    {
        // attention.scale says what the architecture has anyway, or nothing.
        inline void check_attention_scale(gguf_fields const& fields, float expected)
        {
            auto const found = fields.number("attention.scale", 0.0f);
            if (found == 0 || std::abs(found - expected) <= 1e-6f * expected) { return; }
            throw mismatch_error(sentence(fields.metadata().file(), ": metadata ",
                                          fields.key("attention.scale"), " is ", found, ", only ", expected,
                                          " is supported"));
        }

        // The base of rope, in llama.cpp's word or Ollama's.
        inline float rope_base(gguf_fields const& fields, std::string_view word, std::string_view ollama,
                               float usual)
        {
            auto const found = fields.number(word, fields.number(ollama, usual));
            if (auto const other = fields.number(ollama, found); other != found)
            {
                throw mismatch_error(sentence(fields.metadata().file(), ": metadata ", fields.key(word),
                                              " is ", found, ", but ", fields.key(ollama), " is ", other));
            }
            return found;
        }

        // context_length.
        inline std::size_t gguf_positions(gguf_fields const& fields)
        {
            auto const positions = fields.size("context_length");
            if (positions != 0) { return positions; }
            throw file_error(sentence(fields.metadata().file(), ": metadata ", fields.key("context_length"),
                                      " is 0, expected more than 0"));
        }
    }
}
