// The tokenizer with scores against a naive version of its rule, on a small vocabulary with ties and missing
// letters.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/text/stream_decoder.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace
{
    using gemma4::token_id;

    struct scored
    {
        char const* token;
        float score;
    };

    // "z" and "é" are no tokens, "ez" is; ab and ba tie.
    constexpr scored normal[] = {{"\u2581", -1},  {"a", -2},
                                 {"b", -3},       {"c", -4},
                                 {"e", -5},       {"ab", -10},
                                 {"ba", -10},     {"aa", -12},
                                 {"\u2581a", -6}, {"abc", -20},
                                 {"aba", -15},    {"\u2581ab", -30},
                                 {"ez", -11},     {"\u2581\u2581", -7},
                                 {"aaaa", -8},    {"bc", -9},
                                 {"<", -40},      {"\u00e9a", -3}};
    struct extra
    {
        char const* token;
        bool special;
    };
    constexpr extra added[] = {{"<bos>", true}, {"\n", false},  {"\n\n", false},
                               {"  ", false},   {"   ", false}, {"<b>", false}};

    struct parts
    {
        gemma4::vocabulary tokens;
        std::vector<float> scores;
    };

    parts small()
    {
        parts p;
        for (auto const& [token, special] : added)
        {
            REQUIRE(p.tokens.add(token));
            p.tokens.added.push_back({.id = token_id(p.scores.size()), .special = special});
            p.scores.push_back(-1000.0f);
        }
        for (unsigned byte = 0; byte != 256; ++byte)
        {
            p.tokens.add(gemma4::byte_token_name(static_cast<unsigned char>(byte)));
            p.scores.push_back(0.0f);
        }
        for (auto const& [token, score] : normal)
        {
            REQUIRE(p.tokens.add(token));
            p.scores.push_back(score);
        }
        return p;
    }

    gemma4::tokenizer make(bool prefix)
    {
        auto p = small();
        return {std::move(p.tokens), gemma4::score_merger(std::move(p.scores), prefix)};
    }

    // The rule, one join after the other, over a list of strings.
    std::vector<token_id> naive_plain(parts const& p, std::string const& piece)
    {
        std::vector<std::string> symbols;
        for (std::size_t at = 0; at != piece.size();)
        {
            auto const length = gemma4::decode_utf8(piece, at).length;
            auto const c = piece.substr(at, length);
            symbols.push_back(c == " " ? "\u2581" : c);
            at += length;
        }
        for (;;)
        {
            std::optional<std::size_t> best;
            float best_score = 0;
            for (std::size_t i = 0; i + 1 < symbols.size(); ++i)
            {
                auto const id = p.tokens.find(symbols[i] + symbols[i + 1]);
                if (!id || (best && p.scores[std::size_t(*id)] <= best_score)) { continue; }
                best = i;
                best_score = p.scores[std::size_t(*id)];
            }
            if (!best) { break; }
            symbols[*best] += symbols[*best + 1];
            symbols.erase(symbols.begin() + std::ptrdiff_t(*best) + 1);
        }
        std::vector<token_id> ids;
        for (auto const& s : symbols)
        {
            if (auto const id = p.tokens.find(s)) { ids.push_back(*id); }
            else
            {
                for (char const c : s)
                {
                    ids.push_back(*p.tokens.find(gemma4::byte_token_name(static_cast<unsigned char>(c))));
                }
            }
        }
        return ids;
    }

    // Added tokens: the longest first, all places of one before the next, as llama.cpp partitions a text.
    std::vector<token_id> naive(parts const& p, std::string const& text, bool recognise, bool prefix)
    {
        struct fragment
        {
            std::string text;
            token_id id;
        };
        std::vector<fragment> fragments{{text, -1}};
        auto order = p.tokens.added;
        std::ranges::stable_sort(order, std::greater(),
                                 [&](auto const& token) { return p.tokens[token.id].size(); });
        for (auto const& token : order)
        {
            if (token.special && !recognise) { continue; }
            std::string const word(p.tokens[token.id]);
            std::vector<fragment> next;
            for (auto const& f : fragments)
            {
                if (f.id >= 0)
                {
                    next.push_back(f);
                    continue;
                }
                std::size_t begin = 0;
                for (auto at = f.text.find(word); at != f.text.npos; at = f.text.find(word, begin))
                {
                    if (at != begin) { next.push_back({f.text.substr(begin, at - begin), -1}); }
                    next.push_back({{}, token.id});
                    begin = at + word.size();
                }
                if (begin != f.text.size()) { next.push_back({f.text.substr(begin), -1}); }
            }
            fragments = std::move(next);
        }
        std::vector<token_id> ids;
        bool after_token = true;
        for (auto const& f : fragments)
        {
            if (f.id >= 0)
            {
                ids.push_back(f.id);
                after_token = true;
                continue;
            }
            auto const more = naive_plain(p, (prefix && after_token ? " " : "") + f.text);
            ids.insert(ids.end(), more.begin(), more.end());
            after_token = false;
        }
        return ids;
    }
}

TEST_CASE("scores: equals the naive rule on random text")
{
    auto const p = small();
    constexpr char const* letters[] = {"a", "a",  "b", "b",     "c",   "e",      "z",  "é", " ",
                                       " ", "\n", "<", "<bos>", "<b>", "\u2581", "日", ">"};
    std::mt19937 random(7);
    for (bool const prefix : {false, true})
    {
        auto const tokens = make(prefix);
        for (int round = 0; round != 3000; ++round)
        {
            std::string text;
            for (auto n = random() % 24; n != 0; --n) { text += letters[random() % std::size(letters)]; }
            CAPTURE(text);
            CHECK(tokens.encode(text) == naive(p, text, true, prefix));
            CHECK(tokens.encode(text, gemma4::special_tokens::as_text) == naive(p, text, false, prefix));
        }
    }
}

TEST_CASE("scores: worked examples")
{
    auto const tokens = make(false);
    auto const strings =
        [&](std::string_view text, gemma4::special_tokens specials = gemma4::special_tokens::recognise)
    {
        std::vector<std::string> found;
        for (auto const id : tokens.encode(text, specials)) { found.emplace_back(tokens.piece(id)); }
        return found;
    };
    using list = std::vector<std::string>;
    CHECK(strings("") == list{});
    CHECK(strings("bab") == list{"ba", "b"});    // a tie: the leftmost pair
    CHECK(strings("abab") == list{"ab", "ab"});
    CHECK(strings("ez") == list{"ez"});    // a letter that is no token may still join
    CHECK(strings("z") == list{"<0x7A>"});
    CHECK(strings("éé") == list{"<0xC3>", "<0xA9>", "<0xC3>", "<0xA9>"});
    CHECK(strings("a  a") == list{"a", "  ", "a"});    // user-defined before anything else
    CHECK(strings("a     a") == list{"a", "   ", "  ", "a"});
    CHECK(strings("<bos>a") == list{"<bos>", "a"});
    CHECK(strings("<b>", gemma4::special_tokens::as_text) == list{"<b>"});
    CHECK(strings("<bos>", gemma4::special_tokens::as_text) == list{"<", "b", "<0x6F>", "<0x73>", "<0x3E>"});
    CHECK(strings("\xff") == list{"<0xEF>", "<0xBF>", "<0xBD>"});    // U+FFFD
}

TEST_CASE("scores: text comes back, whole and streamed")
{
    auto const tokens = make(false);
    for (std::string const text : {"ab abc\n\n  z é 日本 <bos> x", "   ", "", "\u2581"})
    {
        auto const ids = tokens.encode(text);
        auto const expected = text == "\u2581" ? " " : text;    // indistinguishable from a space
        CHECK(tokens.decode(ids) == expected);
        gemma4::stream_decoder stream(tokens, false);
        std::string pieces;
        for (auto const id : ids) { pieces += stream.put(id); }
        CHECK(pieces + stream.finish() == expected);
    }
}

TEST_CASE("scores: long text without a space takes no quadratic time")
{
    auto const tokens = make(false);
    std::string text;
    for (int i = 0; i != 100000; ++i) { text += "abz"[i % 3]; }
    CHECK(tokens.decode(tokens.encode(text)) == text);
    CHECK(tokens.encode(std::string(100000, 'a')).size() == 25000);
}
