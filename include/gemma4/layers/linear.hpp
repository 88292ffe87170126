// y = x Wᵀ, cut into blocks of rows and outputs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include <gemma4/core/math.hpp>
#include <gemma4/core/view.hpp>
#include <gemma4/layers/compute.hpp>
#include <gemma4/layers/matrix.hpp>
#include <gemma4/packing/unpack_rows.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t row_block = 64;           // x rows of an item: stay in L2
    inline constexpr std::size_t out_block = 64;           // weight rows of an item
    inline constexpr std::size_t dequantised_rows = 16;    // weight rows that are float32 at a time

    // Floats of compute::weight_rows for matrices of up to `ins` columns.
    constexpr std::size_t weight_row_floats(std::size_t ins)
    {
        return dequantised_rows * round_up(ins, packed_group);
    }

    // Bytes of compute::quantised for `rows` rows of up to `ins` columns: float32 is the widest kind.
    constexpr std::size_t quantised_bytes(std::size_t rows, std::size_t ins)
    {
        return round_up(rows, packed_rows) * round_up(ins, packed_group) * sizeof(float) + 4096;
    }

    // Rows [first, first + count) of w as float32, times factor, in to (count, ins of w). Of packed matrices:
    // within one block of 16 rows.
    template <class Format>
    void read_rows(compute const& c, matrix<Format> const& w, std::size_t first, std::size_t count,
                   float factor, float* to)
    {
        if (is_packed(w.type()))
        {
            auto const in_block = first % packed_rows;
            unpack_rows(packing_of(w.type()), w.row(first - in_block), w.ins(), in_block, count, to, w.ins());
            auto const both = w.has_factors() ? factor * w.factor(first) : factor;
            if (both != 1.0f) { c.kernels->scale(both, to, count * w.ins()); }
            return;
        }
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

    // Rows that are about to meet matrices: as they are, or, for packed matrices on the fast path, quantised
    // into compute::quantised, which holds one such input at a time.
    struct linear_input
    {
        view<float const> x;
        kernels::activations quantised;    // data: null where x is used as it is
        std::size_t together;              // rows that meet the same matrix
    };

    // What rows are turned into for w where `together` of them meet it; none: they are used as they are.
    template <class Format>
    std::optional<kernels::activation_kind> input_kind(compute const& c, matrix<Format> const& w,
                                                       std::size_t together)
    {
        if (!c.fast || !is_packed(w.type())) { return std::nullopt; }
        return c.fast->wants(packing_of(w.type()), together);
    }

    // Whether `in` may meet w: prepare() for w would have made the same of its rows. Of a matrix with as many
    // columns as the one that it was prepared for.
    template <class Format>
    bool serves(compute const& c, linear_input const& in, matrix<Format> const& w)
    {
        auto const kind = input_kind(c, w, in.together);
        return kind ? in.quantised.data && in.quantised.kind == *kind : !in.quantised.data;
    }

    // The input for w of rows that make(r, slot) writes to row r of x: they are quantised while they are
    // near.
    template <class Format, class Make>
    linear_input prepare(compute const& c, matrix<Format> const& w, view<float const> x, Make&& make)
    {
        linear_input in{x, {}, x.rows};
        auto const kind = input_kind(c, w, x.rows);
        if (!kind)
        {
            c.for_each_row(x.rows, make);
            return in;
        }
        in.quantised = {c.quantised, *kind, x.rows, w.ins()};
        constexpr std::size_t block = 16;
        c.for_each(ceil_div(x.rows, block),
                   [&](std::size_t i, std::size_t slot)
                   {
                       auto const first = i * block;
                       auto const count = std::min(block, x.rows - first);
                       for (auto r = first; r != first + count; ++r) { make(r, slot); }
                       c.fast->quantise(x.data, x.columns, first, count, in.quantised);
                   });
        return in;
    }

    template <class Format>
    linear_input prepare(compute const& c, matrix<Format> const& w, view<float const> x)
    {
        if (!input_kind(c, w, x.rows)) { return {x, {}, x.rows}; }
        return prepare(c, w, x, [](auto...) {});
    }

    // Makes `in` one that serves(w), of the same rows. It is the input that compute::quantised holds.
    template <class Format>
    void serve(compute const& c, linear_input& in, matrix<Format> const& w)
    {
        if (!serves(c, in, w)) { in = prepare(c, w, in.x); }
    }

    // y (rows, outs; stride ldy) = rows [first, first + rows) of the input times rows [out, out + outs) of w.
    // Of packed matrices: out a multiple of 16. All of these rows of w have the same factor, if any. `in`
    // serves(w).
    template <class Format>
    void multiply_block(compute const& c, matrix<Format> const& w, linear_input const& in, std::size_t first,
                        std::size_t rows, std::size_t out, std::size_t outs, float* y, std::size_t ldy,
                        std::size_t slot)
    {
        auto const ins = w.ins();
        if (in.quantised.data)
        {
            c.fast->matmul[std::size_t(packing_of(w.type()))](in.quantised, first, rows, w.row(out), outs, y,
                                                              ldy, c.product_scratch_of(slot));
            if (w.has_factors())
            {
                for (std::size_t r = 0; r != rows; ++r)
                {
                    c.kernels->scale(w.factor(out), y + r * ldy, outs);
                }
            }
            return;
        }
        float const* const x = in.x.row(first);
        auto const ldx = in.x.columns;
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

    inline constexpr std::size_t few_rows = 8;    // up to so many, weights pass at the memory's speed
    inline constexpr std::size_t long_out_block = 2048;    // and items are long streams

    // Floats that any block of up to `rows` rows fills. fast: null where all is in float32.
    constexpr std::size_t block_floats(std::size_t rows, kernels::fast_table const* fast)
    {
        return fast ? std::max(rows * fast->outs_at_once, few_rows * long_out_block) : row_block * out_block;
    }

    // Outputs of an item of rows that are not few.
    inline std::size_t outs_at_once(compute const& c, linear_input const& in, std::size_t outs)
    {
        if (!in.quantised.data) { return out_block; }
        constexpr std::size_t step = 2 * packed_rows;
        return std::clamp(round_up(ceil_div(outs, 4 * c.slots), step), step, c.fast->outs_at_once);
    }

    // Outputs of few rows as items. A round of them gives each of `slots` threads half of its share of what
    // is left: streams are long, and nobody waits long for the last (guided self-scheduling, Polychronopoulos
    // and Kuck, 1987).
    struct guided_outs
    {
        std::size_t outs;
        std::size_t slots;

        struct item
        {
            std::size_t first, count;
        };

        std::size_t items() const
        {
            std::size_t all = 0;
            for (auto left = outs; left != 0;)
            {
                auto const size = item_size(left);
                auto const round = std::min(slots, ceil_div(left, size));
                all += round;
                left -= std::min(left, round * size);
            }
            return all;
        }

        item operator[](std::size_t i) const
        {
            auto left = outs;
            for (; i >= slots; i -= slots) { left -= slots * item_size(left); }
            auto const first = outs - left + i * item_size(left);
            return {first, std::min(item_size(left), outs - first)};
        }

    private:
        std::size_t item_size(std::size_t left) const
        {
            auto const half = round_up(ceil_div(left, 2 * slots), 2 * packed_rows);
            return std::clamp(half, out_block, long_out_block);
        }
    };

    // block(first_row, rows, first_out, outs, slot) for every block of an input's rows and of `outs` outputs.
    // Where rows are quantised a block has all of them, so that weights are read from memory once.
    template <class Block>
    void for_each_block(compute const& c, linear_input const& in, std::size_t outs, Block&& block)
    {
        auto const rows = in.x.rows;
        if (rows == 0) { return; }
        bool const all_rows = in.quantised.data != nullptr;
        if (all_rows && rows <= few_rows)
        {
            guided_outs const guided{outs, c.slots};
            c.for_each(guided.items(),
                       [&](std::size_t i, std::size_t slot)
                       {
                           auto const item = guided[i];
                           block(0, rows, item.first, item.count, slot);
                       });
            return;
        }
        auto const rows_at_once = all_rows ? rows : row_block;
        auto const outs_of_item = outs_at_once(c, in, outs);
        auto const row_blocks = ceil_div(rows, rows_at_once);
        c.for_each(row_blocks * ceil_div(outs, outs_of_item),
                   [&](std::size_t item, std::size_t slot)
                   {
                       auto const r = item % row_blocks * rows_at_once;
                       auto const o = item / row_blocks * outs_of_item;
                       block(r, std::min(rows_at_once, rows - r), o, std::min(outs_of_item, outs - o), slot);
                   });
    }

    // y (rows, ldy) at columns [0, outs of w) = x (rows, ins of w) Wᵀ, of an input that serves(w).
    // then(first_row, rows, first_out, outs, slot) is called for each block once it is written, by whoever
    // wrote it.
    template <class Format, class Then>
    void linear(compute const& c, matrix<Format> const& w, linear_input const& in, float* y, std::size_t ldy,
                Then&& then)
    {
        for_each_block(c, in, w.outs(),
                       [&](std::size_t r, std::size_t rows, std::size_t o, std::size_t outs, std::size_t slot)
                       {
                           multiply_block(c, w, in, r, rows, o, outs, y + r * ldy + o, ldy, slot);
                           then(r, rows, o, outs, slot);
                       });
    }

    template <class Format>
    void linear(compute const& c, matrix<Format> const& w, linear_input const& in, view<float> y)
    {
        linear(c, w, in, y.data, y.columns, [](auto...) {});
    }

    template <class Format, class Then>
    void linear(compute const& c, matrix<Format> const& w, view<float const> x, float* y, std::size_t ldy,
                Then&& then)
    {
        linear(c, w, prepare(c, w, x), y, ldy, then);
    }

    template <class Format>
    void linear(compute const& c, matrix<Format> const& w, view<float const> x, view<float> y)
    {
        linear(c, w, prepare(c, w, x), y);
    }
}
