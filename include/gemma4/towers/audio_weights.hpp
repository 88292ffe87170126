// The weight tree of an audio tower, and the names of its tensors.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <gemma4/core/error.hpp>
#include <gemma4/spec/audio_config.hpp>
#include <gemma4/towers/clipped_linear.hpp>

namespace gemma4::inline v0
{
    template <class Format>
    struct audio_feed_forward
    {
        vector_weight pre_layer_norm;                // (hidden)
        vector_weight post_layer_norm;               // (hidden)
        clipped_linear<Format, true> ffw_layer_1;    // (4 hidden, hidden)
        clipped_linear<Format, true> ffw_layer_2;    // (hidden, 4 hidden)
    };

    template <class Format>
    struct audio_attention_weights
    {
        clipped_linear<Format, true> q_proj;    // (hidden, hidden), like the next three
        clipped_linear<Format, true> k_proj;
        clipped_linear<Format, true> v_proj;
        clipped_linear<Format, true> post;
        matrix<Format> relative_k_proj;    // (hidden, hidden), not clipped
        vector_weight per_dim_scale;       // (head_dim)
    };

    template <class Format>
    struct audio_light_convolution
    {
        vector_weight pre_layer_norm;                 // (hidden)
        vector_weight conv_norm;                      // (hidden)
        clipped_linear<Format, true> linear_start;    // (2 hidden, hidden)
        clipped_linear<Format, true> linear_end;      // (hidden, hidden)
        vector_weight depthwise;                      // (hidden, 1, conv_kernel)
    };

    // A conformer layer (Gemma4AudioLayer).
    template <class Format>
    struct audio_layer
    {
        audio_feed_forward<Format> feed_forward1, feed_forward2;
        audio_attention_weights<Format> self_attn;
        audio_light_convolution<Format> lconv1d;
        vector_weight norm_pre_attn, norm_post_attn, norm_out;    // (hidden)
    };

    template <audio_config A, class Format>
    struct audio_weights
    {
        static constexpr audio_config config = A;

        static_assert(A.hidden % A.heads == 0,
                      "gemma4: hidden of an audio tower must be a multiple of its heads");
        static_assert(A.hidden % 2 == 0, "gemma4: hidden of an audio tower must be even");

        // Frequencies after two halvings of the 128 bins.
        static constexpr std::size_t frequencies = 32;

        vector_weight conv0;                 // (channels 0, 1, 3, 3)
        vector_weight conv0_norm;            // (channels 0)
        vector_weight conv1;                 // (channels 1, channels 0, 3, 3)
        vector_weight conv1_norm;            // (channels 1)
        matrix<Format> input_proj_linear;    // (hidden, frequencies * channels 1)
        std::array<audio_layer<Format>, A.layers> layers;
        matrix<Format> output_proj;        // (output, hidden)
        vector_weight output_proj_bias;    // (output)

        // visit(name, weight, shape...) for every tensor. Names are those of the checkpoint after
        // model.audio_tower.; weight is a matrix, a vector_weight or (shape []) a float.
        template <class Visit>
        void for_each_tensor(Visit&& visit)
        {
            constexpr std::size_t one = 1, three = 3;
            std::string const front = "subsample_conv_projection.";
            visit(front + "layer0.conv.weight", conv0, A.channels[0], one, three, three);
            visit(front + "layer0.norm.weight", conv0_norm, A.channels[0]);
            visit(front + "layer1.conv.weight", conv1, A.channels[1], A.channels[0], three, three);
            visit(front + "layer1.norm.weight", conv1_norm, A.channels[1]);
            visit(front + "input_proj_linear.weight", input_proj_linear, A.hidden,
                  frequencies * A.channels[1]);
            for (std::size_t l = 0; l != A.layers; ++l)
            {
                auto const prefix = sentence("layers.", l, ".");
                auto& layer = layers[l];
                tensors_of(layer.feed_forward1, prefix + "feed_forward1.", visit);
                tensors_of(layer.feed_forward2, prefix + "feed_forward2.", visit);
                tensors_of(layer.self_attn, prefix + "self_attn.", visit);
                tensors_of(layer.lconv1d, prefix + "lconv1d.", visit);
                visit(prefix + "norm_pre_attn.weight", layer.norm_pre_attn, A.hidden);
                visit(prefix + "norm_post_attn.weight", layer.norm_post_attn, A.hidden);
                visit(prefix + "norm_out.weight", layer.norm_out, A.hidden);
            }
            visit(std::string("output_proj.weight"), output_proj, A.output, A.hidden);
            visit(std::string("output_proj.bias"), output_proj_bias, A.output);
        }

    private:
        template <class Visit>
        static void tensors_of(audio_feed_forward<Format>& block, std::string const& prefix, Visit& visit)
        {
            visit(prefix + "pre_layer_norm.weight", block.pre_layer_norm, A.hidden);
            visit(prefix + "post_layer_norm.weight", block.post_layer_norm, A.hidden);
            block.ffw_layer_1.for_each_tensor(prefix + "ffw_layer_1", 4 * A.hidden, A.hidden, visit);
            block.ffw_layer_2.for_each_tensor(prefix + "ffw_layer_2", A.hidden, 4 * A.hidden, visit);
        }

        template <class Visit>
        static void tensors_of(audio_attention_weights<Format>& block, std::string const& prefix,
                               Visit& visit)
        {
            block.q_proj.for_each_tensor(prefix + "q_proj", A.hidden, A.hidden, visit);
            block.k_proj.for_each_tensor(prefix + "k_proj", A.hidden, A.hidden, visit);
            block.v_proj.for_each_tensor(prefix + "v_proj", A.hidden, A.hidden, visit);
            block.post.for_each_tensor(prefix + "post", A.hidden, A.hidden, visit);
            visit(prefix + "relative_k_proj.weight", block.relative_k_proj, A.hidden, A.hidden);
            visit(prefix + "per_dim_scale", block.per_dim_scale, A.hidden / A.heads);
        }

        template <class Visit>
        static void tensors_of(audio_light_convolution<Format>& block, std::string const& prefix,
                               Visit& visit)
        {
            visit(prefix + "pre_layer_norm.weight", block.pre_layer_norm, A.hidden);
            visit(prefix + "conv_norm.weight", block.conv_norm, A.hidden);
            block.linear_start.for_each_tensor(prefix + "linear_start", 2 * A.hidden, A.hidden, visit);
            block.linear_end.for_each_tensor(prefix + "linear_end", A.hidden, A.hidden, visit);
            visit(prefix + "depthwise_conv1d.weight", block.depthwise, A.hidden, std::size_t(1),
                  A.conv_kernel);
        }
    };
}
