// The numbers of a vision tower.
#pragma once

#include <cstddef>

namespace gemma4::inline v0
{
    // Field                         config.json (vision_config)
    struct vision_config
    {
        std::size_t hidden = 0;           // hidden_size; 0: the variant has no eyes
        std::size_t layers = 0;           // num_hidden_layers
        std::size_t heads = 0;            // num_attention_heads (= num_key_value_heads)
        std::size_t head_dim = 0;         // head_dim; heads * head_dim = hidden
        std::size_t ffn = 0;              // intermediate_size
        std::size_t patch = 16;           // patch_size, pixels
        std::size_t pooling = 3;          // pooling_kernel_size, patches
        std::size_t positions = 10240;    // position_embedding_size, per axis
        bool clipped = false;             // use_clipped_linears
        bool standardised = false;        // standardize
        float rope_theta = 100.0f;        // rope_parameters.rope_theta
        float norm_eps = 1e-6f;           // rms_norm_eps

        constexpr bool operator==(vision_config const&) const = default;
        constexpr explicit operator bool() const { return hidden != 0; }
    };
}
