// The rows of a mixture's experts: pairs of a token and one of its experts, grouped by expert.
#pragma once

#include <algorithm>
#include <cstddef>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/linear.hpp>
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

    // A view of activations::routes. A pair is row * active_experts + choice; sorted by expert, pairs are the
    // rows that experts work on. Used as all_rows (layers/gated.hpp), an expert being a group.
    template <text_model M>
    class expert_rows
    {
        static constexpr text_config text = M::text;
        static constexpr auto active = text.active_experts;

    public:
        // Of pairs that group() sorted.
        expert_rows(compute const& c, activations const& a)
            : m_pairs(a.rows() * active)
            , m_most(c.fast ? std::max(a.rows(), row_block) : row_block)
            , m_chosen(a.routes)
            , m_pair(m_chosen + m_pairs)
            , m_place(m_pair + m_pairs)
            , m_begin(m_place + m_pairs)
            , m_whole(m_begin + text.experts + 1)
            , m_count(m_whole + text.experts + 1)
            , m_blocks(m_count + 1)
        {}

        std::size_t size() const noexcept { return m_pairs; }

        // The experts of a row, to be filled in before group().
        std::size_t* chosen(std::size_t row) const noexcept { return m_chosen + row * active; }

        // The token's row of the i-th pair in order of experts, and the other way round: where a pair stands.
        std::size_t row_of(std::size_t i) const noexcept { return m_pair[i] / active; }
        std::size_t place_of(std::size_t pair) const noexcept { return m_place[pair]; }

        // Sorts the pairs by expert, and cuts them into blocks of one expert each.
        void group() const
        {
            std::fill_n(m_begin, text.experts + 1, std::size_t(0));
            for (std::size_t i = 0; i != m_pairs; ++i) { ++m_begin[m_chosen[i] + 1]; }
            for (std::size_t e = 0; e != text.experts; ++e) { m_begin[e + 1] += m_begin[e]; }
            std::size_t filled[text.experts] = {};
            for (std::size_t i = 0; i != m_pairs; ++i)
            {
                auto const e = m_chosen[i];
                m_place[i] = m_begin[e] + filled[e]++;
                m_pair[m_place[i]] = i;
            }
            *m_count = 0;
            for (std::size_t e = 0; e != text.experts; ++e)
            {
                for (auto first = m_begin[e]; first < m_begin[e + 1]; first += m_most, ++*m_count)
                {
                    m_blocks[2 * *m_count] = e;
                    m_blocks[2 * *m_count + 1] = first;
                }
            }
        }

        // The rows of x (pairs, ins of w), sorted by expert. In the input the rows of an expert begin at a
        // multiple of whole_rows.
        template <class Format>
        linear_input prepare(compute const& c, matrix<Format> const& w, view<float const> x) const
        {
            linear_input in{x, {}, ceil_div(x.rows, text.experts)};
            auto const kind = input_kind(c, w, in.together);
            if (!kind) { return in; }
            m_whole[0] = 0;
            for (std::size_t e = 0; e != text.experts; ++e)
            {
                m_whole[e + 1] =
                    m_whole[e] + round_up(m_begin[e + 1] - m_begin[e], kernels::whole_rows(*kind));
            }
            in.quantised = {c.quantised, *kind, m_whole[text.experts], w.ins()};
            c.for_each(*m_count,
                       [&](std::size_t i, std::size_t)
                       {
                           auto const e = m_blocks[2 * i];
                           auto const count = m_begin[e + 1] - m_begin[e];
                           auto const row_0 = std::ptrdiff_t(m_begin[e]) - std::ptrdiff_t(m_whole[e]);
                           c.fast->quantise(x.data + row_0 * std::ptrdiff_t(x.columns), x.columns, m_whole[e],
                                            count, in.quantised);
                       });
            return in;
        }

        // block(expert, first, from, rows, out, outs, slot) as all_rows has it. Of few pairs, the outputs of
        // all experts are cut into items as if they were one matrix.
        template <class Block>
        void for_each_block(compute const& c, linear_input const& in, std::size_t outs, Block&& block) const
        {
            auto const run = [&](std::size_t i, std::size_t out, std::size_t count, std::size_t slot)
            {
                auto const expert = m_blocks[2 * i];
                auto const first = m_blocks[2 * i + 1];
                auto const from = in.quantised.data ? m_whole[expert] + (first - m_begin[expert]) : first;
                block(expert, first, from, std::min(m_most, m_begin[expert + 1] - first), out, count, slot);
            };
            if (in.quantised.data && in.x.rows <= few_rows * active)
            {
                guided_outs const guided{*m_count * outs, c.slots};
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
            bool const many_blocks = *m_count > 8 * c.slots;
            auto const outs_of_item = in.quantised.data && many_blocks ? c.fast->outs_at_once : out_block;
            auto const out_blocks = ceil_div(outs, outs_of_item);
            c.for_each(*m_count * out_blocks,
                       [&](std::size_t item, std::size_t slot)
                       {
                           auto const out = item % out_blocks * outs_of_item;
                           run(item / out_blocks, out, std::min(outs_of_item, outs - out), slot);
                       });
        }

    private:
        std::size_t m_pairs;
        std::size_t m_most;       // pairs of an expert that pass its weights together: on the fast path all
        std::size_t* m_chosen;    // (pairs)
        std::size_t* m_pair;      // (pairs) sorted by expert
        std::size_t* m_place;     // (pairs) where each stands in that order
        std::size_t* m_begin;     // (experts + 1)
        std::size_t* m_whole;     // (experts + 1) the same in the input
        std::size_t* m_count;     // blocks
        std::size_t* m_blocks;    // (blocks, 2) expert and first pair
    };
}
