// Gemma4TextRouter and Gemma4TextExperts: each token goes to its `active` best experts; tokens are grouped by
// expert.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/expert_rows.hpp>
#include <gemma4/layers/gated.hpp>
#include <gemma4/layers/norm.hpp>
#include <gemma4/spec/architecture.hpp>

namespace gemma4::inline v0
{
    // experts.gate_up_proj: rows [e * stride, e * stride + expert_ffn) of each are those of expert e. One
    // tensor (stride 2 * expert_ffn, up begins after the first gate) or two (stride expert_ffn).
    template <class Format>
    struct expert_gate_up
    {
        matrix<Format> gate;
        matrix<Format> up;
        std::size_t stride = 0;
    };

    template <text_model M, class Format>
    class mixture
    {
        static constexpr text_config text = M::text;

    public:
        matrix<Format> router;             // router.proj (experts, hidden)
        vector_weight router_scale;        // router.scale (hidden)
        vector_weight per_expert_scale;    // router.per_expert_scale (experts)
        expert_gate_up<Format> gate_up_proj;
        matrix<Format> down_proj;    // experts.down_proj (experts * hidden, expert_ffn)
        vector_weight post_feedforward_layernorm_1, pre_feedforward_layernorm_2,
            post_feedforward_layernorm_2;    // (hidden)

        // a.z = norm_1(a.z) + norm_2(experts(norm(a.x))), routed on a.x itself. Uses a.y.
        void forward(compute const& c, activations& a) const
        {
            norm(c, post_feedforward_layernorm_1, text.norm_eps, a.z, a.z);
            auto const pairs = route(c, a);
            norm(c, pre_feedforward_layernorm_2, text.norm_eps, a.x, a.y);
            run_experts(c, a, pairs);
            combine(c, a, pairs);
            add_normed(c, post_feedforward_layernorm_2, text.norm_eps, a.y, a.z);
        }

    private:
        static constexpr auto active = text.active_experts;

        // The chosen experts of each row, ascending, and their weights; then all pairs grouped by expert.
        expert_rows<M> route(compute const& c, activations& a) const
        {
            auto const rows = a.rows();
            c.for_each_row(rows,
                           [&](std::size_t r, std::size_t)
                           {
                               // no-scale norm, times router.scale, times hidden^-½: each product rounded, as
                               // in the reference
                               c.kernels->rms_norm(a.x.row(r), router_scale.data, a.y.row(r), text.hidden,
                                                   text.norm_eps);
                               c.kernels->scale(float(1.0 / std::sqrt(double(text.hidden))), a.y.row(r),
                                                text.hidden);
                           });
            linear(c, router, a.y, view<float>{a.scores, rows, text.experts});
            expert_rows<M> const pairs(c, a);
            c.for_each_row(rows,
                           [&](std::size_t r, std::size_t)
                           {
                               float* const p = a.scores + r * text.experts;
                               c.kernels->softmax(p, text.experts);
                               choose(p, pairs.chosen(r), a.route_weights + r * active);
                           });
            pairs.group();
            return pairs;
        }

        // The `active` largest probabilities (the lower expert first where equal), normalised and scaled.
        void choose(float const* p, std::size_t* experts, float* weights) const
        {
            std::size_t order[text.experts];
            for (std::size_t e = 0; e != text.experts; ++e) { order[e] = e; }
            std::partial_sort(order, order + active, order + text.experts,
                              [&](std::size_t i, std::size_t j)
                              { return p[i] > p[j] || (p[i] == p[j] && i < j); });
            float sum = 0;
            for (std::size_t i = 0; i != active; ++i) { sum += p[order[i]]; }
            std::sort(order, order + active);    // the reference adds experts up in ascending order
            for (std::size_t i = 0; i != active; ++i)
            {
                experts[i] = order[i];
                weights[i] = p[order[i]] / sum * per_expert_scale.data[order[i]];
            }
        }

        // a.expert_rows (pairs, hidden), sorted by expert, from a.y.
        void run_experts(compute const& c, activations& a, expert_rows<M> const& pairs) const
        {
            c.for_each_row(
                pairs.size(), [&](std::size_t i, std::size_t)
                { std::copy_n(a.y.row(pairs.row_of(i)), text.hidden, a.expert_rows + i * text.hidden); });
            view<float const> const x{a.expert_rows, pairs.size(), text.hidden};
            auto const in = gated(
                c, pairs,
                gate_up<Format>{gate_up_proj.gate, gate_up_proj.up, text.expert_ffn, gate_up_proj.stride},
                pairs.prepare(c, gate_up_proj.gate, x), down_proj, a.expert_ffn);
            pairs.for_each_block(c, in, text.hidden,
                                 [&](std::size_t expert, std::size_t first, std::size_t from,
                                     std::size_t rows, std::size_t out, std::size_t outs, std::size_t slot)
                                 {
                                     multiply_block(c, down_proj, in, from, rows, expert * text.hidden + out,
                                                    outs, a.expert_rows + first * text.hidden + out,
                                                    text.hidden, slot);
                                 });
        }

        // a.y = the weighted sum of each row's experts, in ascending order of expert.
        void combine(compute const& c, activations& a, expert_rows<M> const& pairs) const
        {
            c.for_each_row(a.rows(),
                           [&](std::size_t r, std::size_t)
                           {
                               std::fill_n(a.y.row(r), text.hidden, 0.0f);
                               for (auto i = r * active; i != (r + 1) * active; ++i)
                               {
                                   c.kernels->add_scaled(a.route_weights[i],
                                                         a.expert_rows + pairs.place_of(i) * text.hidden,
                                                         a.y.row(r), text.hidden);
                               }
                           });
        }
    };
}
