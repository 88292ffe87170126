// What one token costs, by arithmetic on a model's numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <gemma4/api/listed_matrix.hpp>
#include <gemma4/kernels/table_type.hpp>
#include <gemma4/spec/layer_spec.hpp>

namespace gemma4::inline v0::cli
{
    // Elements of the matrices that one decoder layer multiplies a token with where `experts` experts work,
    // in two parts: what every token needs because its keys and values are remembered, and the rest.
    struct layer_cost
    {
        std::size_t remember = 0;    // k_proj and, where there is one, v_proj
        // q_proj, o_proj; gate, up, down; router and experts; per_layer_input_gate, per_layer_projection
        std::size_t rest = 0;

        std::size_t all() const { return remember + rest; }
    };

    inline layer_cost cost_of(layer_spec const& s, std::size_t experts)
    {
        layer_cost c;
        if (s.owns_kv()) { c.remember = (s.value_is_key ? 1 : 2) * s.kv_heads * s.head_dim * s.hidden; }
        c.rest =
            2 * s.heads * s.head_dim * s.hidden + 3 * s.ffn * s.hidden + 2 * s.per_layer_input * s.hidden;
        if (s.experts != 0) { c.rest += s.experts * s.hidden + experts * 3 * s.expert_ffn * s.hidden; }
        return c;
    }

    // Elements of weights that one decode step reads for `batch` conversations together: each layer's
    // matrices (of the experts at most batch * active_experts), the lm head, the projection of per-layer
    // inputs; and per conversation one row of the embedding and one row of the per-layer table. Norm vectors
    // are left out.
    inline std::size_t weights_per_step(text_config const& c, std::size_t batch)
    {
        auto const experts = std::min(c.experts, batch * c.active_experts);
        std::size_t sum = c.vocab * c.hidden + c.layers * c.per_layer_input * c.hidden;
        for (std::size_t l = 0; l != c.layers; ++l) { sum += cost_of(spec_of(c, l), experts).all(); }
        return sum + batch * (c.hidden + c.layers * c.per_layer_input);
    }

    // Positions that the token at `at` attends to in a layer.
    inline std::size_t visible(layer_spec const& s, std::size_t at)
    {
        return s.is_global() ? at + 1 : std::min(s.window, at + 1);
    }

    // Bytes of keys and values that the token at position `at` reads: visible positions * kv_heads * head_dim
    // * 2 in every layer, also where the layer reads another's; of int8 the scales too.
    inline std::size_t kv_bytes(text_config const& c, std::size_t at,
                                kernels::kv_type type = kernels::kv_type::f32)
    {
        std::size_t sum = 0;
        for (std::size_t l = 0; l != c.layers; ++l)
        {
            auto const s = spec_of(c, l);
            auto const scale = type == kernels::kv_type::int8 ? sizeof(float) : 0;
            sum += visible(s, at) * s.kv_heads * 2 * (s.head_dim * kernels::size_of(type) + scale);
        }
        return sum;
    }

    // The mean of kv_bytes over `count` tokens from position `from`; 0 of no tokens.
    inline double mean_kv_bytes(text_config const& c, std::size_t from, std::size_t count,
                                kernels::kv_type type)
    {
        double sum = 0;
        for (std::size_t i = 0; i != count; ++i) { sum += double(kv_bytes(c, from + i, type)); }
        return count ? sum / double(count) : 0;
    }

    // Bytes of weights that one decode step reads for `batch` conversations together, as weights_per_step
    // counts them, of matrices as they lie in memory.
    inline double bytes_per_step(text_config const& c, std::span<listed_matrix const> matrices,
                                 std::size_t batch)
    {
        bool const tied =
            std::ranges::none_of(matrices, [](auto const& m) { return m.name == "lm_head.weight"; });
        double sum = 0;
        for (auto const& m : matrices)
        {
            bool const is_embedding = m.name == "embed_tokens.weight";
            bool const is_table = is_embedding || m.name == "embed_tokens_per_layer.weight";
            if (is_table) { sum += double(batch * m.row_bytes); }
            if (is_table && !(is_embedding && tied)) { continue; }
            bool const is_expert = m.name.find(".experts.") != m.name.npos;
            sum += is_expert ? double(m.bytes) / double(c.experts)
                                   * double(std::min(c.experts, batch * c.active_experts))
                             : double(m.bytes);
        }
        return sum;
    }

    // The layers that run for a prompt's last token only, and their share of the weights that the layers
    // multiply with. All but the last owner's k_proj and v_proj is skipped from that layer on; the KV-shared
    // layers are skipped as a whole.
    struct skipped_work
    {
        std::size_t layers = 0;
        double weight_share = 0;
    };

    inline skipped_work skipped_in_prefill(text_config const& c)
    {
        auto const owners = c.layers - c.kv_shared_layers;
        double all = 0, skipped = 0;
        for (std::size_t l = 0; l != c.layers; ++l)
        {
            auto const cost = cost_of(spec_of(c, l), c.active_experts);
            all += double(cost.all());
            if (l + 1 == owners) { skipped += double(cost.rest); }
            if (l >= owners) { skipped += double(cost.all()); }
        }
        return {c.kv_shared_layers, skipped / all};
    }

    // Floating-point operations of a prompt of n tokens whose last logits are wanted: 2 per weight multiplied
    // with, and in attention 4 * heads * head_dim per visible position; skipped work is not counted.
    inline double prefill_flops(text_config const& c, std::size_t n)
    {
        auto const owners = c.layers - c.kv_shared_layers;
        auto const last = double(n) - 1;
        double sum = 2.0 * double(c.vocab) * double(c.hidden);
        for (std::size_t l = 0; l != c.layers; ++l)
        {
            auto const s = spec_of(c, l);
            auto const cost = cost_of(s, c.active_experts);
            auto const attention = [&](std::size_t at)
            { return 4.0 * double(s.heads * s.head_dim) * double(visible(s, at)); };
            // Of the projection.
            double const per_layer = 2.0 * double(c.per_layer_input) * double(c.hidden);
            bool const every_token = l + 1 < owners;
            sum += 2.0 * double(cost.all()) + attention(n - 1) + per_layer;    // the last token
            sum += last * 2.0 * double(every_token ? cost.all() : l + 1 == owners ? cost.remember : 0);
            if (!every_token) { continue; }
            sum += last * per_layer;
            for (std::size_t at = 0; at + 1 < n; ++at) { sum += attention(at); }
        }
        return sum;
    }
}
