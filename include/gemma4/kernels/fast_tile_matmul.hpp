// Products of many rows on the matrix unit: weights become tiles of bfloat16 while the unit multiplies the
// ones before; sums stay in the second-level cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <gemma4/kernels/fast_table.hpp>
#include <gemma4/kernels/fast_tile_rows.hpp>
#include <gemma4/kernels/fast_tile_weights.hpp>
#include <gemma4/simd/arch/tiles.hpp>

namespace gemma4::inline v0::kernels
{
    // What a call works in.
    struct tile_scratch
    {
        // Strips of 32 rows at a time, and pairs of blocks whose sums, one tile each for both halves of the
        // strip and both blocks, are held together.
        static constexpr std::size_t most_strips = 16;
        static constexpr std::size_t most_sums = 128;

        alignas(64) std::byte panel[2][2 * tile_depth * tile_bytes];
        alignas(64) float sums[most_sums * tile_bytes];
    };

    template <class Isa, class Tiles, class Source>
    class fast_tile_matmul
    {
        using floats = typename Isa::floats;

    public:
        // See fast_table::matmul.
        static void run(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                        std::size_t outs, float* y, std::size_t ldy, std::byte* scratch)
        {
            fast_tile_matmul m({{&x, block}}, 1, outs, scratch);
            m.for_each_round(first, count,
                             [&](round const& of)
                             {
                                 for (auto r = of.first; r != of.last; ++r)
                                 {
                                     auto* const to = y + (r - first) * ldy;
                                     for (std::size_t q = 0; q != of.pairs; ++q)
                                     {
                                         m.store(of, q, r, outs, to);
                                     }
                                 }
                             });
        }

        // See fast_table::gated.
        static void run_gated(activations const& x, activations const& x_up, std::size_t first,
                              std::size_t count, std::byte const* gate, std::byte const* up, std::size_t outs,
                              gated_bounds const& bounds, activations const& to, std::size_t column,
                              std::byte* scratch)
        {
            fast_tile_matmul m({{&x, gate}, {&x_up, up}}, 2, outs, scratch);
            auto const layout = tile_rows::of(to.rows, to.ins);
            auto const each = [&](auto bounded)
            {
                m.for_each_round(first, count,
                                 [&](round const& of)
                                 {
                                     for (std::size_t q = 0; q < of.pairs; q += 2)
                                     {
                                         auto const g = column / 32 + (of.first_pair + q) / 2;
                                         for (auto r = of.first; r != of.last; ++r)
                                         {
                                             m.template store_gated<decltype(bounded)::value>(
                                                 of, q, r, bounds,
                                                 static_cast<std::byte*>(to.data) + layout.line(r, g));
                                         }
                                     }
                                 });
            };
            if (bounds.bounded()) { each(std::true_type{}); }
            else { each(std::false_type{}); }
        }

    private:
        using shape = tile_scratch;
        static constexpr bool in_place = Source::type == packed_type::bf16;

        // Rows and the matrix that they meet. Of two such factors the pairs of blocks take turns.
        struct factor
        {
            activations const* x;
            std::byte const* block;
        };

        fast_tile_matmul(factor const (&of)[2], std::size_t factors, std::size_t outs, std::byte* scratch)
            : m_factor{of[0], of[factors - 1]}
            , m_factors(factors)
            , m_layout(tile_rows::of(of[0].x->rows, of[0].x->ins))
            , m_block_bytes(packed_block_bytes(Source::type, of[0].x->ins))
            , m_blocks((outs + packed_rows - 1) / packed_rows)
            , m_pairs((m_blocks + 1) / 2 * factors)
            , m_scratch(*reinterpret_cast<shape*>(scratch))
        {}

        // Rows [first, last) and pairs [first_pair, first_pair + pairs) whose sums are complete. `strip`: the
        // first of `strips` that were worked on.
        struct round
        {
            std::size_t first, last;
            std::size_t strip, strips;
            std::size_t first_pair, pairs;
        };

        template <class Done>
        [[gnu::always_inline]] void for_each_round(std::size_t first, std::size_t count, Done&& done)
        {
            if (count == 0) { return; }
            m_tiles.open();
            auto const last = first + count;
            for (auto r = first / 32 * 32; r < last; r += 32 * shape::most_strips)
            {
                auto const end = r + 32 * shape::most_strips < last ? r + 32 * shape::most_strips : last;
                auto const strips = (end - r + 31) / 32;
                auto const most = shape::most_sums / strips / m_factors * m_factors;
                auto const together = most < m_pairs ? most : m_pairs;
                for (std::size_t p = 0; p < m_pairs; p += together)
                {
                    round const of{r < first ? first : r,
                                   end,
                                   r / 32,
                                   strips,
                                   p,
                                   m_pairs - p < together ? m_pairs - p : together};
                    multiply(of);
                    done(of);
                }
            }
            m_tiles.close();
        }

        // A panel: a pair of blocks and up to 512 of k.
        struct panel
        {
            std::size_t pair;     // of all
            std::size_t depth;    // which 16 groups
        };

        void multiply(round const& of)
        {
            auto const depths = (m_layout.groups + tile_depth - 1) / tile_depth;
            auto const panel_at = [&](std::size_t i) {
                return panel{of.first_pair + i % of.pairs, i / of.pairs};
            };
            unpack(panel_at(0), m_scratch.panel[0], 0, 2 * tile_depth);
            for (std::size_t i = 0; i != depths * of.pairs; ++i)
            {
                bool const is_last = i + 1 == depths * of.pairs;
                multiply(of, panel_at(i), panel_at(is_last ? i : i + 1), !is_last, i % 2);
            }
        }

        std::size_t depth_of(panel const& p) const
        {
            auto const left = m_layout.groups - tile_depth * p.depth;
            return left < tile_depth ? left : tile_depth;
        }

        std::byte const* block_of(panel const& p, std::size_t side) const
        {
            // A last block without a partner is its own: its second half is not stored.
            auto const b = 2 * (p.pair / m_factors) + side;
            return m_factor[p.pair % m_factors].block + (b < m_blocks ? b : b - 1) * m_block_bytes;
        }

        // Tiles [from, to) of a panel, in the order they are used: group, then side.
        [[gnu::always_inline]] void unpack(panel const& p, std::byte* out, std::size_t from, std::size_t to)
        {
            if constexpr (!in_place)
            {
                auto const end = 2 * depth_of(p) < to ? 2 * depth_of(p) : to;
                for (auto i = from; i < end; ++i)
                {
                    if constexpr (Isa::prefetches) { prefetch(p, i); }
                    Source::unpack(block_of(p, i % 2), tile_depth * p.depth + i / 2, out + tile_bytes * i);
                }
            }
        }

        // The codes that the panel after this one needs at the same time.
        [[gnu::always_inline]] void prefetch(panel const& p, std::size_t i)
        {
            constexpr auto line = std::size_t(64);
            constexpr auto bytes =
                packed_group_at(Source::type, 2).codes - packed_group_at(Source::type, 0).codes;
            panel after = p;
            if (p.pair + 1 < m_pairs) { ++after.pair; }
            else { ++after.depth; }
            auto const* const codes = block_of(after, i % 2)
                                      + packed_group_at(Source::type, tile_depth * after.depth + i / 2).codes;
            for (std::size_t at = 0; at < bytes / 2; at += line) { Isa::prefetch(codes + at); }
        }

        // Four tiles: rows [0, 16) of the strip of the first block, of the second, rows [16, 32) likewise.
        float* sums_of(round const& of, std::size_t pair, std::size_t strip)
        {
            return m_scratch.sums + (pair * of.strips + strip) * tile_bytes;
        }

        void multiply(round const& of, panel const& now, panel const& next, bool has_next, std::size_t slot)
        {
            auto const* const x = static_cast<std::byte const*>(m_factor[now.pair % m_factors].x->data);
            auto const depth = depth_of(now);
            auto const steps = of.strips * depth;
            auto const work = has_next ? 2 * depth_of(next) : 0;
            auto* const weights = m_scratch.panel[slot];
            std::byte const* const left =
                in_place ? block_of(now, 0) + tile_bytes * tile_depth * now.depth : weights;
            std::byte const* const right =
                in_place ? block_of(now, 1) + tile_bytes * tile_depth * now.depth : weights + tile_bytes;
            constexpr std::size_t stride = in_place ? tile_bytes : 2 * tile_bytes;
            auto const pair = now.pair - of.first_pair;
            auto* sums = reinterpret_cast<std::byte*>(sums_of(of, pair, 0));
            std::size_t done = 0;
            for (std::size_t s = 0; s != of.strips; ++s, sums += 4 * tile_bytes)
            {
                auto const* a = x + m_layout.at(now.depth, of.strip + s);
                bool const both = 32 * (of.strip + s) + 16 < of.last;
                if (now.depth == 0)
                {
                    m_tiles.template zero<0>(), m_tiles.template zero<1>();
                    if (both) { m_tiles.template zero<2>(), m_tiles.template zero<3>(); }
                }
                else
                {
                    m_tiles.template load<0>(sums), m_tiles.template load<1>(sums + tile_bytes);
                    if (both)
                    {
                        m_tiles.template load<2>(sums + 2 * tile_bytes),
                            m_tiles.template load<3>(sums + 3 * tile_bytes);
                    }
                }
                for (std::size_t k = 0; k != depth; ++k, a += 2 * tile_bytes)
                {
                    if constexpr (in_place && Isa::prefetches)
                    {
                        // The first strip brings the weights from memory.
                        for (std::size_t at = 0; s == 0 && at != tile_bytes; at += 64)
                        {
                            Isa::prefetch(left + stride * k + 2 * tile_bytes + at);
                            Isa::prefetch(right + stride * k + 2 * tile_bytes + at);
                        }
                    }
                    m_tiles.template load<6>(left + stride * k);
                    m_tiles.template stream<4>(a);
                    m_tiles.template load<7>(right + stride * k);
                    m_tiles.template dot_bf16<0, 4, 6>();
                    m_tiles.template dot_bf16<1, 4, 7>();
                    if (both)
                    {
                        m_tiles.template stream<5>(a + tile_bytes);
                        m_tiles.template dot_bf16<2, 5, 6>();
                        m_tiles.template dot_bf16<3, 5, 7>();
                    }
                    // The sums of the next strip come from the second-level cache.
                    for (std::size_t line = 0; line != 4; ++line)
                    {
                        Isa::prefetch(sums + 4 * tile_bytes + 256 * k + 64 * line);
                    }
                    // Spread evenly over the steps.
                    auto const goal = (work * (s * depth + k + 1) + steps - 1) / steps;
                    if (goal > done)
                    {
                        unpack(next, m_scratch.panel[1 - slot], done, goal);
                        done = goal;
                    }
                }
                m_tiles.template store<0>(sums), m_tiles.template store<1>(sums + tile_bytes);
                if (both)
                {
                    m_tiles.template store<2>(sums + 2 * tile_bytes),
                        m_tiles.template store<3>(sums + 3 * tile_bytes);
                }
            }
        }

        // What sums are to be multiplied with.
        static constexpr float to_result = 1.0f / (tile_factor * Source::factor);

        // The 16 results of row r and one side of a pair.
        [[gnu::always_inline]] void results(round const& of, std::size_t pair, std::size_t r,
                                            std::size_t side, floats* to)
        {
            auto const* const from = sums_of(of, pair, r / 32 - of.strip) + r % 32 / 16 * 512 + r % 16 * 16;
            fast_load<Isa>(to, from + 256 * side, packed_rows);
            for (std::size_t p = 0; p != packed_rows / Isa::lanes; ++p)
            {
                to[p] = Isa::multiply(to[p], Isa::spread(to_result));
            }
        }

        // Row r, both blocks of a pair.
        [[gnu::always_inline]] void store(round const& of, std::size_t pair, std::size_t r, std::size_t outs,
                                          float* y)
        {
            for (std::size_t side = 0; side != 2; ++side)
            {
                auto const n = (2 * (of.first_pair + pair) + side) * packed_rows;
                if (n >= outs) { return; }
                floats sum[packed_rows / Isa::lanes];
                results(of, pair, r, side, sum);
                fast_store<Isa>(sum, y + n, outs - n);
            }
        }

        // gelu_tanh(gate) * up of row r, a pair of blocks of the gate and the one of up behind it, as a line
        // of the next input; zeros where there is no second block.
        template <bool Bounded>
        [[gnu::always_inline]] void store_gated(round const& of, std::size_t pair, std::size_t r,
                                                gated_bounds const& bounds, std::byte* line)
        {
            constexpr auto parts = packed_rows / Isa::lanes;
            floats h[2 * parts];
            for (std::size_t side = 0; side != 2; ++side)
            {
                if (of.first_pair + pair + side == m_blocks)
                {
                    for (std::size_t p = 0; p != parts; ++p) { h[parts + p] = Isa::spread(0.0f); }
                    break;
                }
                floats gate[parts], up[parts];
                results(of, pair, r, side, gate);
                results(of, pair + 1, r, side, up);
                for (std::size_t p = 0; p != parts; ++p)
                {
                    if constexpr (Bounded)
                    {
                        gate[p] = clamp(gate[p], bounds.gate);
                        up[p] = clamp(up[p], bounds.up);
                    }
                    auto product = Isa::multiply(gelu(gate[p]), up[p]);
                    if constexpr (Bounded) { product = clamp(product, bounds.product); }
                    h[parts * side + p] = Isa::multiply(product, Isa::spread(tile_factor));
                }
            }
            for (std::size_t p = 0; p != 2 * parts; p += 2)
            {
                Isa::store_bf16_line(line + 2 * Isa::lanes * p, h[p], h[p + 1]);
            }
        }

        [[gnu::always_inline]] static floats clamp(floats x, gated_bounds::range const& r)
        {
            return Isa::clamp(x, Isa::spread(r.low), Isa::spread(r.high));
        }

        // x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3), as kernels/elementwise.hpp has it.
        [[gnu::always_inline]] static floats gelu(floats x)
        {
            constexpr auto linear = -2.302208198144325f;    // -2 sqrt(2 / pi) / ln 2
            constexpr auto cubic = linear * 0.044715f;
            auto const inside = Isa::fma(Isa::multiply(x, x), Isa::spread(cubic), Isa::spread(linear));
            auto const below = Isa::add(Isa::exp2(Isa::multiply(x, inside)), Isa::spread(1.0f));
            return Isa::multiply(x, Isa::reciprocal(below));
        }

        factor m_factor[2];
        std::size_t m_factors;
        tile_rows m_layout;
        std::size_t m_block_bytes, m_blocks, m_pairs;
        [[no_unique_address]] Tiles m_tiles;
        shape& m_scratch;
    };
}
