// vision_config and audio_config of config.json against the variants, one field after the other.
#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/tower_config.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4_test;
using nlohmann::json;

namespace
{
    using variant = gemma4::tiny_e2b;

    json tiny() { return gemma4::read_json(data_file("tiny/tiny_e2b/config.json")); }

    template <class Config>
    std::string refusal(Config const& compiled, json const& config)
    {
        return sentence_of<gemma4::error>(
            [&]
            {
                if constexpr (std::is_same_v<Config, gemma4::vision_config>)
                {
                    gemma4::check_vision_config(compiled, "mine", config, "config.json");
                }
                else { gemma4::check_audio_config(compiled, "mine", config, "config.json"); }
            });
    }

    struct change
    {
        std::string pointer;
        json value;
        std::string found;    // what the sentence says that the field is
    };

    template <class Config>
    void check(Config const& compiled, std::string const& tower, std::vector<change> const& changes)
    {
        CHECK(refusal(compiled, tiny()) == "");
        for (auto const& [pointer, value, found] : changes)
        {
            CAPTURE(pointer);
            auto config = tiny();
            config[json::json_pointer("/" + tower + pointer)] = value;
            auto field = tower + pointer;
            std::replace(field.begin(), field.end(), '/', '.');
            CHECK(refusal(compiled, config).starts_with("config.json: " + field + " is " + found));
            config[tower] = nullptr;    // says nothing of the tower
            CHECK(refusal(compiled, config) == "");
        }
    }
}

TEST_CASE("every field of vision_config that changes what eyes see is named")
{
    check(variant::vision, "vision_config",
          {{"/hidden_size", 96, "96, but the compiled variant mine has 192"},
           {"/num_hidden_layers", 2, "2, but"},
           {"/num_attention_heads", 6, "6, but"},
           {"/num_key_value_heads", 1, "1, but"},
           {"/head_dim", 32, "32, but"},
           {"/intermediate_size", 64, "64, but"},
           {"/patch_size", 14, "14, but"},
           {"/pooling_kernel_size", 2, "2, but"},
           {"/position_embedding_size", 10, "10, but"},
           {"/use_clipped_linears", false, "false, but"},
           {"/standardize", true, "true, but"},
           {"/rms_norm_eps", 1e-5, "1e-05, but"},
           {"/hidden_activation", "silu", "\"silu\", only"},
           {"/attention_bias", true, "true, only"},
           {"/rope_parameters/rope_theta", 10000.0, "10000, but"},
           {"/rope_parameters/rope_type", "yarn", "\"yarn\", only"},
           {"/patch_size", "16", "a string, expected a whole number"}});
}

TEST_CASE("every field of audio_config that changes what ears hear is named")
{
    check(variant::audio, "audio_config",
          {{"/hidden_size", 64, "64, but the compiled variant mine has 96"},
           {"/num_hidden_layers", 3, "3, but"},
           {"/num_attention_heads", 2, "2, but"},
           {"/output_proj_dims", 96, "96, but"},
           {"/conv_kernel_size", 7, "7, but"},
           {"/attention_chunk_size", 24, "24, but"},
           {"/attention_context_left", 12, "12, but"},
           {"/attention_context_right", 1, "1, only 0"},
           {"/attention_logit_cap", 30.0, "30, but"},
           {"/attention_invalid_logits_value", -10.0, "-10.0, only"},
           {"/residual_weight", 1.0, "1, but"},
           {"/rms_norm_eps", 1e-5, "1e-05, but"},
           {"/gradient_clipping", 1.0, "1.0, only"},
           {"/use_clipped_linears", false, "false, only"},
           {"/hidden_act", "gelu", "\"gelu\", only"},
           {"/subsampling_conv_channels", {64, 16}, "[64, 16], but the compiled variant mine has [128, 16]"},
           {"/subsampling_conv_channels", json::array({128}), "not a list of two whole numbers"}});
}

TEST_CASE(
    "the released configurations of towers are those of the variants; absent fields are transformers' own")
{
    for (auto const& [name, vision] : std::vector<std::pair<std::string, gemma4::vision_config>>{
             {"e2b", gemma4::e2b::vision}, {"e4b", gemma4::e4b::vision}, {"a4b", gemma4::a4b::vision}})
    {
        CAPTURE(name);
        CHECK(refusal(vision, gemma4::read_json(data_file("configs/" + name + ".json"))) == "");
    }
    auto const e2b = gemma4::read_json(data_file("configs/e2b.json"));
    CHECK(refusal(gemma4::e2b::audio, e2b) == "");
    CHECK(refusal(gemma4::e2b::audio, json::parse(R"({"audio_config": {}})")) == "");
}
