// The numbers of a Gemma 3 text decoder (architecture gemma3 of llama.cpp): for variants of a user
// (examples/gemma3_270m).
//
// What no key says: every sixth layer is global, queries are scaled by key_length^-0.5 (in the 27B model,
// told by its 62 layers, by (embedding_length / head_count)^-0.5), values are not normed, layers have no
// scalar, rope turns whole heads.
#pragma once

#include <cmath>
#include <cstddef>
#include <string_view>

#include <gemma4/core/error.hpp>
#include <gemma4/io/gguf_fields.hpp>
#include <gemma4/io/gguf_options.hpp>

namespace gemma4::inline v0::detail
{
    inline gguf_text_fields read_gemma3_fields(gguf_file const& file)
    {
        auto const& metadata = file.metadata();
        gguf_fields const fields(metadata, "gemma3");
        gguf_text_fields out;
        auto& text = out.text;
        text.layers = gguf_layers(fields);
        if (fields.has("attention.sliding_window_pattern")
            && fields.metadata().is_array(fields.key("attention.sliding_window_pattern")))
        {
            for (bool const sliding : fields.flags_by_layer("attention.sliding_window_pattern", text.layers))
            {
                out.global.push_back(!sliding);
            }
        }
        else
        {
            auto const every = fields.size("attention.sliding_window_pattern", 6);
            for (std::size_t l = 0; l != text.layers; ++l)
            {
                out.global.push_back(every != 0 && (l + 1) % every == 0);
            }
        }
        text.vocab = gguf_vocab(fields, file);
        text.hidden = fields.size("embedding_length");
        text.heads = fields.size("attention.head_count");
        text.kv_heads = text.global_kv_heads = fields.size("attention.head_count_kv");
        text.head_dim = text.global_head_dim = fields.size("attention.key_length");
        require_equal(fields, "attention.value_length", text.head_dim, "attention.key_length");
        text.window = fields.size("attention.sliding_window");
        text.ffn = fields.size("feed_forward_length");
        for (auto const* const word : {"attention.key_length_swa", "attention.value_length_swa",
                                       "rope.dimension_count", "rope.dimension_count_swa"})
        {
            require_equal(fields, word, text.head_dim, "attention.key_length");
        }
        if (auto const shared = fields.size("attention.shared_kv_layers", 0); shared != 0)
        {
            throw mismatch_error(sentence(metadata.file(), ": metadata ",
                                          fields.key("attention.shared_kv_layers"), " is ", shared,
                                          ", only 0 is supported"));
        }
        text.max_positions = gguf_positions(fields);
        text.rope_theta = rope_base(fields, "rope.freq_base_swa", "rope.local.freq_base", 10000.0f);
        text.global_rope_theta = rope_base(fields, "rope.freq_base", "rope.global.freq_base", 1000000.0f);
        text.global_rotated = 1.0f;
        text.softcap = fields.number("final_logit_softcapping", 0.0f);
        text.norm_eps = fields.number("attention.layer_norm_rms_epsilon");
        text.value_norm = false;
        text.layer_scalar = false;
        constexpr std::size_t layers_of_27b = 62;
        auto const scaled =
            text.layers == layers_of_27b && text.heads != 0 ? text.hidden / text.heads : text.head_dim;
        text.query_scale = float(1.0 / std::sqrt(double(scaled)));
        check_attention_scale(fields, text.query_scale);
        return out;
    }
}
