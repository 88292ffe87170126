// The weight tree of a text decoder, and the names of its tensors.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/layers/decoder_layer.hpp>

namespace gemma4::inline v0
{
    template <text_model M, class Format,
              class Kinds = std::make_index_sequence<architecture<M>::schedule.kind_count>>
    struct decoder_weights;

    // Layers are grouped by kind: a run-time loop over layers, a compile-time fold over kinds.
    template <text_model M, class Format, std::size_t... Kind>
    struct decoder_weights<M, Format, std::index_sequence<Kind...>>
    {
        static constexpr text_config text = M::text;
        static constexpr auto const& schedule = architecture<M>::schedule;

        struct per_layer_tables
        {
            matrix<Format> embed_tokens_per_layer;        // (vocab, layers * per_layer_input)
            matrix<Format> per_layer_model_projection;    // (layers * per_layer_input, hidden)
            vector_weight per_layer_projection_norm;      // (per_layer_input)
        };

        matrix<Format> embed_tokens;    // (vocab, hidden)
        matrix<Format> lm_head;         // (vocab, hidden); embed_tokens where tied
        vector_weight norm;             // (hidden)
        [[no_unique_address]] std::conditional_t<text.per_layer_input != 0, per_layer_tables, no_part<2>>
            per_layer;
        std::tuple<std::array<decoder_layer<M, Kind, Format>, schedule.count[Kind]>...> layers;

        // f(layer) with the decoder_layer of layer l.
        template <class F>
        void with_layer(std::size_t l, F&& f) const
        {
            auto const& place = schedule.layers[l];
            (void)((place.kind == Kind && (f(std::get<Kind>(layers)[place.slot]), true)) || ...);
        }

        // visit(name, weight, shape...) for every tensor of the decoder in the order of layers. Names are
        // those of the checkpoint after its prefix; weight is a matrix, a vector_weight or a float.
        template <class Visit>
        void for_each_tensor(Visit&& visit)
        {
            visit("embed_tokens.weight", embed_tokens, text.vocab, text.hidden);
            visit("norm.weight", norm, text.hidden);
            if constexpr (text.per_layer_input != 0)
            {
                constexpr auto width = text.layers * text.per_layer_input;
                visit("embed_tokens_per_layer.weight", per_layer.embed_tokens_per_layer, text.vocab, width);
                visit("per_layer_model_projection.weight", per_layer.per_layer_model_projection, width,
                      text.hidden);
                visit("per_layer_projection_norm.weight", per_layer.per_layer_projection_norm,
                      text.per_layer_input);
            }
            for (std::size_t l = 0; l != text.layers; ++l)
            {
                auto const& place = schedule.layers[l];
                auto const prefix = sentence("layers.", l, ".");
                (void)((place.kind == Kind
                        && (tensors_of(std::get<Kind>(layers)[place.slot], prefix, visit), true))
                       || ...);
            }
        }

    private:
        template <class Layer, class Visit>
        static void tensors_of(Layer& layer, std::string const& prefix, Visit& visit)
        {
            constexpr layer_spec s = Layer::spec;
            auto const tensor = [&](char const* name, auto& weight, auto... shape)
            { visit(prefix + name, weight, shape...); };
            tensor("input_layernorm.weight", layer.input_layernorm, s.hidden);
            tensor("self_attn.q_proj.weight", layer.self_attn.q_proj, s.heads * s.head_dim, s.hidden);
            tensor("self_attn.q_norm.weight", layer.self_attn.q_norm, s.head_dim);
            if constexpr (s.owns_kv())
            {
                tensor("self_attn.k_proj.weight", layer.self_attn.kv.k_proj, s.kv_heads * s.head_dim,
                       s.hidden);
                tensor("self_attn.k_norm.weight", layer.self_attn.kv.k_norm, s.head_dim);
                if constexpr (!s.value_is_key)
                {
                    tensor("self_attn.v_proj.weight", layer.self_attn.kv.v_proj, s.kv_heads * s.head_dim,
                           s.hidden);
                }
            }
            tensor("self_attn.o_proj.weight", layer.self_attn.o_proj, s.hidden, s.heads * s.head_dim);
            tensor("post_attention_layernorm.weight", layer.post_attention_layernorm, s.hidden);
            tensor("pre_feedforward_layernorm.weight", layer.pre_feedforward_layernorm, s.hidden);
            tensor("mlp.gate_proj.weight", layer.mlp.gate_proj, s.ffn, s.hidden);
            tensor("mlp.up_proj.weight", layer.mlp.up_proj, s.ffn, s.hidden);
            tensor("mlp.down_proj.weight", layer.mlp.down_proj, s.hidden, s.ffn);
            if constexpr (s.experts != 0)
            {
                tensor("post_feedforward_layernorm_1.weight", layer.moe.post_feedforward_layernorm_1,
                       s.hidden);
                tensor("router.proj.weight", layer.moe.router, s.experts, s.hidden);
                tensor("router.scale", layer.moe.router_scale, s.hidden);
                tensor("router.per_expert_scale", layer.moe.per_expert_scale, s.experts);
                tensor("pre_feedforward_layernorm_2.weight", layer.moe.pre_feedforward_layernorm_2, s.hidden);
                tensor("experts.gate_up_proj", layer.moe.gate_up_proj, s.experts, 2 * s.expert_ffn, s.hidden);
                tensor("experts.down_proj", layer.moe.down_proj, s.experts, s.hidden, s.expert_ffn);
                tensor("post_feedforward_layernorm_2.weight", layer.moe.post_feedforward_layernorm_2,
                       s.hidden);
            }
            tensor("post_feedforward_layernorm.weight", layer.post_feedforward_layernorm, s.hidden);
            if constexpr (s.per_layer_input != 0)
            {
                tensor("per_layer_input_gate.weight", layer.ple.per_layer_input_gate, s.per_layer_input,
                       s.hidden);
                tensor("per_layer_projection.weight", layer.ple.per_layer_projection, s.hidden,
                       s.per_layer_input);
                tensor("post_per_layer_input_norm.weight", layer.ple.post_per_layer_input_norm, s.hidden);
            }
            if constexpr (s.layer_scalar) { tensor("layer_scalar", layer.layer_scalar, std::size_t(1)); }
        }
    };
}
