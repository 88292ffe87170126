// The per-layer embedding of E2B and E4B: x += norm((gelu(x Wgate) * ple[layer]) Wproj).
#pragma once

#include <cstddef>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/linear.hpp>
#include <gemma4/layers/norm.hpp>

namespace gemma4::inline v0
{
    template <class Format>
    class per_layer_input
    {
    public:
        matrix<Format> per_layer_input_gate;        // (per_layer_input, hidden)
        matrix<Format> per_layer_projection;        // (hidden, per_layer_input)
        vector_weight post_per_layer_input_norm;    // (hidden)

        // a.z = (gelu(a.x Wgate) * ple of `layer`) Wproj, `in` being the input of a.x for the gate; the
        // caller adds its norm to a.x.
        void forward(compute const& c, activations& a, linear_input const& in, std::size_t layer) const
        {
            auto const width = per_layer_input_gate.outs();
            view<float> const gate{a.ffn, a.rows(), width};
            auto const stride = a.per_layer_count * width;
            auto const offset = (layer - a.per_layer_first) * width;
            linear(c, per_layer_input_gate, in, gate.data, width,
                   [&](std::size_t row, std::size_t rows, std::size_t out, std::size_t outs, std::size_t)
                   {
                       for (auto r = row; r != row + rows; ++r)
                       {
                           float* const g = gate.row(r) + out;
                           c.kernels->gelu_multiply(g, a.per_layer + r * stride + offset + out, g, outs);
                       }
                   });
            linear(c, per_layer_projection, gate, a.z);
        }
    };
}
