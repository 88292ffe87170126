#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <gemma4/generate/generation_config.hpp>

using namespace gemma4;

namespace
{
    generation_config parse(std::string const& text) { return parse_generation_config(text, "g.json"); }
}

TEST_CASE("the file of an instruction-tuned Gemma 4")
{
    auto const config =
        parse(R"({"bos_token_id": 2, "do_sample": true, "eos_token_id": [1, 106, 50], "pad_token_id": 0,
        "suppress_tokens": [258882, 258883], "temperature": 1.0, "top_k": 64, "top_p": 0.95,
        "transformers_version": "5.5.0.dev0", "cache_implementation": "hybrid", "num_beams": 1, "penalty_alpha": null})");
    CHECK(config.sampling
          == sampling_options{
              .do_sample = true, .top_k = 64, .top_p = 0.95, .suppress_tokens = {258882, 258883}});
    CHECK(config.stop == stop_options{.tokens = {1, 106, 50}});
    CHECK(config.bos == 2);
    CHECK(config.pad == 0);
    CHECK(config.max_length == 0);
}

TEST_CASE("other fields, and transformers' defaults")
{
    auto const config =
        parse(R"({"do_sample": true, "eos_token_id": 1, "temperature": 0.5, "min_p": 0.1, "top_p": 1,
        "repetition_penalty": 1.1, "max_new_tokens": 300, "max_length": 4096, "stop_strings": "END"})");
    CHECK(config.sampling
          == sampling_options{
              .do_sample = true, .temperature = 0.5, .top_k = 50, .min_p = 0.1, .repetition_penalty = 1.1});
    CHECK(config.stop == stop_options{.tokens = {1}, .strings = {"END"}, .max_tokens = 300});
    CHECK(config.max_length == 4096);
    CHECK_FALSE(config.bos);

    CHECK(parse("{}").sampling == sampling_options{});
    CHECK(parse("{}").stop == stop_options{});
    CHECK(parse(R"({"top_k": null, "do_sample": null, "eos_token_id": null})").sampling
          == sampling_options{});
    CHECK(parse(R"({"stop_strings": ["a", "b"]})").stop.strings == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what would change the text and is not done is an error that names the field")
{
    CHECK_THROWS_WITH_AS(parse(R"({"num_beams": 4})"),
                         "g.json: num_beams changes what is generated and is not supported: expected it "
                         "absent, null or 1, found 4",
                         mismatch_error);
    for (auto const* text :
         {R"({"penalty_alpha": 0.6})", R"({"no_repeat_ngram_size": 3})",
          R"({"do_sample": true, "typical_p": 0.9})", R"({"min_new_tokens": 1})",
          R"({"bad_words_ids": [[5]]})", R"({"guidance_scale": 1.5})", R"({"do_sample": true, "top_h": 0.4})",
          R"({"do_sample": true, "epsilon_cutoff": 0.1})", R"({"do_sample": true, "eta_cutoff": 0.1})",
          R"({"forced_eos_token_id": 1})", R"({"token_healing": true})", R"({"dola_layers": "high"})",
          R"({"min_length": 3})", R"({"num_return_sequences": 2})", R"({"max_time": 5.0})",
          R"({"begin_suppress_tokens": [1]})", R"({"cache_implementation": "quantized"})",
          R"({"sequence_bias": [[[1], 2.0]]})", R"({"exponential_decay_length_penalty": [5, 1.1]})"})
    {
        CAPTURE(text);
        CHECK_THROWS_AS(parse(text), mismatch_error);
    }
    CHECK_THROWS_WITH_AS(parse(R"({"no_repeat_ngram_size": 3})"),
                         "g.json: no_repeat_ngram_size changes what is generated and is not supported: "
                         "expected it absent, null, 0 or less, found 3",
                         mismatch_error);
    CHECK_NOTHROW(parse(
        R"({"num_beams": 1, "penalty_alpha": 0.0, "typical_p": 1.0, "token_healing": false, "bad_words_ids": [],
                            "encoder_repetition_penalty": 1.0, "length_penalty": 2.0, "renormalize_logits": true})"));
}

// What GenerationConfig and generate() of transformers 5.24 make of each was tried with models/nano.
TEST_CASE("values that are off, and fields without effect, change nothing")
{
    auto const greedy = parse(R"({})").sampling;
    for (
        auto const* text :
        {R"({"typical_p": 0.9, "top_h": 0.4, "epsilon_cutoff": 0.1, "eta_cutoff": 0.1})",
         R"({"top_k": -1, "no_repeat_ngram_size": -1, "min_length": -1, "penalty_alpha": -0.5})",
         R"({"top_p": 1.5, "min_p": -1, "temperature": null, "repetition_penalty": 1.0, "guidance_scale": 1})",
         R"({"encoder_repetition_penalty": 2.0, "encoder_no_repeat_ngram_size": 2, "length_penalty": 2.0})",
         R"({"prompt_lookup_num_tokens": 3, "use_mtp": true, "early_stopping": true, "renormalize_logits": true})",
         R"({"cache_implementation": "hybrid", "use_cache": false, "bad_words_ids": [], "sequence_bias": {}})"})
    {
        CAPTURE(text);
        CHECK(parse(text).sampling == greedy);
    }
    auto const drawn = parse(R"({"do_sample": true})").sampling;
    CHECK(drawn.top_k == 50);
    CHECK(parse(R"({"do_sample": true, "typical_p": 1.5, "epsilon_cutoff": 0.0, "eta_cutoff": 1.0,
                    "penalty_alpha": 0.6, "min_p": 0.0, "top_p": 1.0})")
              .sampling
          == drawn);
    CHECK(parse(R"({"do_sample": true, "top_k": 0})").sampling.top_k == 0);
    CHECK(parse(R"({"do_sample": true, "top_k": -1})").sampling.top_k == 0);
    CHECK(parse(R"({"do_sample": true, "temperature": 0})").sampling.greedy());

    auto const none = parse(R"({"eos_token_id": -1, "pad_token_id": -1, "bos_token_id": -1})");
    CHECK(none.stop.tokens.empty());
    CHECK_FALSE(none.pad);
    CHECK_FALSE(none.bos);
}

TEST_CASE("words of other programs are passed over with a warning")
{
    auto const config = parse(R"({"frequency_penalty": 0.5, "presence_penalty": 0})");
    CHECK(config.sampling == sampling_options{});
    CHECK(config.warnings
          == std::vector<std::string>{
              "g.json: frequency_penalty is 0.5, which is no field of transformers and has no effect"});
}

TEST_CASE("without the file config.json is looked at, its text_config last")
{
    auto const of = [](char const* text)
    { return generation_config_of(nlohmann::json::parse(text), "config.json"); };
    CHECK(of(R"({"text_config": {"eos_token_id": [1, 106], "bos_token_id": 2}})").stop.tokens
          == std::vector<token_id>{1, 106});
    CHECK(of(R"({"eos_token_id": 77, "text_config": {"eos_token_id": 1}})").stop.tokens
          == std::vector<token_id>{77});
    CHECK(of(R"({"eos_token_id": null, "text_config": {"eos_token_id": 1}})").stop.tokens
          == std::vector<token_id>{1});
    auto const sampling =
        of(R"({"do_sample": true, "temperature": 0.25, "text_config": {"top_k": 7}})").sampling;
    CHECK(sampling == sampling_options{.do_sample = true, .temperature = 0.25, .top_k = 7});
    CHECK_THROWS_WITH_AS(of(R"({"num_beams": 4})"), doctest::Contains("config.json: num_beams changes"),
                         mismatch_error);
}

TEST_CASE("wrong types and values, in a sentence each")
{
    CHECK_THROWS_WITH_AS(parse(R"({"do_sample": 1})"),
                         "g.json: do_sample is a whole number, expected true or false", file_error);
    CHECK_THROWS_WITH_AS(parse(R"({"eos_token_id": "x"})"),
                         "g.json: eos_token_id is a string, expected a token id", file_error);
    CHECK_THROWS_WITH_AS(parse(R"({"eos_token_id": [1, -1]})"),
                         "g.json: eos_token_id holds -1, expected token ids from 0 to 2147483647",
                         file_error);
    CHECK_THROWS_WITH_AS(parse(R"({"top_p": -1.5})"),
                         "g.json: top_p: expected a number in 0 to 1, found -1.5", file_error);
    CHECK_THROWS_WITH_AS(parse(R"({"top_k": 1.5})"), "g.json: top_k is 1.5, expected a whole number",
                         file_error);
    CHECK_THROWS_WITH_AS(parse(R"({"max_new_tokens": 0})"), "g.json: max_new_tokens is 0, expected 1 or more",
                         file_error);
    for (auto const* text :
         {"", "[]", "{", R"({"max_new_tokens": -1})", R"({"max_length": 0})", R"({"top_k": true})",
          R"({"top_k": 99999999999})", R"({"temperature": -1})", R"({"repetition_penalty": 0})",
          R"({"min_p": 2})", R"({"temperature": "hot"})", R"({"eos_token_id": 99999999999})",
          R"({"eos_token_id": [[1]]})", R"({"stop_strings": [""]})", R"({"stop_strings": [1]})",
          R"({"max_new_tokens": true})", "{\"a\": \"\xff\"}"})
    {
        CHECK_THROWS_AS(parse(text), file_error);
    }
}

TEST_CASE("a folder may be without the file; errors name the path")
{
    static std::atomic<int> number = 0;
    auto const folder =
        std::filesystem::temp_directory_path()
        / ("gemma4_generation_config_" + std::to_string(::getpid()) + "_" + std::to_string(number++));
    std::filesystem::create_directories(folder);
    CHECK_FALSE(read_generation_config(folder));
    auto const path = folder / "generation_config.json";
    std::ofstream(path) << R"({"eos_token_id": 7})";
    CHECK(read_generation_config(folder)->stop.tokens == std::vector<token_id>{7});
    std::ofstream(path) << R"({"top_k": "many"})";
    CHECK_THROWS_WITH_AS(read_generation_config(folder),
                         (path.string() + ": top_k is a string, expected a whole number").c_str(),
                         file_error);
    std::filesystem::remove_all(folder);
}
