// Products of bfloat16 and float16 weights: with float32 activations, or, where the processor multiplies
// pairs of bfloat16 faster, with activations rounded to bfloat16.
#pragma once

#include <cstddef>

#include <gemma4/kernels/fast_matmul.hpp>

namespace gemma4::inline v0::kernels
{
    // Two k of one block and part as floats.
    template <class Isa, packed_type Type>
    struct fast_pair
    {
        typename Isa::floats first;
        typename Isa::floats second;

        [[gnu::always_inline]] static fast_pair load(std::byte const* block, std::size_t pair,
                                                     std::size_t part)
        {
            auto const* const line = block + 64 * pair;
            if constexpr (Type == packed_type::bf16)
            {
                auto const both = Isa::load(line + 4 * Isa::lanes * part);
                return {Isa::first_bf16(both), Isa::second_bf16(both)};
            }
            else
            {
                return {Isa::load_f16(line + 2 * Isa::lanes * part),
                        Isa::load_f16(line + 32 + 2 * Isa::lanes * part)};
            }
        }
    };

    template <class Isa, packed_type Type>
    struct fast_plain
    {
        using floats = typename Isa::floats;
        static constexpr auto parts = packed_rows / Isa::lanes;
        static constexpr std::size_t wide = Isa::registers >= 32 ? 2 : 1;    // blocks of a tile
        static constexpr std::size_t tile_rows = Isa::registers >= 32 ? 12 : 12 / parts / 2;
        static constexpr std::size_t panel_groups = 32;
        static constexpr std::size_t ahead = 512;

        struct span
        {
            std::size_t first, last;
        };    // groups

        static void run(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                        std::size_t outs, float* y, std::size_t ldy, std::byte*)
        {
            if (x.kind == activation_kind::float32)
            {
                rows_of<float32_group>(x, first, count, block, outs, y, ldy);
            }
            else if constexpr (Isa::has_bf16_dot && Type == packed_type::bf16)
            {
                rows_of<bfloat16_group>(x, first, count, block, outs, y, ldy);
            }
        }

    private:
        template <class Group>
        static void rows_of(activations const& x, std::size_t first, std::size_t count,
                            std::byte const* block, std::size_t outs, float* y, std::size_t ldy)
        {
            for (auto r = first; r != first + count;)
            {
                auto const a = panel_of<Group>::at(x, r, first + count);
                auto* const to = y + (r - first) * ldy;
                switch (a.rows)
                {
                case 1: decode<Group, 1>(a, block, outs, to, ldy); break;
                case 2: decode<Group, 2>(a, block, outs, to, ldy); break;
                default: panels(a, block, outs, to, ldy); break;
                }
                r += a.rows;
            }
        }

        template <class Group>
        static void panels(panel_of<Group> const& a, std::byte const* block, std::size_t outs, float* y,
                           std::size_t ldy)
        {
            auto const bytes = packed_block_bytes(Type, 32 * a.groups);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            for (std::size_t g = 0; g < a.groups; g += panel_groups)
            {
                span const k{g, g + panel_groups < a.groups ? g + panel_groups : a.groups};
                for (std::size_t b = 0; b < blocks; b += wide)
                {
                    auto const* const here = block + b * bytes;
                    auto const left = outs - b * packed_rows;
                    for (std::size_t r = 0; r < a.rows; r += tile_rows)
                    {
                        auto* const to = y + r * ldy + b * packed_rows;
                        auto const rows = a.rows - r < tile_rows ? a.rows - r : tile_rows;
                        auto tile = a;
                        tile.records += r;
                        if (b + wide <= blocks) { tiles<Group, wide>(rows, tile, here, k, left, to, ldy); }
                        else { tiles<Group, 1>(rows, tile, here, k, left, to, ldy); }
                    }
                }
            }
        }

        // The number of rows as a constant, so that the sums live in registers.
        template <class Group, std::size_t Wide, std::size_t Rows = tile_rows>
        static void tiles(std::size_t rows, panel_of<Group> const& a, std::byte const* block, span k,
                          std::size_t outs, float* y, std::size_t ldy)
        {
            if constexpr (Rows > 1)
            {
                if (rows < Rows) { return tiles<Group, Wide, Rows - 1>(rows, a, block, k, outs, y, ldy); }
            }
            tile<Group, Rows, Wide, false>(a, block, packed_block_bytes(Type, 32 * a.groups), k, y, ldy, outs,
                                           packed_rows);
        }

        template <class Group, std::size_t Rows>
        static void decode(panel_of<Group> const& a, std::byte const* block, std::size_t outs, float* y,
                           std::size_t ldy)
        {
            auto const bytes = packed_block_bytes(Type, 32 * a.groups);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            auto const half = (blocks + 1) / 2;
            span const all{0, a.groups};
            for (std::size_t b = 0; b != half; ++b)
            {
                auto const* const here = block + b * bytes;
                auto* const to = y + b * packed_rows;
                auto const left = outs - b * packed_rows;
                if (b + half < blocks)
                {
                    tile<Group, Rows, 2, true>(a, here, half * bytes, all, to, ldy, left, half * packed_rows);
                }
                else { tile<Group, Rows, 1, true>(a, here, 0, all, to, ldy, left, 0); }
            }
        }

        template <class Group, std::size_t Rows, std::size_t Wide, bool Prefetch>
        [[gnu::always_inline]] static void tile(panel_of<Group> const& a, std::byte const* block,
                                                std::size_t stride, span k, float* y, std::size_t ldy,
                                                std::size_t outs, std::size_t out_stride)
        {
            // Few rows: even and odd k in sums of their own, for enough of them to hide the latency.
            constexpr std::size_t chains = Rows * Wide * parts < 4 ? 2 : 1;
            floats sums[Wide][Rows][parts][chains];
            for (std::size_t s = 0; s != Wide; ++s)
            {
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    floats from[parts];
                    for (auto& part : from) { part = Isa::spread(0.0f); }
                    if (k.first != 0)
                    {
                        fast_load<Isa>(from, y + r * ldy + s * out_stride, outs - s * out_stride);
                    }
                    for (std::size_t p = 0; p != parts; ++p)
                    {
                        sums[s][r][p][chains - 1] = Isa::spread(0.0f);
                        sums[s][r][p][0] = from[p];
                    }
                }
            }
            for (auto g = k.first; g != k.last; ++g)
            {
                auto const* const group = a.group(g);
                for (std::size_t i = 0; i != 16; ++i)
                {
                    auto const pair = 16 * g + i;
                    if constexpr (Prefetch && Isa::prefetches)
                    {
                        for (std::size_t s = 0; s != Wide; ++s)
                        {
                            Isa::prefetch(block + s * stride + 64 * pair + ahead);
                        }
                    }
                    for (std::size_t p = 0; p != parts; ++p)
                    {
                        pair_of<Rows, Wide>(sums, group, block, stride, pair, i, p);
                    }
                }
            }
            for (std::size_t s = 0; s != Wide; ++s)
            {
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    floats sum[parts];
                    for (std::size_t p = 0; p != parts; ++p)
                    {
                        sum[p] = sums[s][r][p][0];
                        if constexpr (chains == 2) { sum[p] = Isa::add(sum[p], sums[s][r][p][1]); }
                    }
                    fast_store<Isa>(sum, y + r * ldy + s * out_stride, outs - s * out_stride);
                }
            }
        }

        template <std::size_t Rows, std::size_t Wide, std::size_t Chains>
        [[gnu::always_inline]] static void
        pair_of(floats (&sums)[Wide][Rows][parts][Chains], float32_group const* group, std::byte const* block,
                std::size_t stride, std::size_t pair, std::size_t i, std::size_t p)
        {
            fast_pair<Isa, Type> w[Wide];
            for (std::size_t s = 0; s != Wide; ++s)
            {
                w[s] = fast_pair<Isa, Type>::load(block + s * stride, pair, p);
            }
            for (std::size_t r = 0; r != Rows; ++r)
            {
                auto const first = Isa::spread(group[r].x[2 * i]);
                auto const second = Isa::spread(group[r].x[2 * i + 1]);
                for (std::size_t s = 0; s != Wide; ++s)
                {
                    auto& sum = sums[s][r][p];
                    sum[0] = Isa::fma(w[s].first, first, sum[0]);
                    sum[Chains - 1] = Isa::fma(w[s].second, second, sum[Chains - 1]);
                }
            }
        }

        template <std::size_t Rows, std::size_t Wide, std::size_t Chains>
        [[gnu::always_inline]] static void
        pair_of(floats (&sums)[Wide][Rows][parts][Chains], bfloat16_group const* group,
                std::byte const* block, std::size_t stride, std::size_t pair, std::size_t i, std::size_t p)
        {
            typename Isa::bytes w[Wide];
            for (std::size_t s = 0; s != Wide; ++s)
            {
                w[s] = Isa::load(block + s * stride + 64 * pair + 4 * Isa::lanes * p);
            }
            for (std::size_t r = 0; r != Rows; ++r)
            {
                auto const both = Isa::spread_dword(group[r].x + 2 * i);
                for (std::size_t s = 0; s != Wide; ++s)
                {
                    auto& sum = sums[s][r][p][0];
                    sum = Isa::dot_bf16(sum, w[s], both);
                }
            }
        }
    };
}
