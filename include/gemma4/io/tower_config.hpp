// vision_config and audio_config of config.json, compared with a compiled variant field by field. Absent
// options have transformers' defaults (Gemma4VisionConfig, Gemma4AudioConfig of 5.24); a config.json without
// the object says nothing of the tower.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <gemma4/core/error.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/io/config_difference.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/spec/audio_config.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0
{
    // mismatch_error for the first field that differs or that nothing here can honour; file_error: a field of
    // the wrong type.
    inline void check_vision_config(vision_config const& compiled, std::string_view variant,
                                    nlohmann::json const& config, std::string_view file)
    {
        json_fields const top(config, file);
        if (!top.find("vision_config")) { return; }
        auto const fields = top.fields("vision_config");
        detail::require_word(fields, "hidden_activation", "gelu_pytorch_tanh");
        detail::require_flag(fields, "attention_bias", false);
        config_differences all;
        auto const same = [&](std::string_view key, auto found, decltype(found) expected)
        { add_difference(all, fields.field(key), found, expected); };
        auto const size = [&](std::string_view key, std::size_t usual, std::size_t expected)
        { same(key, fields.size(key, usual), expected); };
        size("hidden_size", 768, compiled.hidden);
        size("num_hidden_layers", 16, compiled.layers);
        size("num_attention_heads", 12, compiled.heads);
        size("num_key_value_heads", 12, compiled.heads);
        size("head_dim", 64, compiled.head_dim);
        size("intermediate_size", 3072, compiled.ffn);
        size("patch_size", 16, compiled.patch);
        size("pooling_kernel_size", 3, compiled.pooling);
        size("position_embedding_size", 10240, compiled.positions);
        same("use_clipped_linears", fields.boolean("use_clipped_linears", false), compiled.clipped);
        same("standardize", fields.boolean("standardize", false), compiled.standardised);
        same("rms_norm_eps", fields.number("rms_norm_eps", 1e-6f), compiled.norm_eps);
        if (fields.find("rope_parameters"))
        {
            auto const rope = fields.fields("rope_parameters");
            auto const type = rope.text("rope_type", "axial");
            if (type != "axial" && type != "default")
            {
                detail::unsupported(rope, "rope_type", "\"axial\" or \"default\"");
            }
            same("rope_parameters.rope_theta", rope.number("rope_theta", 100.0f), compiled.rope_theta);
        }
        refuse_difference(all, file, variant);
    }

    inline void check_audio_config(audio_config const& compiled, std::string_view variant,
                                   nlohmann::json const& config, std::string_view file)
    {
        json_fields const top(config, file);
        if (!top.find("audio_config")) { return; }
        auto const fields = top.fields("audio_config");
        detail::require_word(fields, "hidden_act", "silu");
        detail::require_flag(fields, "use_clipped_linears", true);
        constexpr float enough = 1e6f;    // of what is infinite to sums of finite numbers of this size
        if (fields.number("gradient_clipping", 1e10f) < enough)
        {
            detail::unsupported(fields, "gradient_clipping", "1e+10");
        }
        if (fields.number("attention_invalid_logits_value", -1e9f) > -enough)
        {
            detail::unsupported(fields, "attention_invalid_logits_value", "-1e+09");
        }
        if (fields.size("attention_context_right", 0) != 0)
        {
            detail::unsupported(fields, "attention_context_right", "0");
        }
        config_differences all;
        auto const same = [&](std::string_view key, auto found, decltype(found) expected)
        { add_difference(all, fields.field(key), found, expected); };
        auto const size = [&](std::string_view key, std::size_t usual, std::size_t expected)
        { same(key, fields.size(key, usual), expected); };
        size("hidden_size", 1024, compiled.hidden);
        size("num_hidden_layers", 12, compiled.layers);
        size("num_attention_heads", 8, compiled.heads);
        size("output_proj_dims", 1536, compiled.output);
        size("conv_kernel_size", 5, compiled.conv_kernel);
        size("attention_chunk_size", 12, compiled.chunk);
        size("attention_context_left", 13, compiled.context_left);
        same("attention_logit_cap", fields.number("attention_logit_cap", 50.0f), compiled.softcap);
        same("residual_weight", fields.number("residual_weight", 0.5f), compiled.residual_weight);
        same("rms_norm_eps", fields.number("rms_norm_eps", 1e-6f), compiled.norm_eps);
        if (fields.find("subsampling_conv_channels"))
        {
            auto const text = [](auto const& channels)
            { return sentence("[", channels[0], ", ", channels[1], "]"); };
            auto const& list = fields.list("subsampling_conv_channels");
            std::size_t found[2] = {};
            for (std::size_t i = 0; i != list.size() && i != 2; ++i)
            {
                found[i] = list[i].is_number_unsigned() ? list[i].get<std::size_t>() : 0;
            }
            if (list.size() != 2 || found[0] == 0 || found[1] == 0)
            {
                throw file_error(sentence(file, ": ", fields.field("subsampling_conv_channels"),
                                          " is not a list of two whole numbers"));
            }
            same("subsampling_conv_channels", text(found), text(compiled.channels));
        }
        refuse_difference(all, file, variant);
    }
}
