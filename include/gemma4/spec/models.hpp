// The four Gemma 4 models, as data. Check them against the model cards line by line.
#pragma once

#include <gemma4/spec/audio_config.hpp>
#include <gemma4/spec/text_config.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0
{
    struct e2b
    {
        static constexpr char const* name = "e2b";
        static constexpr text_config text{
            .vocab = 262144, .hidden = 1536, .layers = 35, .global_every = 5,
            .heads = 8, .kv_heads = 1, .global_kv_heads = 1, .head_dim = 256, .global_head_dim = 512, .window = 512,
            .ffn = 6144, .shared_ffn = 12288, .kv_shared_layers = 20, .per_layer_input = 256,
            .max_positions = 131072,
        };
        static constexpr vision_config vision{.hidden = 768, .layers = 16, .heads = 12, .head_dim = 64, .ffn = 3072, .clipped = true};
        static constexpr audio_config audio{
            .hidden = 1024, .layers = 12, .heads = 8, .output = 1536, .channels = {128, 32}};
    };

    struct e4b
    {
        static constexpr char const* name = "e4b";
        static constexpr text_config text{
            .vocab = 262144, .hidden = 2560, .layers = 42, .global_every = 6,
            .heads = 8, .kv_heads = 2, .global_kv_heads = 2, .head_dim = 256, .global_head_dim = 512, .window = 512,
            .ffn = 10240, .kv_shared_layers = 18, .per_layer_input = 256,
            .max_positions = 131072,
        };
        static constexpr vision_config vision{.hidden = 768, .layers = 16, .heads = 12, .head_dim = 64, .ffn = 3072, .clipped = true};
        static constexpr audio_config audio{
            .hidden = 1024, .layers = 12, .heads = 8, .output = 1536, .channels = {128, 32}};
    };

    // 26B-A4B
    struct a4b
    {
        static constexpr char const* name = "a4b";
        static constexpr text_config text{
            .vocab = 262144, .hidden = 2816, .layers = 30, .global_every = 6,
            .heads = 16, .kv_heads = 8, .global_kv_heads = 2, .head_dim = 256, .global_head_dim = 512, .window = 1024,
            .ffn = 2112, .experts = 128, .active_experts = 8, .expert_ffn = 704,
            .max_positions = 262144, .value_is_key = true, .media_both_ways = true,
        };
        static constexpr vision_config vision{.hidden = 1152, .layers = 27, .heads = 16, .head_dim = 72, .ffn = 4304, .standardised = true};
    };

    // 31B, dense
    struct d31b
    {
        static constexpr char const* name = "d31b";
        static constexpr text_config text{
            .vocab = 262144, .hidden = 5376, .layers = 60, .global_every = 6,
            .heads = 32, .kv_heads = 16, .global_kv_heads = 4, .head_dim = 256, .global_head_dim = 512, .window = 1024,
            .ffn = 21504,
            .max_positions = 262144, .value_is_key = true, .media_both_ways = true,
        };
        static constexpr vision_config vision{.hidden = 1152, .layers = 27, .heads = 16, .head_dim = 72, .ffn = 4304, .standardised = true};
    };
}
