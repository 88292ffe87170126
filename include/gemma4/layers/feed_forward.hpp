// Gemma4TextMLP: down(gelu_tanh(gate(y)) * up(y)).
#pragma once

#include <cstddef>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/linear.hpp>

namespace gemma4::inline v0
{
    // Floats of slot scratch that gated() needs.
    inline constexpr std::size_t gated_scratch = row_block * out_block;

    // h (x.rows, gate.outs) = gelu_tanh(x Wgateᵀ) * (x Wupᵀ), block by block.
    template <class Format>
    void gated(compute const& c, matrix<Format> const& gate, matrix<Format> const& up, view<float const> x,
               float* h)
    {
        auto const width = gate.outs();
        linear(c, gate, x, h, width,
               [&](std::size_t row, std::size_t rows, std::size_t out, std::size_t outs, std::size_t slot)
               {
                   float* const u = c.scratch(slot);
                   multiply_block(c, up, x.row(row), x.columns, rows, out, outs, u, outs, slot);
                   for (std::size_t r = 0; r != rows; ++r)
                   {
                       float* const g = h + (row + r) * width + out;
                       c.kernels->gelu_multiply(g, u + r * outs, g, outs);
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
