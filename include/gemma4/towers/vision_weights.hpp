// The weight tree of a vision tower, and the names of its tensors.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

#include <gemma4/core/error.hpp>
#include <gemma4/spec/vision_config.hpp>
#include <gemma4/towers/clipped_linear.hpp>

namespace gemma4::inline v0
{
    template <vision_config V, class Format>
    struct vision_layer
    {
        using linear_layer = clipped_linear<Format, V.clipped>;

        vector_weight input_layernorm;    // (hidden), like the other three
        vector_weight post_attention_layernorm;
        vector_weight pre_feedforward_layernorm;
        vector_weight post_feedforward_layernorm;
        linear_layer q_proj;    // (hidden, hidden), like the other three
        linear_layer k_proj;
        linear_layer v_proj;
        linear_layer o_proj;
        vector_weight q_norm;      // (head_dim)
        vector_weight k_norm;      // (head_dim)
        linear_layer gate_proj;    // (ffn, hidden)
        linear_layer up_proj;      // (ffn, hidden)
        linear_layer down_proj;    // (hidden, ffn)
    };

    struct standardisation
    {
        vector_weight bias;     // std_bias (hidden)
        vector_weight scale;    // std_scale (hidden)
    };

    struct not_standardised
    {};

    template <vision_config V, class Format>
    struct vision_weights
    {
        static_assert(V.heads * V.head_dim == V.hidden,
                      "gemma4: the heads of a vision tower fill its hidden width");
        static_assert(V.head_dim % 4 == 0,
                      "gemma4: head_dim of a vision tower must be a multiple of 4, for two "
                      "axes of pairs");

        static constexpr vision_config config = V;
        static constexpr std::size_t patch_values = 3 * V.patch * V.patch;

        matrix<Format> input_proj;    // (hidden, patch_values)
        matrix<Format> positions;     // (2 * positions, hidden): of columns, then of rows
        std::array<vision_layer<V, Format>, V.layers> layers;
        [[no_unique_address]] std::conditional_t<V.standardised, standardisation, not_standardised> standard;

        // visit(name, weight, shape...) for every tensor. Names are those of the checkpoint after
        // model.vision_tower.; weight is a matrix, a vector_weight or (shape []) a float.
        template <class Visit>
        void for_each_tensor(Visit&& visit)
        {
            if constexpr (V.standardised)
            {
                visit("std_bias", standard.bias, V.hidden);
                visit("std_scale", standard.scale, V.hidden);
            }
            visit("patch_embedder.position_embedding_table", positions, std::size_t(2), V.positions,
                  V.hidden);
            visit("patch_embedder.input_proj.weight", input_proj, V.hidden, patch_values);
            for (std::size_t l = 0; l != V.layers; ++l)
            {
                tensors_of(layers[l], sentence("encoder.layers.", l, "."), visit);
            }
        }

    private:
        template <class Visit>
        static void tensors_of(vision_layer<V, Format>& layer, std::string const& prefix, Visit& visit)
        {
            auto const gain = [&](char const* name, vector_weight& weight, std::size_t size)
            { visit(prefix + name, weight, size); };
            auto const linear_layer = [&](char const* name, auto& layer_of, std::size_t outs, std::size_t ins)
            { layer_of.for_each_tensor(prefix + name, outs, ins, visit); };
            linear_layer("self_attn.q_proj", layer.q_proj, V.hidden, V.hidden);
            linear_layer("self_attn.k_proj", layer.k_proj, V.hidden, V.hidden);
            linear_layer("self_attn.v_proj", layer.v_proj, V.hidden, V.hidden);
            linear_layer("self_attn.o_proj", layer.o_proj, V.hidden, V.hidden);
            gain("self_attn.q_norm.weight", layer.q_norm, V.head_dim);
            gain("self_attn.k_norm.weight", layer.k_norm, V.head_dim);
            linear_layer("mlp.gate_proj", layer.gate_proj, V.ffn, V.hidden);
            linear_layer("mlp.up_proj", layer.up_proj, V.ffn, V.hidden);
            linear_layer("mlp.down_proj", layer.down_proj, V.hidden, V.ffn);
            gain("input_layernorm.weight", layer.input_layernorm, V.hidden);
            gain("post_attention_layernorm.weight", layer.post_attention_layernorm, V.hidden);
            gain("pre_feedforward_layernorm.weight", layer.pre_feedforward_layernorm, V.hidden);
            gain("post_feedforward_layernorm.weight", layer.post_feedforward_layernorm, V.hidden);
        }
    };
}
