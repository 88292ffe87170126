// Gemma4TextRouter and Gemma4TextExperts: each token goes to its `active` best experts; tokens are grouped by
// expert.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/feed_forward.hpp>
#include <gemma4/layers/norm.hpp>
#include <gemma4/spec/architecture.hpp>

namespace gemma4::inline v0
{
    // Elements of activations::routes: the expert of each (row, choice), the pairs sorted by expert, where
    // each pair stands in that order, where each expert's pairs begin, there and in compute::quantised, and
    // the blocks of pairs (expert, first pair).
    constexpr std::size_t route_count(text_config const& t, std::size_t rows)
    {
        auto const pairs = rows * t.active_experts;
        return t.experts == 0 ? 0 : 3 * pairs + 2 * (t.experts + 1) + 2 * (t.experts + pairs / row_block) + 1;
    }

    // Bytes of compute::quantised for the inputs of experts.
    constexpr std::size_t quantised_expert_bytes(text_config const& t, std::size_t rows)
    {
        if (t.experts == 0) { return 0; }
        constexpr auto unit = kernels::whole_rows(kernels::activation_kind::tiles);
        auto const pairs = rows * t.active_experts;
        auto const ins = std::max(t.hidden, t.expert_ffn);
        auto const tiles = pairs + (unit - 1) * std::min(t.experts, pairs);
        return std::max(quantised_bytes(pairs, ins), quantised_bytes(tiles, ins) / 2 + 4096);
    }

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
            route(c, a);
            norm(c, pre_feedforward_layernorm_2, text.norm_eps, a.x, a.y);
            run_experts(c, a);
            combine(c, a);
            add_normed(c, post_feedforward_layernorm_2, text.norm_eps, a.y, a.z);
        }

    private:
        static constexpr auto active = text.active_experts;

        // The chosen experts of each row, ascending, and their weights; then all pairs grouped by expert.
        void route(compute const& c, activations& a) const
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
            c.for_each_row(rows,
                           [&](std::size_t r, std::size_t)
                           {
                               float* const p = a.scores + r * text.experts;
                               c.kernels->softmax(p, text.experts);
                               choose(p, a.routes + r * active, a.route_weights + r * active);
                           });
            group(c, a);
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

        struct grouping
        {
            std::size_t* pair;      // (pairs) row * active + choice, sorted by expert
            std::size_t* place;     // (pairs) where each pair stands in that order
            std::size_t* begin;     // (experts + 1)
            std::size_t* whole;     // (experts + 1) the same, each a multiple of whole_rows
            std::size_t* count;     // blocks
            std::size_t* blocks;    // (blocks, 2) expert and first pair of some pairs of one expert
        };

        static grouping grouping_of(activations const& a)
        {
            auto const pairs = a.rows() * active;
            auto const begin = a.routes + 3 * pairs;
            auto const whole = begin + text.experts + 1;
            auto const count = whole + text.experts + 1;
            return {a.routes + pairs, a.routes + 2 * pairs, begin, whole, count, count + 1};
        }

        // Pairs of an expert that pass its weights together: on the fast path all.
        static std::size_t pairs_at_once(compute const& c, activations const& a)
        {
            return c.fast ? std::max(a.rows(), row_block) : row_block;
        }

        static void group(compute const& c, activations const& a)
        {
            auto const [pair, place, begin, whole, count, blocks] = grouping_of(a);
            auto const pairs = a.rows() * active;
            std::fill_n(begin, text.experts + 1, std::size_t(0));
            for (std::size_t i = 0; i != pairs; ++i) { ++begin[a.routes[i] + 1]; }
            for (std::size_t e = 0; e != text.experts; ++e) { begin[e + 1] += begin[e]; }
            std::size_t filled[text.experts] = {};
            for (std::size_t i = 0; i != pairs; ++i)
            {
                auto const e = a.routes[i];
                place[i] = begin[e] + filled[e]++;
                pair[place[i]] = i;
            }
            *count = 0;
            for (std::size_t e = 0; e != text.experts; ++e)
            {
                for (auto first = begin[e]; first < begin[e + 1]; first += pairs_at_once(c, a), ++*count)
                {
                    blocks[2 * *count] = e;
                    blocks[2 * *count + 1] = first;
                }
            }
        }

        // The rows of x (pairs, ins of w), sorted by expert, about to meet w.
        static linear_input prepare_experts(compute const& c, grouping const& g, matrix<Format> const& w,
                                            view<float const> x)
        {
            linear_input in{x, {}};
            if (!c.fast || !is_packed(w.type())) { return in; }
            auto const kind = c.fast->wants(packing_of(w.type()), ceil_div(x.rows, text.experts));
            g.whole[0] = 0;
            for (std::size_t e = 0; e != text.experts; ++e)
            {
                g.whole[e + 1] =
                    g.whole[e] + round_up(g.begin[e + 1] - g.begin[e], kernels::whole_rows(kind));
            }
            in.quantised = {c.quantised, kind, g.whole[text.experts], w.ins()};
            c.for_each(*g.count,
                       [&](std::size_t i, std::size_t)
                       {
                           auto const e = g.blocks[2 * i];
                           auto const count = g.begin[e + 1] - g.begin[e];
                           auto const row_0 = std::ptrdiff_t(g.begin[e]) - std::ptrdiff_t(g.whole[e]);
                           c.fast->quantise(x.data + row_0 * std::ptrdiff_t(x.columns), x.columns, g.whole[e],
                                            count, in.quantised);
                       });
            return in;
        }

        // block(expert, first pair, its row of the input, pairs, first output, outputs, slot) for blocks of
        // pairs of one expert times blocks of outputs. Of few pairs, the outputs of all experts are cut into
        // items as if they were one matrix.
        template <class Block>
        static void for_each_block(compute const& c, grouping const& g, linear_input const& in,
                                   std::size_t most, std::size_t outs, Block&& block)
        {
            auto const run = [&](std::size_t i, std::size_t out, std::size_t count, std::size_t slot)
            {
                auto const expert = g.blocks[2 * i];
                auto const first = g.blocks[2 * i + 1];
                auto const row = in.quantised.data ? g.whole[expert] + (first - g.begin[expert]) : first;
                block(expert, first, row, std::min(most, g.begin[expert + 1] - first), out, count, slot);
            };
            if (in.quantised.data && in.x.rows <= few_rows * active)
            {
                guided_outs const guided{*g.count * outs, c.slots};
                c.for_each(guided.items(),
                           [&](std::size_t i, std::size_t slot)
                           {
                               auto const item = guided[i];
                               auto const end = item.first + item.count;
                               for (auto at = item.first; at != end;)
                               {
                                   auto const count = std::min(outs - at % outs, end - at);
                                   run(at / outs, at % outs, count, slot);
                                   at += count;
                               }
                           });
                return;
            }
            bool const many_blocks = *g.count > 8 * c.slots;
            auto const outs_of_item = in.quantised.data && many_blocks ? wide_out_block : out_block;
            auto const out_blocks = ceil_div(outs, outs_of_item);
            c.for_each(*g.count * out_blocks,
                       [&](std::size_t item, std::size_t slot)
                       {
                           auto const out = item % out_blocks * outs_of_item;
                           run(item / out_blocks, out, std::min(outs_of_item, outs - out), slot);
                       });
        }

        void run_experts(compute const& c, activations& a) const
        {
            auto const g = grouping_of(a);
            auto const pairs = a.rows() * active;
            auto const most = pairs_at_once(c, a);
            c.for_each_row(
                pairs, [&](std::size_t i, std::size_t)
                { std::copy_n(a.y.row(g.pair[i] / active), text.hidden, a.expert_rows + i * text.hidden); });
            auto const in = prepare_experts(c, g, gate_up_proj.gate,
                                            view<float const>{a.expert_rows, pairs, text.hidden});
            for_each_block(c, g, in, most, text.expert_ffn,
                           [&](std::size_t expert, std::size_t first, std::size_t from, std::size_t rows,
                               std::size_t out, std::size_t outs, std::size_t slot)
                           {
                               auto const row = expert * gate_up_proj.stride + out;
                               float* const h = a.expert_ffn + first * text.expert_ffn + out;
                               float* const u = c.scratch(slot);
                               multiply_block(c, gate_up_proj.gate, in, from, rows, row, outs, h,
                                              text.expert_ffn, slot);
                               multiply_block(c, gate_up_proj.up, in, from, rows, row, outs, u, outs, slot);
                               for (std::size_t r = 0; r != rows; ++r)
                               {
                                   float* const to = h + r * text.expert_ffn;
                                   c.kernels->gelu_multiply(to, u + r * outs, to, outs);
                               }
                           });
            auto const inner =
                prepare_experts(c, g, down_proj, view<float const>{a.expert_ffn, pairs, text.expert_ffn});
            for_each_block(c, g, inner, most, text.hidden,
                           [&](std::size_t expert, std::size_t first, std::size_t from, std::size_t rows,
                               std::size_t out, std::size_t outs, std::size_t slot)
                           {
                               multiply_block(c, down_proj, inner, from, rows, expert * text.hidden + out,
                                              outs, a.expert_rows + first * text.hidden + out, text.hidden,
                                              slot);
                           });
        }

        // a.y = the weighted sum of each row's experts, in ascending order of expert.
        void combine(compute const& c, activations& a) const
        {
            auto const g = grouping_of(a);
            c.for_each_row(a.rows(),
                           [&](std::size_t r, std::size_t)
                           {
                               std::fill_n(a.y.row(r), text.hidden, 0.0f);
                               for (auto i = r * active; i != (r + 1) * active; ++i)
                               {
                                   c.kernels->add_scaled(a.route_weights[i],
                                                         a.expert_rows + g.place[i] * text.hidden, a.y.row(r),
                                                         text.hidden);
                               }
                           });
        }
    };
}
