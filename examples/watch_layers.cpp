// Sees every layer's hidden state as an xtensor expression: here, how its length grows from layer to layer.
#include <cmath>
#include <iostream>

#include <gemma4/gemma4.hpp>
#include <gemma4/spec/nano.hpp>

int main(int argc, char** argv)
{
    auto model = gemma4::load<gemma4::nano>(argc > 1 ? argv[1] : GEMMA4_MODELS "/nano");
    auto const tokens = model.tokens().encode("<bos>The capital of France is");
    auto past = model.make_state();

    auto watch = [](gemma4::layer_point point, std::size_t layer, auto const& rows)
    {
        if (point != gemma4::layer_point::output) { return; }
        double square = 0;
        for (std::size_t i = 0; i != rows.shape(1); ++i)
        {
            square += double(rows(rows.shape(0) - 1, i)) * rows(rows.shape(0) - 1, i);
        }
        std::cout << "layer " << layer << ": " << rows.shape(0) << " rows, last of length "
                  << std::sqrt(square) << '\n';
    };
    gemma4::sequence_step<gemma4::nano> const step{&past, tokens, gemma4::wanted_logits::last};
    model.step(
        std::span(&step, 1), [](std::size_t, std::span<float>) {}, {}, watch);
}
