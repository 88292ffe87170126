// The gated product of Gemma's feed-forward networks, over rows that meet one matrix (Gemma4TextMLP) or
// groups of rows that meet a matrix each (Gemma4TextExperts).
#pragma once

#include <cstddef>

#include <gemma4/layers/linear.hpp>

namespace gemma4::inline v0
{
    // All rows meet the same matrix. Like expert_rows (layers/expert_rows.hpp), it says how rows are prepared
    // and cut: block(group, first, from, rows, out, outs, slot) is called for blocks of rows [first, first +
    // rows) of x, which begin at row `from` of the input, times outputs [out, out + outs) of the group's
    // matrix.
    struct all_rows
    {
        template <class Format>
        linear_input prepare(compute const& c, matrix<Format> const& w, view<float const> x) const
        {
            return gemma4::prepare(c, w, x);
        }

        template <class Block>
        void for_each_block(compute const& c, linear_input const& in, std::size_t outs, Block&& block) const
        {
            gemma4::for_each_block(
                c, in, outs,
                [&](std::size_t first, std::size_t rows, std::size_t out, std::size_t count, std::size_t slot)
                { block(0, first, first, rows, out, count, slot); });
        }
    };

    // The matrices of gated(): rows [g * stride, g * stride + width) of each are those of group g.
    template <class Format>
    struct gate_up
    {
        matrix<Format> const& gate;
        matrix<Format> const& up;
        std::size_t width;
        std::size_t stride;
    };

    // h (x.rows, width) = gelu_tanh(x Wgateᵀ) * (x Wupᵀ), block by block. Slot scratch: block_floats(x.rows).
    // Matrices whose types want the same input are read block by block side by side; others one after the
    // other, each with an input of its own.
    template <class Rows, class Format>
    void gated(compute const& c, Rows const& rows, gate_up<Format> const& w, view<float const> x, float* h)
    {
        auto const write_gate = [&](linear_input const& in, std::size_t group, std::size_t first,
                                    std::size_t from, std::size_t count, std::size_t out, std::size_t outs,
                                    std::size_t slot)
        {
            multiply_block(c, w.gate, in, from, count, group * w.stride + out, outs,
                           h + first * w.width + out, w.width, slot);
        };
        auto const apply_up = [&](linear_input const& in, std::size_t group, std::size_t first,
                                  std::size_t from, std::size_t count, std::size_t out, std::size_t outs,
                                  std::size_t slot)
        {
            float* const u = c.scratch(slot);
            multiply_block(c, w.up, in, from, count, group * w.stride + out, outs, u, outs, slot);
            for (std::size_t r = 0; r != count; ++r)
            {
                float* const g = h + (first + r) * w.width + out;
                c.kernels->gelu_multiply(g, u + r * outs, g, outs);
            }
        };
        auto const in = rows.prepare(c, w.gate, x);
        if (serves(c, in, w.up))
        {
            return rows.for_each_block(c, in, w.width,
                                       [&](auto... block)
                                       {
                                           write_gate(in, block...);
                                           apply_up(in, block...);
                                       });
        }
        rows.for_each_block(c, in, w.width, [&](auto... block) { write_gate(in, block...); });
        auto const again = rows.prepare(c, w.up, x);
        rows.for_each_block(c, again, w.width, [&](auto... block) { apply_up(again, block...); });
    }
}
