#include <string>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/config.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4_test;
using nlohmann::json;

namespace
{
    json config_of(std::string const& name) { return gemma4::read_json(data_file(name)); }

    // Every model that has a config.json here: the file it describes and no other.
    struct known_model
    {
        std::string name;
        gemma4::text_config text;
        std::string file;
    };

    std::vector<known_model> known_models()
    {
        return {
            {"e2b", gemma4::e2b::text, "configs/e2b.json"},
            {"e4b", gemma4::e4b::text, "configs/e4b.json"},
            {"a4b", gemma4::a4b::text, "configs/a4b.json"},
            {"d31b", gemma4::d31b::text, "configs/d31b.json"},
            {"tiny_e2b", gemma4::tiny_e2b::text, "tiny/tiny_e2b/config.json"},
            {"tiny_e4b", gemma4::tiny_e4b::text, "tiny/tiny_e4b/config.json"},
            {"tiny_a4b", gemma4::tiny_a4b::text, "tiny/tiny_a4b/config.json"},
            {"tiny_d31b", gemma4::tiny_d31b::text, "tiny/tiny_d31b/config.json"},
        };
    }

    // E4B spells "as wide as the others" as 0 in its type, and so does the reader.
    void check_reads_as(json const& config, gemma4::text_config const& expected)
    {
        CHECK(gemma4::read_text_config(config, "config.json") == expected);
        CHECK(gemma4::matches(expected, config));
        CHECK_NOTHROW(gemma4::check_text_config(expected, "it", config, "config.json"));
    }

    std::string mismatch(json const& config, gemma4::text_config const& compiled = gemma4::tiny_a4b::text)
    {
        CHECK_FALSE(gemma4::matches(compiled, config));
        return sentence_of<gemma4::mismatch_error>(
            [&] { gemma4::check_text_config(compiled, "tiny_a4b", config, "config.json"); });
    }

    // tiny_a4b with one text field changed.
    json with(std::string const& pointer, json value)
    {
        auto config = config_of("tiny/tiny_a4b/config.json");
        config[json::json_pointer("/text_config" + pointer)] = std::move(value);
        return config;
    }

    json resaved_with(std::string const& pointer, json value)
    {
        auto config = config_of("configs/tiny_a4b_per_layer.json");
        config[json::json_pointer("/text_config" + pointer)] = std::move(value);
        return config;
    }

    std::string refusal(json const& config)
    {
        CHECK_FALSE(gemma4::matches(gemma4::tiny_a4b::text, config));
        return sentence_of<gemma4::file_error>([&] { gemma4::read_text_config(config, "config.json"); });
    }

    std::string const& required_fields(std::size_t i)
    {
        static std::vector<std::string> const names{
            "vocab_size",          "hidden_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "head_dim",    "sliding_window",    "intermediate_size"};
        return names.at(i);
    }
}

TEST_CASE("each released spelling is its variant and no other")
{
    auto const models = known_models();
    for (auto const& model : models)
    {
        CAPTURE(model.name);
        auto const config = config_of(model.file);
        check_reads_as(config, model.text);
        for (auto const& other : models)
        {
            CHECK(gemma4::matches(other.text, config) == (other.name == model.name));
        }
    }
}

// Files saved by transformers 5.23.0 from the tiny configurations.
TEST_CASE("the spelling that transformers saves reads equal")
{
    check_reads_as(config_of("configs/tiny_a4b_per_layer.json"), gemma4::tiny_a4b::text);
    check_reads_as(config_of("configs/tiny_e2b_text_only.json"), gemma4::tiny_e2b::text);
    REQUIRE(config_of("configs/tiny_a4b_per_layer.json").at("text_config").contains("per_layer_config"));
    REQUIRE(config_of("configs/tiny_e2b_text_only.json").at("model_type") == "gemma4_text");
    for (auto const& model : known_models())
    {
        if (!model.name.starts_with("tiny")) { continue; }
        CAPTURE(model.name);
        check_reads_as(config_of("tiny/" + model.name + "/config_resaved.json"), model.text);
        check_reads_as(config_of("tiny/" + model.name + "/config_causal_lm.json"), model.text);
    }
}

TEST_CASE("every field that differs is named in the file's words with both values")
{
    struct change
    {
        std::string pointer;
        json value;
        std::string sentence;
    };
    std::string const has = ", but the compiled variant tiny_a4b has ";
    for (auto const& [pointer, value, sentence] : std::vector<change>{
             {"/vocab_size", 2049, "vocab_size is 2049" + has + "2048"},
             {"/hidden_size", 128, "hidden_size is 128" + has + "96"},
             {"/num_attention_heads", 16, "num_attention_heads is 16" + has + "8"},
             {"/num_key_value_heads", 8, "num_key_value_heads is 8" + has + "4"},
             {"/num_global_key_value_heads", 1, "num_global_key_value_heads is 1" + has + "2"},
             {"/head_dim", 64, "head_dim is 64" + has + "32"},
             {"/global_head_dim", 128, "global_head_dim is 128" + has + "64"},
             {"/sliding_window", 16, "sliding_window is 16" + has + "24"},
             {"/intermediate_size", 161, "intermediate_size is 161" + has + "160"},
             {"/num_kv_shared_layers", 2, "num_kv_shared_layers is 2" + has + "0"},
             {"/hidden_size_per_layer_input", 32, "hidden_size_per_layer_input is 32" + has + "0"},
             {"/enable_moe_block", false, "enable_moe_block is false" + has + "true"},
             {"/num_experts", 8, "num_experts is 8" + has + "16"},
             {"/top_k_experts", 8, "top_k_experts is 8" + has + "4"},
             {"/moe_intermediate_size", 32, "moe_intermediate_size is 32" + has + "64"},
             {"/attention_k_eq_v", false, "attention_k_eq_v is false" + has + "true"},
             {"/use_bidirectional_attention", nullptr,
              "use_bidirectional_attention is null" + has + "\"vision\""},
             {"/rope_parameters/sliding_attention/rope_theta", 20000.0,
              "rope_parameters.sliding_attention.rope_theta is 20000" + has + "10000"},
             {"/rope_parameters/full_attention/rope_theta", 10000.0,
              "rope_parameters.full_attention.rope_theta is 10000" + has + "1e+06"},
             {"/rope_parameters/full_attention/partial_rotary_factor", 0.5,
              "rope_parameters.full_attention.partial_rotary_factor is 0.5" + has + "0.25"},
             {"/final_logit_softcapping", nullptr, "final_logit_softcapping is null (no cap)" + has + "30"},
             {"/rms_norm_eps", 1e-5, "rms_norm_eps is 1e-05" + has + "1e-06"},
         })
    {
        CAPTURE(pointer);
        CHECK(mismatch(with(pointer, value)) == "config.json: text_config." + sentence);
    }
    auto const number = sentence_of<gemma4::mismatch_error>(
        [] {
            gemma4::check_text_config(gemma4::e4b::text, "e4b", config_of("configs/e2b.json"),
                                      "DIR/config.json");
        });
    CHECK(number
          == "DIR/config.json: text_config.num_hidden_layers is 35, but the compiled variant e4b has 42");
}

TEST_CASE("a text-only file names its fields without a prefix")
{
    auto config = config_of("configs/tiny_e2b_text_only.json");
    config["hidden_size"] = 97;
    CHECK(mismatch(config, gemma4::tiny_e2b::text)
          == "config.json: hidden_size is 97, but the compiled variant tiny_a4b has 96");
}

TEST_CASE("layer types are compared layer by layer")
{
    CHECK(mismatch(with("/layer_types/3", "full_attention"))
          == "config.json: text_config.layer_types[3] is full_attention, but the compiled variant tiny_a4b "
             "has sliding_attention");
    CHECK(mismatch(with("/layer_types/5", "sliding_attention"))
          == "config.json: text_config.layer_types[5] is sliding_attention, but the compiled variant "
             "tiny_a4b has full_attention");
    // transformers makes the last layer a global one, whatever the file says.
    check_reads_as(with("/layer_types/11", "sliding_attention"), gemma4::tiny_a4b::text);
    CHECK(holds(mismatch(with("/layer_types/0", "chunked_attention")),
                "layer_types[0] is \"chunked_attention\", only"));

    auto const unread = [](json const& config)
    { return sentence_of<gemma4::mismatch_error>([&] { gemma4::read_text_config(config, "config.json"); }); };
    CHECK(holds(unread(with("/layer_types/3", "full_attention")),
                "layer_types[5] is full_attention, only a schedule where"));
    auto const last_only = with("/layer_types", std::vector<std::string>(12, "sliding_attention"));
    CHECK(gemma4::read_text_config(last_only, "config.json").global_every == 12);
    auto short_last = with("/layer_types", std::vector<std::string>{"full_attention", "full_attention"});
    CHECK(holds(refusal(short_last), "layer_types names 2 layers, but num_hidden_layers is 12"));
    CHECK(holds(refusal(with("/layer_types/2", 3)),
                "text_config.layer_types[2] is a whole number, expected a string"));

    // Absent: every sixth, as in transformers.
    check_reads_as(with("/layer_types", nullptr), gemma4::tiny_a4b::text);
}

TEST_CASE("double-wide feed-forward of the KV-shared layers")
{
    auto config = config_of("tiny/tiny_e2b/config.json");
    config["text_config"]["use_double_wide_mlp"] = false;
    CHECK(mismatch(config, gemma4::tiny_e2b::text)
          == "config.json: text_config.use_double_wide_mlp is false (width 160 in the KV-shared layers), but "
             "the compiled "
             "variant tiny_a4b has width 320 there");
    // 0 and the general width are the same thing, and so is any width where no layer is shared.
    auto text = gemma4::tiny_e2b::text;
    text.shared_ffn = text.ffn;
    CHECK(gemma4::matches(text, config));
    CHECK_NOTHROW(gemma4::check_text_config(text, "x", config, "config.json"));
    check_reads_as(with("/use_double_wide_mlp", true), gemma4::tiny_a4b::text);
}

TEST_CASE("num_global_key_value_heads counts only where keys are values")
{
    auto config = config_of("tiny/tiny_e4b/config.json");
    config["text_config"]["num_global_key_value_heads"] = 1;
    check_reads_as(config, gemma4::tiny_e4b::text);
    auto text = gemma4::tiny_e4b::text;
    text.global_kv_heads = 1;
    CHECK(mismatch(config, text)
          == "config.json: text_config.num_key_value_heads is 2, but the compiled variant tiny_a4b has 1");
}

TEST_CASE("options that we cannot honour are errors")
{
    for (auto const& [pointer, value] : std::vector<std::pair<std::string, json>>{
             {"/hidden_activation", "silu"},
             {"/attention_bias", true},
             {"/model_type", "gemma3_text"},
             {"/use_bidirectional_attention", "all"},
             {"/rope_parameters/sliding_attention/rope_type", "linear"},
             {"/rope_parameters/full_attention/rope_type", "yarn"},
             {"/rope_parameters/full_attention/factor", 8.0},
             {"/rope_scaling", {{"rope_type", "linear"}}},
             {"/quantization_config/quant_method", "gptq"},
         })
    {
        CAPTURE(pointer);
        auto const sentence = mismatch(with(pointer, value));
        auto field = "text_config" + pointer;
        std::replace(field.begin(), field.end(), '/', '.');
        CHECK(sentence.starts_with("config.json: " + field + " is "));
        CHECK(holds(sentence, "only "));
        CHECK(sentence.ends_with(" is supported"));
    }
    auto config = config_of("tiny/tiny_a4b/config.json");
    config["model_type"] = "gemma3";
    CHECK(mismatch(config)
          == "config.json: model_type is \"gemma3\", only \"gemma4\" or \"gemma4_text\" is supported");

    // The per-layer table has the vocabulary of the embedding; without a table its field says nothing.
    config = config_of("tiny/tiny_e2b/config.json");
    config["text_config"]["vocab_size_per_layer_input"] = 1024;
    CHECK(holds(mismatch(config, gemma4::tiny_e2b::text),
                "vocab_size_per_layer_input is 1024, only the value of vocab_size, 2048"));
    check_reads_as(with("/vocab_size_per_layer_input", 262144), gemma4::tiny_a4b::text);
}

TEST_CASE("the number of positions is a limit, not a difference")
{
    for (std::size_t const positions : {1, 1024, 8192})
    {
        auto const config = with("/max_position_embeddings", positions);
        CHECK(gemma4::matches(gemma4::tiny_a4b::text, config));
        CHECK(gemma4::positions_of(config, "config.json") == positions);
    }
    CHECK(refusal(with("/max_position_embeddings", 0))
          == "config.json: text_config.max_position_embeddings is 0, expected more than 0");
    // transformers divides by it
    CHECK(refusal(with("/final_logit_softcapping", 0.0))
          == "config.json: text_config.final_logit_softcapping is 0.0, expected more than 0");
}

// transformers 5.24 was run on models/nano with each: the logits are those of the file without it.
TEST_CASE("fields that transformers computes nothing from change nothing")
{
    for (auto const& [pointer, value] : std::vector<std::pair<std::string, json>>{
             {"/attn_logit_softcapping", 50.0},
             {"/query_pre_attn_scalar", 7},
             {"/attention_dropout", 0.5},
             {"/hidden_act", "silu"},
             {"/rope_theta", 77.0},
             {"/rope_local_base_freq", 77.0},
             {"/partial_rotary_factor", 1.0},
             {"/sliding_window_pattern", 2},
             {"/rope_parameters/sliding_attention/factor", 8.0},
             {"/rope_parameters/sliding_attention/partial_rotary_factor", 0.5},
             {"/rope_parameters/full_attention/attention_factor", 2.0},
         })
    {
        CAPTURE(pointer);
        check_reads_as(with(pointer, value), gemma4::tiny_a4b::text);
    }
    auto top = config_of("tiny/tiny_a4b/config.json");
    top["final_logit_softcapping"] = 5.0;
    top["vocab_size"] = 77;
    check_reads_as(top, gemma4::tiny_a4b::text);
}

TEST_CASE("all differences are listed, for who chooses among variants")
{
    auto config = with("/final_logit_softcapping", nullptr);
    CHECK(gemma4::differences_text(gemma4::text_differences(gemma4::tiny_a4b::text, config, "config.json"))
          == "text_config.final_logit_softcapping is null (no cap), expected 30");
    config["text_config"]["sliding_window"] = 16;
    auto const two = gemma4::text_differences(gemma4::tiny_a4b::text, config, "config.json");
    CHECK(gemma4::differences_text(two)
          == "text_config.sliding_window is 16, expected 24; text_config.final_logit_softcapping is null (no "
             "cap), expected 30");
    CHECK(gemma4::differences_text(two, 1) == "text_config.sliding_window is 16, expected 24; and 1 more");
}

TEST_CASE("unknown keys are read past, absent options have transformers' defaults")
{
    auto config = with("/a_key_of_tomorrow", {{"x", 1}});
    auto& text = config["text_config"];
    for (auto const* key : {"hidden_activation", "attention_bias", "tie_word_embeddings", "rope_parameters",
                            "rms_norm_eps", "model_type", "num_kv_shared_layers", "use_double_wide_mlp"})
    {
        text.erase(key);
    }
    config.erase("vision_config");
    config.erase("tie_word_embeddings");
    check_reads_as(config, gemma4::tiny_a4b::text);
}

TEST_CASE("missing fields and wrong types are named")
{
    for (std::size_t i = 0; i != 8; ++i)
    {
        auto const& key = required_fields(i);
        CAPTURE(key);
        auto config = config_of("tiny/tiny_a4b/config.json");
        config["text_config"].erase(key);
        CHECK(refusal(config) == "config.json: text_config." + key + " is missing");
        CHECK(refusal(with("/" + key, "96"))
              == "config.json: text_config." + key + " is a string, expected a whole number");
        CHECK(refusal(with("/" + key, 96.5))
              == "config.json: text_config." + key + " is a number with a fraction, expected a whole number");
        CHECK(holds(refusal(with("/" + key, -1)), key + " is -1, expected 0 to 2147483647"));
    }
    CHECK(holds(refusal(with("/rms_norm_eps", "small")), "rms_norm_eps is a string, expected a number"));
    CHECK(holds(refusal(with("/attention_k_eq_v", 1)),
                "attention_k_eq_v is a whole number, expected true or false"));
    CHECK(holds(refusal(with("/use_bidirectional_attention", true)), "is true or false, expected a string"));
    CHECK(holds(refusal(with("/rope_parameters", "default")),
                "rope_parameters is a string, expected an object"));
    CHECK(holds(refusal(with("/rope_parameters", {{"rope_theta", 10000.0}})),
                "rope_parameters.sliding_attention is missing"));
    CHECK(holds(refusal(with("/num_experts", nullptr)), "num_experts is missing"));
    CHECK(holds(refusal(with("/num_hidden_layers", 0)), "num_hidden_layers is 0, expected 1 to 4096"));
    CHECK(holds(refusal(with("/num_hidden_layers", 2000000000)),
                "num_hidden_layers is 2000000000, expected 1 to 4096"));
    CHECK(holds(refusal(with("", json::array())), "text_config is a list, expected an object"));
    CHECK(holds(refusal(with("", nullptr)), "text_config is missing"));
    CHECK(holds(refusal(json::array()), "the document is a list, expected an object"));
    CHECK(holds(refusal(json::object()), "model_type is missing"));
    CHECK(holds(mismatch(with("/num_kv_shared_layers", 12)),
                "num_kv_shared_layers is 12, expected fewer than the 12 layers"));
}

TEST_CASE("per_layer_config is read layer by layer")
{
    auto const& a4b = gemma4::tiny_a4b::text;
    // Zero-padding, entries that repeat the general value, and null entries change nothing.
    auto config =
        resaved_with("/per_layer_config",
                     json::parse(R"({"5": {"head_dim": 64, "num_key_value_heads": 2, "hidden_size": 96},
                                               "011": {"head_dim": 64, "num_key_value_heads": 2},
                                               "0": {"head_dim": 32}, "1": null})"));
    check_reads_as(config, a4b);
    config["text_config"]["global_head_dim"] = 64;
    check_reads_as(config, a4b);
    config["text_config"]["global_head_dim"] = 128;
    CHECK(
        holds(mismatch(config), "global_head_dim is 128, but text_config.per_layer_config.5.head_dim is 64"));

    CHECK(mismatch(resaved_with("/per_layer_config/05/num_key_value_heads", 1)) != "");
    auto both = resaved_with("/per_layer_config/05/num_key_value_heads", 1);
    both["text_config"]["per_layer_config"]["11"]["num_key_value_heads"] = 1;
    CHECK(
        mismatch(both)
        == "config.json: text_config.per_layer_config.05.num_key_value_heads is 1, but the compiled variant "
           "tiny_a4b has 2");
    CHECK(mismatch(resaved_with("/per_layer_config/11/head_dim", 32))
          == "config.json: text_config.per_layer_config.11.head_dim is 32, but other layers of its type have "
             "64");
    CHECK(mismatch(resaved_with("/per_layer_config/03", {{"head_dim", 64}}))
          == "config.json: text_config.per_layer_config.03.head_dim is 64, but other layers of its type have "
             "32");
    CHECK(holds(mismatch(resaved_with("/per_layer_config/05/intermediate_size", 320)),
                "per_layer_config.05.\"intermediate_size\" differs from the general value"));

    for (std::string const key : {"12", "-1", "x", "", "5x", "999999999999"})
    {
        CAPTURE(key);
        CHECK(holds(refusal(resaved_with("/per_layer_config/" + key, json::object())),
                    "expected a layer number below 12"));
    }
    CHECK(holds(refusal(resaved_with("/per_layer_config/5", json::object())), "are the same layer"));
    CHECK(holds(refusal(resaved_with("/per_layer_config/05", 3)),
                "per_layer_config.05 is a whole number, expected an object"));
    CHECK(holds(refusal(resaved_with("/per_layer_config", 3)),
                "per_layer_config is a whole number, expected an object"));
}
