// Products of bfloat16 and float16 weights: with float32 activations, or, where the processor multiplies pairs of bfloat16
// faster, with activations rounded to bfloat16.
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

        [[gnu::always_inline]] static fast_pair load(std::byte const* block, std::size_t pair, std::size_t part)
        {
            auto const* const line = block + 64 * pair;
            if constexpr (Type == packed_type::bf16)
            {
                auto const both = Isa::load(line + 4 * Isa::lanes * part);
                return {Isa::first_bf16(both), Isa::second_bf16(both)};
            }
            else
            {
                return {Isa::load_f16(line + 2 * Isa::lanes * part), Isa::load_f16(line + 32 + 2 * Isa::lanes * part)};
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
        static constexpr std::size_t few = 4;
        static constexpr std::size_t ahead = 512;

        static void run(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                        std::size_t outs, float* y, std::size_t ldy)
        {
            if (x.kind == activation_kind::float32)
            {
                rows_of(static_cast<float32_group const*>(x.data) + first, x, count, block, outs, y, ldy);
            }
            else if constexpr (Isa::has_bf16_dot && Type == packed_type::bf16)
            {
                rows_of(static_cast<bfloat16_group const*>(x.data) + first, x, count, block, outs, y, ldy);
            }
        }

    private:
        template <class Group>
        static void rows_of(Group const* a, activations const& x, std::size_t count, std::byte const* block,
                            std::size_t outs, float* y, std::size_t ldy)
        {
            switch (count)
            {
            case 0: return;
            case 1: return decode<Group, 1>(a, x, block, outs, y, ldy);
            case 2: return decode<Group, 2>(a, x, block, outs, y, ldy);
            default: break;
            }
            auto const bytes = packed_block_bytes(Type, x.ins);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            for (std::size_t b = 0; b < blocks; b += wide)
            {
                auto const* const here = block + b * bytes;
                auto const left = outs - b * packed_rows;
                for (std::size_t r = 0; r < count; r += tile_rows)
                {
                    auto* const to = y + r * ldy + b * packed_rows;
                    auto const rows = count - r < tile_rows ? count - r : tile_rows;
                    if (wide == 1 || b + wide <= blocks) { tiles<Group, wide>(rows, a + r, x, here, left, to, ldy); }
                    else { tiles<Group, 1>(rows, a + r, x, here, left, to, ldy); }
                }
            }
        }

        // The number of rows as a constant, so that the sums live in registers.
        template <class Group, std::size_t Wide, std::size_t Rows = tile_rows>
        static void tiles(std::size_t rows, Group const* a, activations const& x, std::byte const* block,
                          std::size_t outs, float* y, std::size_t ldy)
        {
            if constexpr (Rows > 1)
            {
                if (rows < Rows) { return tiles<Group, Wide, Rows - 1>(rows, a, x, block, outs, y, ldy); }
            }
            tile<Group, Rows, Wide, false>(a, x, block, packed_block_bytes(Type, x.ins), y, ldy, outs, packed_rows);
        }

        template <class Group, std::size_t Rows>
        static void decode(Group const* a, activations const& x, std::byte const* block, std::size_t outs, float* y,
                           std::size_t ldy)
        {
            auto const bytes = packed_block_bytes(Type, x.ins);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            auto const half = (blocks + 1) / 2;
            for (std::size_t b = 0; b != half; ++b)
            {
                auto const* const here = block + b * bytes;
                auto* const to = y + b * packed_rows;
                auto const left = outs - b * packed_rows;
                if (b + half < blocks)
                {
                    tile<Group, Rows, 2, true>(a, x, here, half * bytes, to, ldy, left, half * packed_rows);
                }
                else { tile<Group, Rows, 1, true>(a, x, here, 0, to, ldy, left, 0); }
            }
        }

        template <class Group, std::size_t Rows, std::size_t Wide, bool Prefetch>
        [[gnu::always_inline]] static void tile(Group const* a, activations const& x, std::byte const* block,
                                                std::size_t stride, float* y, std::size_t ldy, std::size_t outs,
                                                std::size_t out_stride)
        {
            // Few rows: even and odd k in sums of their own, for enough of them to hide the latency.
            constexpr std::size_t chains = Rows * Wide * parts < 4 ? 2 : 1;
            auto const groups = packed_groups(Type, x.ins);
            floats sums[Wide][Rows][parts][chains];
            for (auto& each : sums)
            {
                for (auto& row : each)
                {
                    for (auto& part : row)
                    {
                        for (auto& chain : part) { chain = Isa::spread(0.0f); }
                    }
                }
            }
            for (std::size_t g = 0; g != groups; ++g)
            {
                auto const* const group = a + g * x.rows;
                for (std::size_t i = 0; i != 16; ++i)
                {
                    auto const pair = 16 * g + i;
                    if constexpr (Prefetch)
                    {
                        for (std::size_t s = 0; s != Wide; ++s)
                        {
                            Isa::prefetch(block + s * stride + 64 * pair + ahead);
                        }
                    }
                    for (std::size_t p = 0; p != parts; ++p) { pair_of<Rows, Wide>(sums, group, block, stride, pair, i, p); }
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
        [[gnu::always_inline]] static void pair_of(floats (&sums)[Wide][Rows][parts][Chains], float32_group const* group,
                                                   std::byte const* block, std::size_t stride, std::size_t pair,
                                                   std::size_t i, std::size_t p)
        {
            fast_pair<Isa, Type> w[Wide];
            for (std::size_t s = 0; s != Wide; ++s) { w[s] = fast_pair<Isa, Type>::load(block + s * stride, pair, p); }
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
        [[gnu::always_inline]] static void pair_of(floats (&sums)[Wide][Rows][parts][Chains],
                                                   bfloat16_group const* group, std::byte const* block,
                                                   std::size_t stride, std::size_t pair, std::size_t i, std::size_t p)
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
