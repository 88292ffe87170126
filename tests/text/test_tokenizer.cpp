#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tiny_tokenizer.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/text/tokenizer.hpp>

using namespace gemma4;
using nlohmann::json;
using text_test::small_file;
using text_test::tiny;
using ids = std::vector<token_id>;

namespace
{
    // Byte-pair merging as its definition says it: look at all pairs again for every merge. merges: the
    // file's own strings.
    std::vector<std::string> naive_merge(std::vector<std::string> symbols, json const& merges)
    {
        std::map<std::pair<std::string, std::string>, std::size_t> rank;
        for (std::size_t i = 0; i != merges.size(); ++i) { rank[{merges[i][0], merges[i][1]}] = i; }
        for (;;)
        {
            auto best = merges.size();
            std::size_t where = 0;
            for (std::size_t i = 0; i + 1 < symbols.size(); ++i)
            {
                auto const found = rank.find({symbols[i], symbols[i + 1]});
                if (found != rank.end() && found->second < best)
                {
                    best = found->second;
                    where = i;
                }
            }
            if (best == merges.size()) { return symbols; }
            symbols[where] += symbols[where + 1];
            symbols.erase(symbols.begin() + std::ptrdiff_t(where) + 1);
        }
    }

    json make_added(token_id id, std::string_view content, bool special, bool normalized)
    {
        return {{"id", id}, {"content", content}, {"special", special}, {"normalized", normalized}};
    }
}

TEST_CASE("tokenizer: equals the reference on every stored case of the tiny vocabulary")
{
    std::ifstream file(std::filesystem::path(GEMMA4_TEST_DATA) / "text" / "tiny_cases.jsonl");
    std::size_t encoded = 0;
    std::size_t decoded = 0;
    for (std::string line; std::getline(file, line);)
    {
        auto const c = json::parse(line);
        auto const text = c.at("text").get<std::string>();
        auto const expected = c.at("ids").get<ids>();
        CAPTURE(line);
        if (c.contains("skip_special_tokens"))
        {
            CHECK(tiny().decode(expected, c.at("skip_special_tokens").get<bool>()) == text);
            ++decoded;
            continue;
        }
        CHECK(tiny().encode(text) == expected);
        CHECK(tiny().encode(text, special_tokens::as_text) == c.value("as_text", expected));
        ++encoded;
    }
    CHECK(encoded > 300);
    CHECK(decoded > 100);
}

TEST_CASE("tokenizer: equals merging by definition, across the border between short and long pieces")
{
    std::ifstream file(text_test::tiny_path());
    auto const merges = json::parse(file).at("model").at("merges");
    std::mt19937 random(3);
    for (std::size_t length = 1; length != 70; ++length)
    {
        std::string text;
        for (std::size_t i = 0; i != length; ++i) { text += "etao.n_istrm"[random() % 12]; }
        std::vector<std::string> symbols;
        for (char const c : text) { symbols.emplace_back(1, c); }
        ids expected;
        for (auto const& symbol : naive_merge(symbols, merges))
        {
            expected.push_back(tiny().find(symbol).value());
        }
        CAPTURE(text);
        CHECK(tiny().encode(text) == expected);
    }
}

TEST_CASE("tokenizer: a token with a space inside joins across the place where words are cut")
{
    auto file = small_file();
    auto& vocab = file["model"]["vocab"];
    token_id next = 262;
    for (auto const* token : {"b\u2581", "b\u2581a", "\u00e9"}) { vocab[token] = next++; }
    file["model"]["merges"] = json::parse(R"([["b", "\u2581"], ["b\u2581", "a"], ["a", "b"]])");
    auto const tokens = text_test::load(file);
    CHECK(tokens.encode("b a") == ids{263});
    CHECK(tokens.encode("a a") == ids{256, 259, 256});
    CHECK(tokens.encode("ab ab") == ids{256, 263, 257});
    CHECK(tokens.encode("\u00e9 b") == ids{264, 259, 257});
}

TEST_CASE("tokenizer: byte tokens may take part in merges, also before a space")
{
    auto file = small_file();
    auto& vocab = file["model"]["vocab"];
    vocab["<0xA9>\u2581"] = 262;
    vocab["<0xC3><0xA9>\u2581"] = 263;
    file["model"]["merges"] = json::parse(R"([["<0xA9>", "\u2581"], ["<0xC3>", "<0xA9>\u2581"]])");
    auto const tokens = text_test::load(file);
    CHECK(tokens.encode("\u00e9 a") == ids{263, 256});
    CHECK(tokens.encode("\u00e9a") == ids{0xc3, 0xa9, 256});
}

TEST_CASE("tokenizer: without a token for U+2581 a space is its bytes")
{
    auto file = small_file();
    file["model"]["vocab"].erase("\u2581");
    file["model"]["vocab"]["other"] = 259;
    auto const tokens = text_test::load(file);
    CHECK(tokens.encode("a b") == ids{256, 0xe2, 0x96, 0x81, 257});
    CHECK(tokens.decode(tokens.encode("a b")) == "a\u2581b");
}

TEST_CASE(
    "tokenizer: added tokens are found leftmost and longest; only special ones can be turned off or skipped")
{
    auto file = small_file();
    file["added_tokens"].push_back(make_added(261, "<x>", false, false));
    file["added_tokens"].push_back(make_added(262, "<x>a", true, false));
    file["added_tokens"].push_back(make_added(263, "b a", false, true));
    auto const tokens = text_test::load(file);
    CHECK(tokens.size() == 264);
    CHECK(tokens.encode("<x>b<x>a<bos>") == ids{261, 257, 262, 260});
    CHECK(tokens.encode("ab a") == ids{256, 263});
    CHECK(tokens.encode("b\u2581a") == ids{263});
    CHECK(tokens.encode("<x>", special_tokens::as_text) == ids{261});
    CHECK(tokens.encode("<bos>", special_tokens::as_text) == ids{0x3c, 257, 0x6f, 0x73, 0x3e});
    CHECK(tokens.decode(ids{260, 261, 262, 263}) == "<bos><x><x>ab a");
    CHECK(tokens.decode(ids{260, 261, 262, 263}, true) == "<x>b a");
    CHECK(tokens.is_special(260));
    CHECK_FALSE(tokens.is_special(261));
}

TEST_CASE("tokenizer: ill-formed UTF-8 is encoded as U+FFFD per maximal subpart")
{
    using namespace std::string_literals;
    auto const& t = tiny();
    CHECK(t.encode("a\xff z\xe2\x82"s) == t.encode("a\ufffd z\ufffd"));
    CHECK(t.encode("\xf4\x90\x80\x80"s) == t.encode("\ufffd\ufffd\ufffd\ufffd"));
    CHECK(t.encode("\xc0\xaf<|turn>\xed\xa0\x80"s) == t.encode("\ufffd\ufffd<|turn>\ufffd\ufffd\ufffd"));
    std::string all;
    for (int byte = 0; byte != 256; ++byte) { all += char(byte); }
    CHECK(t.decode(t.encode(all)) == with_replacements(all));
}

TEST_CASE("tokenizer: text comes back, except that U+2581 becomes a space")
{
    std::mt19937 random(11);
    for (int n = 0; n != 300; ++n)
    {
        std::string text;
        for (auto left = random() % 60; left != 0; --left)
        {
            auto const c = char32_t(random() % (random() % 2 ? 0x80u : 0x110000u));
            if ((c < 0xd800 || c > 0xdfff) && c != 0x2581) { append_utf8(text, c); }
        }
        CAPTURE(text);
        CHECK(tiny().decode(tiny().encode(text)) == text);
        CHECK(tiny().decode(tiny().encode(text, special_tokens::as_text)) == text);
    }
    CHECK(tiny().decode(tiny().encode("a\u2581b")) == "a b");
}

TEST_CASE("tokenizer: a piece of 100,003 equal characters")
{
    auto file = small_file();
    auto& vocab = file["model"]["vocab"];
    vocab["aa"] = 262;
    vocab["aaaa"] = 263;
    file["model"]["merges"] = json::parse(R"([["a", "a"], ["aa", "aa"]])");
    ids expected(25'000, 263);
    expected.push_back(262);
    expected.push_back(256);
    CHECK(text_test::load(file).encode(std::string(100'003, 'a')) == expected);
    for (auto const* repeated : {"\n", " ", "q", "\u00e9", "\u65e5\u672c"})
    {
        std::string text;
        while (text.size() < 100'000) { text += repeated; }
        CHECK(tiny().decode(tiny().encode(text)) == text);
    }
}

TEST_CASE("tokenizer: appends, looks up, and answers for ids it does not have")
{
    auto const& t = tiny();
    ids out = {7};
    t.encode("a", out, special_tokens::recognise);
    CHECK(out.size() == 2);
    CHECK(out[0] == 7);
    CHECK(t.size() == 2048);
    CHECK(t.find("<bos>") == 2);
    CHECK(t.find("no such token") == std::nullopt);
    CHECK(t.piece(2) == "<bos>");
    CHECK(t.is_special(2));
    for (token_id const id : {-1, 2048, 2147483647, -2147483647 - 1})
    {
        CHECK_THROWS_AS(t.piece(id), argument_error);
        CHECK_FALSE(t.is_special(id));
        CHECK(t.decode(ids{id}) == "");
    }
    CHECK(t.adds_bos());
    CHECK_FALSE(text_test::load(small_file()).adds_bos());
}

TEST_CASE("tokenizer: is made of plain data, too")
{
    vocabulary tokens;
    for (unsigned byte = 0; byte != 256; ++byte)
    {
        tokens.add(byte_token_name(static_cast<unsigned char>(byte)));
    }
    CHECK_NOTHROW(tokenizer{tokens});
    for (auto const* token : {"a", "b", "ab", "<turn|>"}) { tokens.add(token); }
    CHECK(tokens.add_merges(std::vector<merge_text>{{"a", "b"}}) == 1);
    tokens.added.push_back({259, true});
    tokenizer const t(std::move(tokens));
    CHECK(t.encode("ab<turn|>a") == ids{258, 259, 256});

    vocabulary without_bytes;
    without_bytes.add("a");
    CHECK_THROWS_AS(tokenizer(std::move(without_bytes)), mismatch_error);
}
