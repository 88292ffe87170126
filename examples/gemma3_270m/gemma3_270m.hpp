// Gemma 3 270M as a variant of a user: the ancestor differs from Gemma 4 in numbers and in a few fields that have defaults.
#pragma once

#include <gemma4/spec/text_config.hpp>

struct gemma3_270m
{
    static constexpr char const* name = "gemma3_270m";
    static constexpr gemma4::text_config text{
        .vocab = 262144, .hidden = 640, .layers = 18, .global_every = 6,
        .heads = 4, .kv_heads = 1, .global_kv_heads = 1, .head_dim = 256, .global_head_dim = 256, .window = 512,
        .ffn = 2048,
        .max_positions = 32768,
        .global_rotated = 1.0f, .softcap = 0.0f,
        .value_norm = false, .layer_scalar = false, .query_scale = 0.0625f,    // 256^-0.5
    };
};
