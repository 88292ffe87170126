// The numbers of an audio tower.
#pragma once

#include <cstddef>

namespace gemma4::inline v0
{
    // Field                         config.json (audio_config)
    struct audio_config
    {
        std::size_t hidden = 0;              // hidden_size; 0: the variant has no ears
        std::size_t layers = 0;              // num_hidden_layers
        std::size_t heads = 0;               // num_attention_heads; head_dim = hidden / heads
        std::size_t output = 0;              // output_proj_dims
        std::size_t channels[2] = {0, 0};    // subsampling_conv_channels
        std::size_t conv_kernel = 5;         // conv_kernel_size
        std::size_t chunk = 12;              // attention_chunk_size
        std::size_t context_left = 13;       // attention_context_left
        float softcap = 50.0f;               // attention_logit_cap
        float residual_weight = 0.5f;        // residual_weight
        float norm_eps = 1e-6f;              // rms_norm_eps

        constexpr bool operator==(audio_config const&) const = default;
        constexpr explicit operator bool() const { return hidden != 0; }
    };
}
