// The tokenizer in a GGUF file gives the ids of the tokenizer.json it was made from, on the cases of Hugging
// Face `tokenizers`.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "../io/scratch.hpp"
#include "../support/gguf_writer.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/io/gguf.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>
#include <gemma4/text/tokenizer_json.hpp>

using gemma4::token_id;
using gemma4_test::gguf_writer;
using gemma4_test::holds;

namespace
{
    struct opened
    {
        explicit opened(gguf_writer const& w)
            : bytes(w.bytes())
            , contents(gemma4::parse_gguf(std::as_bytes(std::span<char const>(bytes)), "f.gguf"))
        {}

        gemma4::gguf_metadata const& metadata() const { return contents.metadata; }

        std::string bytes;
        gemma4::gguf_contents contents;
    };

    nlohmann::json tiny_json()
    {
        std::ifstream in(gemma4_test::data_file("tiny/tokenizer.json"));
        return nlohmann::json::parse(in);
    }

    template <class Action>
    std::string refusal(Action&& action)
    {
        return gemma4_test::sentence_of<gemma4::error>(action);
    }

    // Arrays with the byte tokens, these further tokens and their types.
    gguf_writer small(std::vector<std::string> tokens, std::vector<std::int32_t> types,
                      std::string const& model)
    {
        for (unsigned byte = 0; byte != 256; ++byte)
        {
            tokens.push_back(gemma4::byte_token_name(static_cast<unsigned char>(byte)));
            types.push_back(6);
        }
        gguf_writer w;
        w.text("tokenizer.ggml.model", model);
        w.strings("tokenizer.ggml.tokens", tokens);
        w.integers("tokenizer.ggml.token_type", types);
        return w;
    }
}

TEST_CASE("gguf tokenizer: the vocabulary is that of tokenizer.json, in both dialects")
{
    auto const json = tiny_json();
    auto const expected = gemma4::tokenizer_json::read(gemma4_test::data_file("tiny/tokenizer.json"));
    for (auto const* model : {"gemma4", "llama"})
    {
        gguf_writer w;
        gemma4_test::write_tokenizer_keys(w, json, model);
        opened const file(w);
        REQUIRE(gemma4::tokenizer_kind_of(file.metadata()) == gemma4::tokenizer_kind::byte_pair);
        auto const found = gemma4::read_vocabulary(file.metadata());
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i != found.size(); ++i)
        {
            CHECK(found[token_id(i)] == expected[token_id(i)]);
        }
        CHECK(found.merges == expected.merges);
        REQUIRE(found.added.size() == expected.added.size());
        for (std::size_t i = 0; i != found.added.size(); ++i)
        {
            CHECK(found.added[i].id == expected.added[i].id);
            CHECK(found.added[i].special == expected.added[i].special);
            CHECK(found.added[i].normalized == expected.added[i].normalized);
        }
        CHECK(found.adds_bos);
        CHECK(gemma4::special_token_id(file.metadata(), "bos") == 2);
        CHECK(gemma4::special_token_id(file.metadata(), "eos") == 1);
        CHECK(!gemma4::special_token_id(file.metadata(), "mask"));
    }
}

TEST_CASE("gguf tokenizer: the ids of every stored case")
{
    gguf_writer w;
    gemma4_test::write_tokenizer_keys(w, tiny_json());
    opened const file(w);
    gemma4::tokenizer const tokens(gemma4::read_vocabulary(file.metadata()));
    std::ifstream cases(gemma4_test::data_file("text/tiny_cases.jsonl"));
    std::size_t encoded = 0;
    for (std::string line; std::getline(cases, line);)
    {
        auto const c = nlohmann::json::parse(line);
        if (c.contains("skip_special_tokens")) { continue; }
        CHECK(tokens.encode(c.at("text").get<std::string>()) == c.at("ids").get<std::vector<token_id>>());
        ++encoded;
    }
    CHECK(encoded > 200);
}

TEST_CASE("gguf tokenizer: special tokens by type and by name")
{
    auto w =
        small({"<eos>", "<|turn>", "</s>", "<mine>", "<shown>", "<unused0>"}, {1, 1, 3, 3, 4, 5}, "gemma4");
    w.strings("tokenizer.ggml.merges", {});
    opened const file(w);
    auto const vocabulary = gemma4::read_vocabulary(file.metadata());
    std::vector<token_id> special;
    for (auto const& token : vocabulary.added) { special.push_back(token.special ? token.id : -1); }
    CHECK(special == std::vector<token_id>{0, 1, 3, 4});
}

TEST_CASE("gguf tokenizer: inconsistent arrays are refused by key")
{
    auto const vocabulary_of = [](gguf_writer const& w)
    {
        opened const file(w);
        return refusal([&] { gemma4::read_vocabulary(file.metadata()); });
    };
    CHECK(holds(vocabulary_of(small({"a", "a"}, {1, 1}, "gemma4")),
                "tokenizer.ggml.tokens[1] is \"a\", which an earlier"));
    CHECK(holds(vocabulary_of(small({"a"}, {1, 1}, "gemma4")),
                "tokenizer.ggml.token_type has 258 values, expected 257"));
    CHECK(holds(vocabulary_of(small({"a"}, {1}, "gemma4")), "tokenizer.ggml.merges is missing"));
    for (auto const* merge : {"ab", " b", "", "a b", "a c", "c a"})
    {
        CAPTURE(merge);
        auto w = small({"a", "b", " b"}, {1, 1, 1}, "gemma4");
        w.strings("tokenizer.ggml.merges", {merge});
        CHECK(holds(vocabulary_of(w), "f.gguf: metadata tokenizer.ggml.merges[0] is \""));
    }
    gguf_writer no_bytes;
    no_bytes.strings("tokenizer.ggml.tokens", {"a"});
    CHECK(holds(vocabulary_of(no_bytes), "expected a token <0x00>, found none"));

    opened const other(small({}, {}, "gpt2"));
    CHECK(holds(refusal([&] { gemma4::tokenizer_kind_of(other.metadata()); }),
                "tokenizer.ggml.model is \"gpt2\", only \"gemma4\" and \"llama\""));
    auto w = small({"a"}, {1}, "llama");
    w.floats("tokenizer.ggml.scores", {1.0f});
    w.u32("tokenizer.ggml.bos_token_id", 257);
    opened const few(w);
    CHECK(holds(refusal([&] { gemma4::read_sentencepiece_tokenizer(few.metadata()); }),
                "scores has 1 values, expected 257"));
    CHECK(holds(refusal([&] { gemma4::special_token_id(few.metadata(), "bos"); }),
                "is 257, expected less than the 257 tokens"));
}
