// The numbers of a text decoder: one dictionary for configuration, types, tests and documentation.
#pragma once

#include <cstddef>

namespace gemma4::inline v0
{
    // Field                         config.json (text_config)
    struct text_config
    {
        std::size_t vocab;           // vocab_size
        std::size_t hidden;          // hidden_size
        std::size_t layers;          // num_hidden_layers
        std::size_t global_every;    // layer_types: layer l is full_attention when (l + 1) % global_every == 0
        std::size_t heads;           // num_attention_heads
        std::size_t kv_heads;        // num_key_value_heads, sliding layers
        std::size_t global_kv_heads; // num_global_key_value_heads, or num_key_value_heads where attention_k_eq_v is false
        std::size_t head_dim;        // head_dim, sliding layers
        std::size_t global_head_dim; // global_head_dim
        std::size_t window;          // sliding_window, in positions
        std::size_t ffn;             // intermediate_size
        std::size_t shared_ffn = 0;  // width in the KV-shared layers; 2 * ffn where use_double_wide_mlp, 0 = as ffn
        std::size_t kv_shared_layers = 0;    // num_kv_shared_layers: the last n layers read another layer's keys and values
        std::size_t per_layer_input = 0;     // hidden_size_per_layer_input; 0 = no per-layer embeddings
        std::size_t experts = 0;             // num_experts; 0 = no mixture (enable_moe_block false)
        std::size_t active_experts = 0;      // top_k_experts
        std::size_t expert_ffn = 0;          // moe_intermediate_size
        std::size_t max_positions = 131072;  // max_position_embeddings
        bool value_is_key = false;           // attention_k_eq_v: global layers have no v_proj
        bool media_both_ways = false;        // use_bidirectional_attention == "vision", sliding layers only
        float rope_theta = 10000.0f;             // rope_parameters.sliding_attention.rope_theta
        float global_rope_theta = 1000000.0f;    // rope_parameters.full_attention.rope_theta
        float global_rotated = 0.25f;            // rope_parameters.full_attention.partial_rotary_factor
        float softcap = 30.0f;               // final_logit_softcapping; 0 = none
        float norm_eps = 1e-6f;              // rms_norm_eps
        // Gemma 4 fixes the rest; its ancestors differ (examples/gemma3_270m).
        bool value_norm = true;              // v_norm: values are normed, without a weight
        bool layer_scalar = true;            // layer_scalar: the output of a layer is scaled
        float query_scale = 1.0f;            // of queries, after norm and rope; Gemma 3: query_pre_attn_scalar^-0.5

        constexpr bool operator==(text_config const&) const = default;
    };

    // visit(name, field) for every field.
    template <class Config, class Visit>
    constexpr void for_each_field(Config& c, Visit&& visit)
    {
        visit("vocab", c.vocab);
        visit("hidden", c.hidden);
        visit("layers", c.layers);
        visit("global_every", c.global_every);
        visit("heads", c.heads);
        visit("kv_heads", c.kv_heads);
        visit("global_kv_heads", c.global_kv_heads);
        visit("head_dim", c.head_dim);
        visit("global_head_dim", c.global_head_dim);
        visit("window", c.window);
        visit("ffn", c.ffn);
        visit("shared_ffn", c.shared_ffn);
        visit("kv_shared_layers", c.kv_shared_layers);
        visit("per_layer_input", c.per_layer_input);
        visit("experts", c.experts);
        visit("active_experts", c.active_experts);
        visit("expert_ffn", c.expert_ffn);
        visit("max_positions", c.max_positions);
        visit("value_is_key", c.value_is_key);
        visit("media_both_ways", c.media_both_ways);
        visit("rope_theta", c.rope_theta);
        visit("global_rope_theta", c.global_rope_theta);
        visit("global_rotated", c.global_rotated);
        visit("softcap", c.softcap);
        visit("norm_eps", c.norm_eps);
        visit("value_norm", c.value_norm);
        visit("layer_scalar", c.layer_scalar);
        visit("query_scale", c.query_scale);
    }
}
