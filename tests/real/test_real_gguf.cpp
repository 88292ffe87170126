// Real GGUF files. Not in CI. Environment variables:
// GEMMA4_REAL_GGUF: a model, and GEMMA4_REAL_GGUF_ROWS: what tools/reference/make_gguf_rows.py prints for it.
// GEMMA4_REAL_GGUF_VOCAB: llama.cpp's ggml-vocab-gemma-4.gguf, with GEMMA4_REAL_TOKENIZER as in
// test_real_tokenizer.cpp. GEMMA4_REAL_GGUF_IDS: lines {text, ids, as_text} for the tokenizer of
// GEMMA4_REAL_GGUF (no bos), made by Hugging Face tokenizers from the scores of the file.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/formats/format_of.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>

namespace
{
    using gemma4::token_id;

    std::filesystem::path from_environment(char const* name)
    {
        auto const* const value = std::getenv(name);
        REQUIRE_MESSAGE(value != nullptr, "set " << name);
        return value;
    }

    std::vector<nlohmann::json> lines(std::filesystem::path const& path)
    {
        std::vector<nlohmann::json> all;
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);) { all.push_back(nlohmann::json::parse(line)); }
        REQUIRE(all.size() > 100);
        return all;
    }

    std::uint64_t fnv1a64(std::vector<float> const& values)
    {
        std::uint64_t state = 0xcbf29ce484222325u;
        for (auto const byte : std::as_bytes(std::span(values)))
        {
            state = (state ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3u;
        }
        return state;
    }
}

TEST_CASE("real gguf: names, types, shapes and sampled rows of every tensor")
{
    gemma4::gguf_file const file(from_environment("GEMMA4_REAL_GGUF"));
    auto const expected = lines(from_environment("GEMMA4_REAL_GGUF_ROWS"));
    CHECK(file.tensors().size() == expected.size());
    std::size_t compared = 0;
    for (auto const& line : expected)
    {
        auto const name = line.at("name").get<std::string>();
        CAPTURE(name);
        auto const* const t = file.find(name);
        REQUIRE(t);
        CHECK(gemma4::name(t->type) == line.at("type").get<std::string>());
        CHECK(std::vector(t->shape().begin(), t->shape().end())
              == line.at("shape").get<std::vector<std::size_t>>());
        for (auto const& row : line.at("rows"))
        {
            std::vector<float> values(t->columns());
            REQUIRE(gemma4::dequantise(t->type, t->data + row.at(0).get<std::size_t>() * t->bytes_per_row(),
                                       values.size(), values.data()));
            CHECK(fnv1a64(values) == row.at(1).get<std::uint64_t>());
            ++compared;
        }
    }
    MESSAGE(expected.size(), " tensors, ", compared, " rows equal");
}

TEST_CASE("real gguf: the vocabulary file gives the ids of tokenizer.json")
{
    gemma4::gguf_file const file(from_environment("GEMMA4_REAL_GGUF_VOCAB"));
    REQUIRE(gemma4::tokenizer_kind_of(file.metadata()) == gemma4::tokenizer_kind::byte_pair);
    gemma4::tokenizer const tokens(gemma4::read_vocabulary(file.metadata()));
    auto const folder = from_environment("GEMMA4_REAL_TOKENIZER");
    for (auto const& c : lines(folder / "cases.jsonl"))
    {
        auto const text = c.at("text").get<std::string>();
        CAPTURE(text);
        CHECK(tokens.encode(text) == c.at("ids").get<std::vector<token_id>>());
    }
    for (auto const& c : lines(folder / "decode_cases.jsonl"))
    {
        CHECK(tokens.decode(c.at("ids").get<std::vector<token_id>>(), c.at("skip_special_tokens").get<bool>())
              == c.at("text").get<std::string>());
    }
}

TEST_CASE("real gguf: the tokenizer with scores gives the ids of its scores")
{
    gemma4::gguf_file const file(from_environment("GEMMA4_REAL_GGUF"));
    REQUIRE(gemma4::tokenizer_kind_of(file.metadata()) == gemma4::tokenizer_kind::sentencepiece);
    auto const tokens = gemma4::read_sentencepiece_tokenizer(file.metadata());
    for (auto const& c : lines(from_environment("GEMMA4_REAL_GGUF_IDS")))
    {
        auto const text = c.at("text").get<std::string>();
        CAPTURE(text);
        CHECK(tokens.encode(text) == c.at("ids").get<std::vector<token_id>>());
        CHECK(tokens.encode(text, gemma4::special_tokens::as_text)
              == c.at("as_text").get<std::vector<token_id>>());
    }
}
