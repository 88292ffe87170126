// The matrices of a decoder, as they lie in memory.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include <gemma4/io/weight_binder.hpp>
#include <gemma4/model/weights.hpp>

namespace gemma4::inline v0
{
    // name: as decoder_weights::for_each_tensor has it, and "lm_head.weight" where the head is not the
    // embedding.
    struct listed_matrix
    {
        std::string name;
        weight_type type;
        std::size_t outs = 0, ins = 0;
        std::size_t bytes = 0;
        std::size_t row_bytes = 0;    // of packed matrices: a sixteenth of a block
    };

    template <class Weights>
    std::vector<listed_matrix> list_matrices(Weights& weights)
    {
        std::vector<listed_matrix> list;
        auto const add = [&](std::string const& name, auto const& m) {
            list.push_back({name, m.type(), m.outs(), m.ins(), m.bytes(), m.row_bytes()});
        };
        weights.for_each_tensor(
            [&]<class Weight>(std::string const& name, Weight& weight, auto... shape)
            {
                if constexpr (detail::is_gate_up<Weight>)
                {
                    std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                    add(name, weight.gate);
                    if (weight.stride == extents[1] / 2) { add(name, weight.up); }    // two tensors
                }
                else if constexpr (!std::is_same_v<Weight, float> && !std::is_same_v<Weight, vector_weight>)
                {
                    add(name, weight);
                }
            });
        if (weights.lm_head.row(0) != weights.embed_tokens.row(0)) { add("lm_head.weight", weights.lm_head); }
        return list;
    }
}
