// Gemma4TextMLP: down(gelu_tanh(gate(y)) * up(y)).
#pragma once

#include <cstddef>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/linear.hpp>

namespace gemma4::inline v0
{
    // gated() of matrices of two types: their inputs are prepared one after the other.
    template <class Format>
    void gated_apart(compute const& c, matrix<Format> const& gate, matrix<Format> const& up,
                     view<float const> x, float* h)
    {
        auto const width = gate.outs();
        linear(c, gate, x, h, width, [](auto...) {});
        auto const in = prepare(c, up, x, x.rows);
        for_each_block(
            c, in, width,
            [&](std::size_t row, std::size_t rows, std::size_t out, std::size_t outs, std::size_t slot)
            {
                float* const u = c.scratch(slot);
                multiply_block(c, up, in, row, rows, out, outs, u, outs, slot);
                for (std::size_t r = 0; r != rows; ++r)
                {
                    float* const g = h + (row + r) * width + out;
                    c.kernels->gelu_multiply(g, u + r * outs, g, outs);
                }
            });
    }

    // h (x.rows, gate.outs) = gelu_tanh(x Wgateᵀ) * (x Wupᵀ), block by block. Slot scratch:
    // block_floats(x.rows).
    template <class Format>
    void gated(compute const& c, matrix<Format> const& gate, matrix<Format> const& up, view<float const> x,
               float* h)
    {
        auto const width = gate.outs();
        if (gate.type() != up.type()) { return gated_apart(c, gate, up, x, h); }
        auto const in = prepare(c, gate, x, x.rows);
        for_each_block(
            c, in, width,
            [&](std::size_t row, std::size_t rows, std::size_t out, std::size_t outs, std::size_t slot)
            {
                float* const g = h + row * width + out;
                float* const u = c.scratch(slot);
                multiply_block(c, gate, in, row, rows, out, outs, g, width, slot);
                multiply_block(c, up, in, row, rows, out, outs, u, outs, slot);
                for (std::size_t r = 0; r != rows; ++r)
                {
                    c.kernels->gelu_multiply(g + r * width, u + r * outs, g + r * width, outs);
                }
            });
    }

    template <class Format>
    class feed_forward
    {
    public:
        matrix<Format> gate_proj;    // (ffn, hidden)
        matrix<Format> up_proj;      // (ffn, hidden)
        matrix<Format> down_proj;    // (hidden, ffn)

        // a.z = mlp(a.y)
        void forward(compute const& c, activations& a) const
        {
            gated(c, gate_proj, up_proj, a.y, a.ffn);
            linear(c, down_proj, view<float const>{a.ffn, a.rows(), down_proj.ins()}, a.z);
        }
    };
}
