// Matrix product with the weights' rows as outputs: y = x w^T.
//
// Every (row, out) pair is its own sum: 16 lanes, lane i taking k = i, i + 16, ... in order with fma; every
// `flush` of k the lanes are added to 16 totals and start again from zero (short chains keep rounding small);
// at the end the totals are added in the tree of reduce_add. Tiles only decide which pairs are in flight
// together, so they cannot change bits.
#pragma once

#include <cstddef>

#include <gemma4/simd/f32x16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct matmul_kernel
    {
        using f32x16 = simd::f32x16<Arch>;

        static constexpr std::size_t flush = 512;

        // Pairs in flight: rows x outs, or one row x single_outs.
        static constexpr std::size_t room = simd::f32x16_count<Arch>;
        static constexpr std::size_t tile_rows = room >= 32 ? 4 : 2;
        static constexpr std::size_t tile_outs = room >= 32 ? 6 : room >= 8 ? 2 : 1;
        static constexpr std::size_t single_outs = room >= 32 ? 8 : room >= 8 ? 4 : 2;

        // From this many rows on, a tile's weights are widened once into a panel that all rows share; below
        // it (8 rows: 61 against 43 GFLOP/s on Zen 4) filling the panel costs more than widening again.
        static constexpr std::size_t panel_rows = 8 * tile_rows;
        static constexpr std::size_t min_block_rows = 16;
        static constexpr std::size_t max_block_rows = 64;
        static constexpr std::size_t block_floats = 196608;    // x of a row block stays in L2

        // totals += the dot products over `length` elements of k, at most `flush`. `ahead` is where the
        // caller will read weights next, `row` elements apart like w: one line is fetched for each line read.
        template <std::size_t Rows, std::size_t Outs, bool Ahead, class Weight>
        [[gnu::always_inline]] static void chunk(float const* x, std::size_t ldx, Weight const* w,
                                                 std::size_t ldw, Weight const* ahead, std::size_t length,
                                                 f32x16* totals)
        {
            constexpr std::size_t line = 64 / sizeof(Weight);
            f32x16 sum[Rows][Outs];
            for (std::size_t r = 0; r != Rows; ++r)
            {
                for (std::size_t o = 0; o != Outs; ++o) { sum[r][o] = f32x16::zero(); }
            }
            auto const step = [&](auto load_x, auto load_w) __attribute__((always_inline))
            {
                f32x16 weight[Outs];
                for (std::size_t o = 0; o != Outs; ++o) { weight[o] = load_w(o); }
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    f32x16 const value = load_x(r);
                    for (std::size_t o = 0; o != Outs; ++o) { sum[r][o] = fma(value, weight[o], sum[r][o]); }
                }
            };
            std::size_t k = 0;
            for (; k + line <= length; k += line)
            {
                if constexpr (Ahead)
                {
                    for (std::size_t o = 0; o != Outs; ++o) { simd::arch::prefetch(ahead + o * ldw + k); }
                }
                for (std::size_t j = 0; j != line; j += simd::width)
                {
                    step(
                        [&](std::size_t r)
                            __attribute__((always_inline)) { return f32x16::load(x + r * ldx + k + j); },
                        [&](std::size_t o)
                            __attribute__((always_inline)) { return f32x16::load(w + o * ldw + k + j); });
                }
            }
            for (; k < length; k += simd::width)
            {
                std::size_t const n = length - k < simd::width ? length - k : simd::width;
                step(
                    [&](std::size_t r)
                        __attribute__((always_inline)) { return f32x16::load_partial(x + r * ldx + k, n); },
                    [&](std::size_t o)
                        __attribute__((always_inline)) { return f32x16::load_partial(w + o * ldw + k, n); });
            }
            for (std::size_t r = 0; r != Rows; ++r)
            {
                for (std::size_t o = 0; o != Outs; ++o)
                {
                    totals[r * Outs + o] = totals[r * Outs + o] + sum[r][o];
                }
            }
        }

        // A whole tile straight from the weights.
        template <std::size_t Rows, std::size_t Outs, class Weight>
        static void tile(float const* x, std::size_t ldx, Weight const* w, std::size_t ldw,
                         Weight const* ahead, float* y, std::size_t ldy, std::size_t inner)
        {
            f32x16 totals[Rows * Outs];
            for (auto& total : totals) { total = f32x16::zero(); }
            for (std::size_t k = 0; k < inner; k += flush)
            {
                chunk<Rows, Outs, true>(x + k, ldx, w + k, ldw, ahead + k,
                                        inner - k < flush ? inner - k : flush, totals);
            }
            for (std::size_t r = 0; r != Rows; ++r)
            {
                for (std::size_t o = 0; o != Outs; ++o) { y[r * ldy + o] = reduce_add(totals[r * Outs + o]); }
            }
        }

        // Fewer than panel_rows rows: `Rows` at a time, then the rest. Outs outermost: weights are read once.
        template <std::size_t Rows, std::size_t Outs, class Weight>
        [[gnu::always_inline]] static void few_rows(float const* x, std::size_t ldx, Weight const* w,
                                                    std::size_t ldw, Weight const* ahead, float* y,
                                                    std::size_t ldy, std::size_t rows, std::size_t inner)
        {
            while (rows >= Rows)
            {
                tile<Rows, Outs>(x, ldx, w, ldw, ahead, y, ldy, inner);
                x += Rows * ldx;
                y += Rows * ldy;
                rows -= Rows;
            }
            if constexpr (Rows > 1) { few_rows<Rows - 1, Outs>(x, ldx, w, ldw, ahead, y, ldy, rows, inner); }
        }

        template <std::size_t Rows, std::size_t Outs>
        static void panel_tile(float const* x, std::size_t ldx, float const* panel, std::size_t length,
                               f32x16* totals)
        {
            chunk<Rows, Outs, false>(x, ldx, panel, flush, panel, length, totals);
        }

        template <std::size_t Rows, std::size_t Outs>
        [[gnu::always_inline]] static void panel_rest(float const* x, std::size_t ldx, float const* panel,
                                                      std::size_t length, f32x16* totals, std::size_t rows)
        {
            if constexpr (Rows > 0)
            {
                if (rows == Rows) { panel_tile<Rows, Outs>(x, ldx, panel, length, totals); }
                else { panel_rest<Rows - 1, Outs>(x, ldx, panel, length, totals, rows); }
            }
        }

        // `rows` <= max_block_rows rows through panels of widened weights.
        template <std::size_t Outs, class Weight>
        static void many_rows(float const* x, std::size_t ldx, Weight const* w, std::size_t ldw,
                              Weight const* ahead, float* y, std::size_t ldy, std::size_t rows,
                              std::size_t inner)
        {
            alignas(64) float panel[Outs * flush];
            f32x16 totals[max_block_rows * Outs];
            for (std::size_t i = 0; i != rows * Outs; ++i) { totals[i] = f32x16::zero(); }
            for (std::size_t k = 0; k < inner; k += flush)
            {
                std::size_t const length = inner - k < flush ? inner - k : flush;
                for (std::size_t o = 0; o != Outs; ++o)
                {
                    Weight const* const source = w + o * ldw + k;
                    std::size_t j = 0;
                    for (; j + simd::width <= length; j += simd::width)
                    {
                        simd::arch::prefetch(ahead + o * ldw + k + j);
                        f32x16::load(source + j).store(panel + o * flush + j);
                    }
                    if (j != length)
                    {
                        f32x16::load_partial(source + j, length - j).store(panel + o * flush + j);
                    }
                }
                std::size_t r = 0;
                for (; r + tile_rows <= rows; r += tile_rows)
                {
                    panel_tile<tile_rows, Outs>(x + r * ldx + k, ldx, panel, length, totals + r * Outs);
                }
                panel_rest<tile_rows - 1, Outs>(x + r * ldx + k, ldx, panel, length, totals + r * Outs,
                                                rows - r);
            }
            for (std::size_t r = 0; r != rows; ++r)
            {
                for (std::size_t o = 0; o != Outs; ++o) { y[r * ldy + o] = reduce_add(totals[r * Outs + o]); }
            }
        }

        template <std::size_t Outs, class Weight>
        [[gnu::always_inline]] static void out_tile(float const* x, std::size_t ldx, Weight const* w,
                                                    std::size_t ldw, Weight const* ahead, float* y,
                                                    std::size_t ldy, std::size_t rows, std::size_t inner)
        {
            if (rows >= panel_rows) { many_rows<Outs>(x, ldx, w, ldw, ahead, y, ldy, rows, inner); }
            else { few_rows<tile_rows, Outs>(x, ldx, w, ldw, ahead, y, ldy, rows, inner); }
        }

        template <class Weight>
        static void run(float const* x, std::size_t ldx, void const* weights, std::size_t ldw, float* y,
                        std::size_t ldy, std::size_t rows, std::size_t outs, std::size_t inner)
        {
            auto const w = static_cast<Weight const*>(weights);
            std::size_t block = inner == 0 ? max_block_rows : block_floats / inner / tile_rows * tile_rows;
            block = block > max_block_rows ? max_block_rows : block < min_block_rows ? min_block_rows : block;
            for (std::size_t done = 0; done < rows; done += block)
            {
                std::size_t const count = rows - done < block ? rows - done : block;
                float const* const from = x + done * ldx;
                float* const to = y + done * ldy;
                std::size_t n = 0;
                if (count == 1)
                {
                    for (; n + single_outs <= outs; n += single_outs)
                    {
                        bool const more = n + 2 * single_outs <= outs;
                        auto const here = w + n * ldw;
                        tile<1, single_outs>(from, ldx, here, ldw, more ? here + single_outs * ldw : here,
                                             to + n, ldy, inner);
                    }
                }
                else
                {
                    for (; n + tile_outs <= outs; n += tile_outs)
                    {
                        bool const more = n + 2 * tile_outs <= outs;
                        auto const here = w + n * ldw;
                        out_tile<tile_outs>(from, ldx, here, ldw, more ? here + tile_outs * ldw : here,
                                            to + n, ldy, count, inner);
                    }
                }
                for (; n < outs; ++n)
                {
                    out_tile<1>(from, ldx, w + n * ldw, ldw, w + n * ldw, to + n, ldy, count, inner);
                }
            }
        }
    };
}
