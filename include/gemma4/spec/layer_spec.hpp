// What one decoder layer needs to know about itself. Two layers with equal specs are the same type.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    enum class attention_kind : std::uint8_t
    {
        sliding,
        global
    };
    enum class kv_role : std::uint8_t
    {
        owner,
        reader
    };

    struct layer_spec
    {
        attention_kind attention;
        kv_role kv;
        std::size_t hidden;
        std::size_t heads;
        std::size_t kv_heads;
        std::size_t head_dim;
        std::size_t rotated;    // pairs of a head that rope turns; pair i is (i, i + head_dim / 2)
        std::size_t window;     // 0 on global layers
        std::size_t ffn;
        std::size_t experts;
        std::size_t active_experts;
        std::size_t expert_ffn;
        std::size_t per_layer_input;
        bool value_is_key;
        float norm_eps;
        bool value_norm = true;
        bool layer_scalar = true;
        float query_scale = 1.0f;

        constexpr bool operator==(layer_spec const&) const = default;
        constexpr bool is_global() const { return attention == attention_kind::global; }
        constexpr bool owns_kv() const { return kv == kv_role::owner; }
    };

    // The spec of layer `l` of a decoder `c`.
    constexpr layer_spec spec_of(text_config const& c, std::size_t l)
    {
        bool const global = (l + 1) % c.global_every == 0;
        bool const reader = l >= c.layers - c.kv_shared_layers;
        std::size_t const head_dim = global ? c.global_head_dim : c.head_dim;
        return {
            .attention = global ? attention_kind::global : attention_kind::sliding,
            .kv = reader ? kv_role::reader : kv_role::owner,
            .hidden = c.hidden,
            .heads = c.heads,
            .kv_heads = global ? c.global_kv_heads : c.kv_heads,
            .head_dim = head_dim,
            .rotated = global ? std::size_t(c.global_rotated * float(head_dim)) / 2 : head_dim / 2,
            .window = global ? 0 : c.window,
            .ffn = reader && c.shared_ffn != 0 ? c.shared_ffn : c.ffn,
            .experts = c.experts,
            .active_experts = c.active_experts,
            .expert_ffn = c.expert_ffn,
            .per_layer_input = c.per_layer_input,
            .value_is_key = global && c.value_is_key,
            .norm_eps = c.norm_eps,
            .value_norm = c.value_norm,
            .layer_scalar = c.layer_scalar,
            .query_scale = c.query_scale,
        };
    }
}
