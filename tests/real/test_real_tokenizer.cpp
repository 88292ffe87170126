// Every stored case of Hugging Face `tokenizers` on a real vocabulary. Not in CI: the environment variable
// GEMMA4_REAL_TOKENIZER names a folder with tokenizer.json, cases.jsonl {text, ids} and decode_cases.jsonl
// {ids, skip_special_tokens, text}.
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/text/stream_decoder.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace
{
    using gemma4::token_id;

    std::filesystem::path folder()
    {
        auto const* const value = std::getenv("GEMMA4_REAL_TOKENIZER");
        REQUIRE_MESSAGE(value != nullptr,
                        "set GEMMA4_REAL_TOKENIZER to a folder with tokenizer.json, cases.jsonl and "
                        "decode_cases.jsonl");
        return value;
    }

    gemma4::tokenizer const& tokens()
    {
        static auto const loaded = gemma4::tokenizer::from_file(folder() / "tokenizer.json");
        return loaded;
    }

    std::vector<nlohmann::json> lines(char const* name)
    {
        std::vector<nlohmann::json> cases;
        std::ifstream file(folder() / name);
        for (std::string line; std::getline(file, line);) { cases.push_back(nlohmann::json::parse(line)); }
        REQUIRE(cases.size() > 100);
        return cases;
    }
}

TEST_CASE("real vocabulary: every encode case")
{
    for (auto const& c : lines("cases.jsonl"))
    {
        auto const text = c.at("text").get<std::string>();
        CAPTURE(text);
        CHECK(tokens().encode(text) == c.at("ids").get<std::vector<token_id>>());
    }
}

TEST_CASE("real vocabulary: every decode case, whole and streamed")
{
    std::size_t streamed_equal = 0;
    std::size_t bad_bytes = 0;
    for (auto const& c : lines("decode_cases.jsonl"))
    {
        auto const ids = c.at("ids").get<std::vector<token_id>>();
        auto const skip = c.at("skip_special_tokens").get<bool>();
        auto const text = c.at("text").get<std::string>();
        CAPTURE(ids.size());
        CHECK(tokens().decode(ids, skip) == text);
        gemma4::stream_decoder stream(tokens(), skip);
        std::string pieces;
        for (auto const id : ids) { pieces += stream.put(id); }
        pieces += stream.finish();
        streamed_equal += pieces == text;
        bad_bytes += text.find("\ufffd") != text.npos;
        if (text.find("\ufffd") == text.npos) { CHECK(pieces == text); }
    }
    MESSAGE("streamed pieces equal decode in ", streamed_equal, " cases; ", bad_bytes, " hold U+FFFD");
}
