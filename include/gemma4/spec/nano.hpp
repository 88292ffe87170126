// The default model in models/nano: E2B's structure, small enough for the repository.
#pragma once

#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    struct nano
    {
        static constexpr char const* name = "nano";
        static constexpr text_config text{
            .vocab = 2048, .hidden = 160, .layers = 6, .global_every = 3,
            .heads = 4, .kv_heads = 1, .global_kv_heads = 1, .head_dim = 32, .global_head_dim = 64, .window = 128,
            .ffn = 256, .shared_ffn = 512, .kv_shared_layers = 3, .per_layer_input = 32,
            .max_positions = 4096,
        };
    };
}
