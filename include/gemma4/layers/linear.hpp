// y = x Wᵀ, cut into blocks of rows and outputs.
#pragma once

#include <algorithm>
#include <cstddef>

#include <gemma4/core/math.hpp>
#include <gemma4/core/view.hpp>
#include <gemma4/layers/compute.hpp>
#include <gemma4/layers/matrix.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t row_block = 64;          // x rows of an item: stay in L2
    inline constexpr std::size_t out_block = 64;          // weight rows of an item
    inline constexpr std::size_t dequantised_rows = 16;   // weight rows that are float32 at a time

    // Floats of compute::weight_rows for matrices of up to `ins` columns.
    constexpr std::size_t weight_row_floats(std::size_t ins)
    {
        return dequantised_rows * ins;
    }

    // Rows [first, first + count) of w as float32, times factor, in to (count, ins of w).
    template <class Format>
    void read_rows(compute const& c, matrix<Format> const& w, std::size_t first, std::size_t count,
                   float factor, float* to)
    {
        auto const widen = c.kernels->widen[std::size_t(w.type())];
        if (!w.has_factors())
        {
            widen(w.row(first), factor, to, count * w.ins());
            return;
        }
        for (auto r = first; r != first + count; ++r, to += w.ins())
        {
            widen(w.row(r), factor * w.factor(r), to, w.ins());
        }
    }

    // y (rows, outs; stride ldy) = x (rows, ins of w; stride ldx) times rows [out, out + outs) of w.
    template <class Format>
    void multiply_block(compute const& c, matrix<Format> const& w, float const* x, std::size_t ldx,
                        std::size_t rows, std::size_t out, std::size_t outs, float* y, std::size_t ldy,
                        std::size_t slot)
    {
        auto const ins = w.ins();
        if (is_plain(w.type()) && !w.has_factors())
        {
            c.kernels->matmul[std::size_t(plain_dtype(w.type()))](x, ldx, w.row(out), ins, y, ldy, rows, outs,
                                                                  ins);
            return;
        }
        float* const weights = c.weights_of(slot);
        for (std::size_t o = 0; o < outs; o += dequantised_rows)
        {
            auto const count = std::min(dequantised_rows, outs - o);
            read_rows(c, w, out + o, count, 1.0f, weights);
            c.kernels->matmul[std::size_t(dtype::f32)](x, ldx, weights, ins, y + o, ldy, rows, count, ins);
        }
    }

    // y (rows, ldy) at columns [0, outs of w) = x (rows, ins of w) Wᵀ. then(first_row, rows, first_out, outs,
    // slot) is called for each block once it is written, by whoever wrote it.
    template <class Format, class Then>
    void linear(compute const& c, matrix<Format> const& w, view<float const> x, float* y, std::size_t ldy,
                Then&& then)
    {
        auto const row_blocks = ceil_div(x.rows, row_block);
        auto const out_blocks = ceil_div(w.outs(), out_block);
        c.for_each(row_blocks * out_blocks,
                   [&](std::size_t item, std::size_t slot)
                   {
                       auto const r = item % row_blocks * row_block;
                       auto const o = item / row_blocks * out_block;
                       auto const rows = std::min(row_block, x.rows - r);
                       auto const outs = std::min(out_block, w.outs() - o);
                       multiply_block(c, w, x.row(r), x.columns, rows, o, outs, y + r * ldy + o, ldy, slot);
                       then(r, rows, o, outs, slot);
                   });
    }

    template <class Format>
    void linear(compute const& c, matrix<Format> const& w, view<float const> x, view<float> y)
    {
        linear(c, w, x, y.data, y.columns, [](auto...) {});
    }
}
