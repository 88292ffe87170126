// The tensors of the eyes and ears in GGUF files (llama.cpp's mmproj, and Ollama's one-file models) under the
// names of a checkpoint, after the prefix of their tree.
//
// Source: llama.cpp's converter for Gemma 4. Its names conv_norm and norm_conv are swapped on purpose: that
// is how they are.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <gemma4/core/error.hpp>
#include <gemma4/io/gguf_tensors.hpp>
#include <gemma4/io/weight_source.hpp>

namespace gemma4::inline v0
{
    // What GGUF stores otherwise than a checkpoint.
    enum class tower_change
    {
        none,
        patches,    // (hidden, channel, row, column); checkpoint: (hidden, row * column * channel)
        softplus    // log(1 + exp(x)) has been applied
    };

    struct tower_tensor
    {
        std::string name;
        tower_change change = tower_change::none;
    };

    namespace detail
    {
        // After "encoder.layers.N." and "v.blk.N.".
        inline constexpr std::array vision_layer_names{
            tensor_names{"input_layernorm.weight", "ln1.weight"},
            tensor_names{"self_attn.q_proj", "attn_q"},
            tensor_names{"self_attn.k_proj", "attn_k"},
            tensor_names{"self_attn.v_proj", "attn_v"},
            tensor_names{"self_attn.o_proj", "attn_out"},
            tensor_names{"self_attn.q_norm.weight", "attn_q_norm.weight"},
            tensor_names{"self_attn.k_norm.weight", "attn_k_norm.weight"},
            tensor_names{"post_attention_layernorm.weight", "attn_post_norm.weight"},
            tensor_names{"pre_feedforward_layernorm.weight", "ln2.weight"},
            tensor_names{"mlp.gate_proj", "ffn_gate"},
            tensor_names{"mlp.up_proj", "ffn_up"},
            tensor_names{"mlp.down_proj", "ffn_down"},
            tensor_names{"post_feedforward_layernorm.weight", "ffn_post_norm.weight"},
        };

        // After "layers.N." and "a.blk.N.".
        inline constexpr std::array audio_layer_names{
            tensor_names{"feed_forward1.pre_layer_norm.weight", "ffn_norm.weight"},
            tensor_names{"feed_forward1.ffw_layer_1", "ffn_up"},
            tensor_names{"feed_forward1.ffw_layer_2", "ffn_down"},
            tensor_names{"feed_forward1.post_layer_norm.weight", "ffn_post_norm.weight"},
            tensor_names{"feed_forward2.pre_layer_norm.weight", "ffn_norm_1.weight"},
            tensor_names{"feed_forward2.ffw_layer_1", "ffn_up_1"},
            tensor_names{"feed_forward2.ffw_layer_2", "ffn_down_1"},
            tensor_names{"feed_forward2.post_layer_norm.weight", "ffn_post_norm_1.weight"},
            tensor_names{"norm_pre_attn.weight", "attn_pre_norm.weight"},
            tensor_names{"norm_post_attn.weight", "attn_post_norm.weight"},
            tensor_names{"self_attn.q_proj", "attn_q"},
            tensor_names{"self_attn.k_proj", "attn_k"},
            tensor_names{"self_attn.v_proj", "attn_v"},
            tensor_names{"self_attn.post", "attn_out"},
            tensor_names{"self_attn.relative_k_proj.weight", "attn_k_rel.weight"},
            tensor_names{"self_attn.per_dim_scale", "per_dim_scale.weight"},
            tensor_names{"lconv1d.pre_layer_norm.weight", "conv_norm.weight"},
            tensor_names{"lconv1d.conv_norm.weight", "norm_conv.weight"},
            tensor_names{"lconv1d.linear_start", "conv_pw1"},
            tensor_names{"lconv1d.linear_end", "conv_pw2"},
            tensor_names{"lconv1d.depthwise_conv1d.weight", "conv_dw.weight"},
            tensor_names{"norm_out.weight", "ln2.weight"},
        };

        // llama.cpp's name -> Ollama's, where they differ, after "a.blk.N.".
        inline constexpr std::array ollama_audio_layer_names{
            tensor_names{"attn_pre_norm.weight", "ln1.weight"},
            tensor_names{"attn_post_norm.weight", "ln2.weight"},
            tensor_names{"ln2.weight", "layer_pre_norm.weight"},
            tensor_names{"attn_k_rel.weight", "linear_pos.weight"},
        };

        inline constexpr std::array vision_names{
            tensor_names{"patch_embedder.input_proj.weight", "v.patch_embd.weight"},
            tensor_names{"patch_embedder.position_embedding_table", "v.position_embd.weight"},
            tensor_names{"std_bias", "v.std_bias"},
            tensor_names{"std_scale", "v.std_scale"},
        };

        inline constexpr std::array audio_names{
            tensor_names{"subsample_conv_projection.layer0.conv.weight", "a.conv1d.0.weight"},
            tensor_names{"subsample_conv_projection.layer0.norm.weight", "a.conv1d.0.norm.weight"},
            tensor_names{"subsample_conv_projection.layer1.conv.weight", "a.conv1d.1.weight"},
            tensor_names{"subsample_conv_projection.layer1.norm.weight", "a.conv1d.1.norm.weight"},
            tensor_names{"subsample_conv_projection.input_proj_linear.weight", "a.input_projection.weight"},
            tensor_names{"output_proj.weight", "a.pre_encode.out.weight"},
            tensor_names{"output_proj.bias", "a.pre_encode.out.bias"},
        };

        inline constexpr std::array ollama_audio_names{
            tensor_names{"a.input_projection.weight", "a.pre_encode.out.weight"},
            tensor_names{"a.pre_encode.out.weight", "mm.a.fc.weight"},
            tensor_names{"a.pre_encode.out.bias", "mm.a.fc.bias"},
        };

        // "self_attn.q_proj.linear.weight" -> {"self_attn.q_proj", ".weight"}; bounds of a clipped linear
        // likewise.
        struct linear_leaf
        {
            std::string_view module;
            std::string_view leaf;
        };

        inline std::optional<linear_leaf> split_linear(std::string_view name)
        {
            constexpr std::string_view weight = ".linear.weight";
            if (name.ends_with(weight))
            {
                return linear_leaf{name.substr(0, name.size() - weight.size()), ".weight"};
            }
            for (std::string_view const bound : {".input_min", ".input_max", ".output_min", ".output_max"})
            {
                if (name.ends_with(bound))
                {
                    return linear_leaf{name.substr(0, name.size() - bound.size()), bound};
                }
            }
            return std::nullopt;
        }

        template <std::size_t N>
        std::optional<std::string> tower_layer_name(std::array<tensor_names, N> const& table,
                                                    std::string_view rest)
        {
            auto const linear = split_linear(rest);
            auto const found = translated(table, linear ? linear->module : rest, &tensor_names::checkpoint,
                                          &tensor_names::gguf);
            if (!found) { return std::nullopt; }
            return sentence(*found, linear ? linear->leaf : std::string_view());
        }

        template <std::size_t N>
        std::string ollama_name(std::array<tensor_names, N> const& table, std::string_view name)
        {
            return std::string(
                translated(table, name, &tensor_names::checkpoint, &tensor_names::gguf).value_or(name));
        }
    }

    // Nothing for a name that GGUF files do not have. `ollama`: the names of Ollama's one-file models.
    inline std::optional<tower_tensor> gguf_tower_tensor(weight_tree tree, std::string_view name, bool ollama)
    {
        using names = tensor_names;
        auto const plain = [&](auto const& table) -> std::optional<std::string>
        {
            auto const found = detail::translated(table, name, &names::checkpoint, &names::gguf);
            return found ? std::optional(std::string(*found)) : std::nullopt;
        };
        auto const as = [](std::optional<std::string> found, tower_change change = tower_change::none) {
            return found ? std::optional(tower_tensor{std::move(*found), change}) : std::nullopt;
        };
        constexpr std::string_view projection = "embedding_projection.weight";
        switch (tree)
        {
        case weight_tree::vision_projector:
            return name == projection ? as("mm.input_projection.weight") : std::nullopt;
        case weight_tree::audio_projector:
            return name == projection ? as("mm.a.input_projection.weight") : std::nullopt;
        case weight_tree::vision:
            if (auto const place = detail::split_layer(name, "encoder.layers."))
            {
                auto const leaf = detail::tower_layer_name(detail::vision_layer_names, place->rest);
                return leaf ? as(sentence("v.blk.", place->layer, ".", *leaf)) : std::nullopt;
            }
            return as(plain(detail::vision_names), name == "patch_embedder.input_proj.weight"
                                                       ? tower_change::patches
                                                       : tower_change::none);
        case weight_tree::audio:
            if (auto const place = detail::split_layer(name, "layers."))
            {
                auto leaf = detail::tower_layer_name(detail::audio_layer_names, place->rest);
                if (!leaf) { return std::nullopt; }
                if (ollama) { leaf = detail::ollama_name(detail::ollama_audio_layer_names, *leaf); }
                return as(sentence("a.blk.", place->layer, ".", *leaf),
                          place->rest == "self_attn.per_dim_scale" ? tower_change::softplus
                                                                   : tower_change::none);
            }
            if (auto found = plain(detail::audio_names))
            {
                return as(ollama ? detail::ollama_name(detail::ollama_audio_names, *found) : *found);
            }
            return std::nullopt;
        case weight_tree::text: break;
        }
        return std::nullopt;
    }
}
