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
    inline constexpr std::size_t row_block = 64;    // x rows of an item: stay in L2
    inline constexpr std::size_t out_block = 64;    // weight rows of an item

    // y (rows, ldy) at columns [0, outs of w) = x (rows, ins of w) Wᵀ. then(first_row, rows, first_out, outs,
    // slot) is called for each block once it is written, by whoever wrote it.
    template <class Format, class Then>
    void linear(compute const& c, matrix<Format> const& w, view<float const> x, float* y, std::size_t ldy,
                Then&& then)
    {
        auto const matmul = c.kernels->matmul[std::size_t(w.type())];
        auto const row_blocks = ceil_div(x.rows, row_block);
        auto const out_blocks = ceil_div(w.outs(), out_block);
        c.for_each(row_blocks * out_blocks,
                   [&](std::size_t item, std::size_t slot)
                   {
                       auto const r = item % row_blocks * row_block;
                       auto const o = item / row_blocks * out_block;
                       auto const rows = std::min(row_block, x.rows - r);
                       auto const outs = std::min(out_block, w.outs() - o);
                       matmul(x.row(r), x.columns, w.row(o), w.ins(), y + r * ldy + o, ldy, rows, outs,
                              w.ins());
                       then(r, rows, o, outs, slot);
                   });
    }

    template <class Format>
    void linear(compute const& c, matrix<Format> const& w, view<float const> x, view<float> y)
    {
        linear(c, w, x, y.data, y.columns, [](auto...) {});
    }
}
