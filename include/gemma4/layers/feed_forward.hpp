// Gemma4TextMLP: down(gelu_tanh(gate(y)) * up(y)).
#pragma once

#include <cstddef>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/gated.hpp>

namespace gemma4::inline v0
{
    template <class Format>
    class feed_forward
    {
    public:
        matrix<Format> gate_proj;    // (ffn, hidden)
        matrix<Format> up_proj;      // (ffn, hidden)
        matrix<Format> down_proj;    // (hidden, ffn)

        // a.z = mlp(a.y), `in` being the input of a.y for gate_proj.
        void forward(compute const& c, activations& a, linear_input const& in) const
        {
            auto const h = gated(c, all_rows{}, gate_up<Format>{gate_proj, up_proj, gate_proj.outs(), 0}, in,
                                 down_proj, a.ffn);
            linear(c, down_proj, h, a.z);
        }
    };
}
