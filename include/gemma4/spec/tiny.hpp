// Test variants with every structural feature of the four models at sizes where a test takes milliseconds.
#pragma once

#include <gemma4/spec/audio_config.hpp>
#include <gemma4/spec/text_config.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0
{
    struct tiny_e2b
    {
        static constexpr char const* name = "tiny_e2b";
        static constexpr text_config text{
            .vocab = 2048, .hidden = 96, .layers = 15, .global_every = 5,
            .heads = 8, .kv_heads = 1, .global_kv_heads = 1, .head_dim = 32, .global_head_dim = 64, .window = 16,
            .ffn = 160, .shared_ffn = 320, .kv_shared_layers = 5, .per_layer_input = 32,
            .max_positions = 4096,
        };
        static constexpr vision_config vision{.hidden = 192, .layers = 3, .heads = 3, .head_dim = 64, .ffn = 320, .positions = 1024, .clipped = true};
        static constexpr audio_config audio{.hidden = 96, .layers = 2, .heads = 3, .output = 160, .channels = {128, 16}};
    };

    struct tiny_e4b
    {
        static constexpr char const* name = "tiny_e4b";
        static constexpr text_config text{
            .vocab = 2048, .hidden = 160, .layers = 18, .global_every = 6,
            .heads = 8, .kv_heads = 2, .global_kv_heads = 2, .head_dim = 32, .global_head_dim = 64, .window = 16,
            .ffn = 288, .kv_shared_layers = 8, .per_layer_input = 32,
            .max_positions = 4096,
        };
        static constexpr vision_config vision{.hidden = 192, .layers = 3, .heads = 3, .head_dim = 64, .ffn = 320, .positions = 1024, .clipped = true};
        static constexpr audio_config audio{.hidden = 96, .layers = 2, .heads = 3, .output = 160, .channels = {128, 16}};
    };

    struct tiny_a4b
    {
        static constexpr char const* name = "tiny_a4b";
        static constexpr text_config text{
            .vocab = 2048, .hidden = 96, .layers = 12, .global_every = 6,
            .heads = 8, .kv_heads = 4, .global_kv_heads = 2, .head_dim = 32, .global_head_dim = 64, .window = 24,
            .ffn = 160, .experts = 16, .active_experts = 4, .expert_ffn = 64,
            .max_positions = 4096, .value_is_key = true, .media_both_ways = true,
        };
        static constexpr vision_config vision{.hidden = 288, .layers = 2, .heads = 4, .head_dim = 72, .ffn = 304, .positions = 1024, .standardised = true};
    };

    struct tiny_d31b
    {
        static constexpr char const* name = "tiny_d31b";
        static constexpr text_config text{
            .vocab = 2048, .hidden = 224, .layers = 12, .global_every = 6,
            .heads = 8, .kv_heads = 4, .global_kv_heads = 2, .head_dim = 32, .global_head_dim = 64, .window = 24,
            .ffn = 416,
            .max_positions = 4096, .value_is_key = true, .media_both_ways = true,
        };
        static constexpr vision_config vision{.hidden = 288, .layers = 2, .heads = 4, .head_dim = 72, .ffn = 304, .positions = 1024, .standardised = true};
    };
}
