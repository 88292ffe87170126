// Watching a forward pass from outside.
#pragma once

#include <cstddef>
#include <type_traits>

#include <gemma4/core/view.hpp>
#include <gemma4/core/xtensor.hpp>

namespace gemma4::inline v0
{
    enum class layer_point
    {
        input,        // the residual stream that enters the layer
        attention,    // the output of self_attn, before post_attention_layernorm
        output        // the hidden state that leaves the layer
    };

    // The default: sees nothing and costs nothing.
    struct no_observer
    {};

    // An observer is called as observer(layer_point, layer, rows) with rows a (rows, hidden) xtensor
    // expression of floats that is valid during the call. Rows are those of the batch, in order; from the
    // last layer with keys and values of its own on, only those whose logits are asked for.
    template <class Observer>
    void observe(Observer& observer, layer_point point, std::size_t layer, view<float const> rows)
    {
        if constexpr (!std::is_same_v<Observer, no_observer>) { observer(point, layer, as_xtensor(rows)); }
    }
}
