// One decoder layer (Gemma4TextDecoderLayer). The front page: read this first.
#pragma once

#include <cstddef>
#include <type_traits>

#include <gemma4/layers/attention.hpp>
#include <gemma4/layers/feed_forward.hpp>
#include <gemma4/layers/mixture.hpp>
#include <gemma4/layers/observer.hpp>
#include <gemma4/layers/per_layer_input.hpp>

namespace gemma4::inline v0
{
    template <int>
    struct no_part
    {};

    template <text_model M, std::size_t Kind, class Format>
    class decoder_layer
    {
    public:
        static constexpr layer_spec spec = architecture<M>::schedule.kinds[Kind];

        vector_weight input_layernorm, post_attention_layernorm;                // (hidden)
        vector_weight pre_feedforward_layernorm, post_feedforward_layernorm;    // (hidden)
        float layer_scalar = 1;
        attention<M, Kind, Format> self_attn;
        feed_forward<Format> mlp;
        [[no_unique_address]] std::conditional_t<spec.experts != 0, mixture<M, Format>, no_part<0>> moe;
        [[no_unique_address]] std::conditional_t<spec.per_layer_input != 0, per_layer_input<Format>,
                                                 no_part<1>>
            ple;

        // a.x (rows, hidden) -> a.x. `only_wanted`: called once keys and values of all rows are stored. In
        // the last layer that stores any it drops the rows whose logits nobody asked for, uses
        // compute::quantised, and returns true; else false.
        template <class Observer, class OnlyWanted>
        void forward(compute const& c, activations& a, std::size_t layer, placement const& place,
                     Observer& observer, OnlyWanted&& only_wanted) const
        {
            auto const eps = spec.norm_eps;
            observe(observer, layer_point::input, layer, a.x);
            auto in =
                prepare(c, self_attn.first_matrix(), a.y,
                        [&](std::size_t r, std::size_t) { norm_row(c, input_layernorm, eps, a.x, a.y, r); });
            if constexpr (spec.owns_kv()) { self_attn.remember(c, a, in, place.cache); }
            if (only_wanted()) { in = prepare(c, self_attn.q_proj, a.y); }
            self_attn.attend(c, a, in, place.cache);    // y -> z
            observe(observer, layer_point::attention, layer, a.z);

            in = prepare(c, mlp.gate_proj, a.y,
                         [&](std::size_t r, std::size_t)
                         {
                             add_normed_row(c, post_attention_layernorm, eps, a.z, a.x, r);
                             norm_row(c, pre_feedforward_layernorm, eps, a.x, a.y, r);
                         });
            mlp.forward(c, a, in);                                     // y -> z
            if constexpr (spec.experts != 0) { moe.forward(c, a); }    // x, z -> z

            if constexpr (spec.per_layer_input != 0)
            {
                in = prepare(c, ple.per_layer_input_gate, a.x,
                             [&](std::size_t r, std::size_t)
                             { add_normed_row(c, post_feedforward_layernorm, eps, a.z, a.x, r); });
                ple.forward(c, a, in, layer);    // x -> z
            }
            c.for_each_row(a.rows(),
                           [&](std::size_t r, std::size_t)
                           {
                               add_normed_row(c, last_norm(), eps, a.z, a.x, r);
                               if constexpr (spec.layer_scalar)
                               {
                                   c.kernels->scale(layer_scalar, a.x.row(r), spec.hidden);
                               }
                           });
            observe(observer, layer_point::output, layer, a.x);
        }

    private:
        // Of the block that comes last.
        vector_weight const& last_norm() const
        {
            if constexpr (spec.per_layer_input != 0) { return ple.post_per_layer_input_norm; }
            else { return post_feedforward_layernorm; }
        }
    };
}
