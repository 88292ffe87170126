#include <memory>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/regular_expression.hpp>

namespace
{
    // A random expression of what std::regex understands too.
    std::string random_pattern(std::mt19937& random, int depth)
    {
        auto const pick = [&](std::size_t n) { return random() % n; };
        auto const atom = [&]() -> std::string
        {
            static std::vector<std::string> const atoms{"a",   "b",      "c",      "0",        "\\d", "\\w",
                                                        ".",   "[abc]",  "[^a]",   "[a-c0-9]", "\\.", "\\s",
                                                        "\\D", "[\\d_]", "[^\\w]", "\\x61",    "-"};
            if (depth > 0 && pick(4) == 0)
            {
                return (pick(2) ? "(" : "(?:") + random_pattern(random, depth - 1) + ")";
            }
            return atoms[pick(atoms.size())];
        };
        auto const quantifier = [&]() -> std::string
        {
            static std::vector<std::string> const all{"*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?"};
            return pick(3) == 0 ? all[pick(all.size())] : "";
        };
        std::string out;
        std::size_t const ways = pick(4) == 0 ? 2 : 1;
        for (std::size_t w = 0; w != ways; ++w)
        {
            if (w != 0) { out += '|'; }
            auto const n = 1 + pick(4);
            for (std::size_t i = 0; i != n; ++i) { out += atom() + quantifier(); }
        }
        return out;
    }
}

TEST_CASE("regular_expression: agrees with std::regex on random texts, and writes what it matches")
{
    std::mt19937 random(11);
    std::size_t matches = 0;
    for (int round = 0; round != 150; ++round)
    {
        auto const pattern = random_pattern(random, 2);
        CAPTURE(pattern);
        std::regex const expected(pattern);
        auto const rules = std::make_shared<gemma4::token_grammar>(
            gemma4::regular_expression_grammar(pattern), gemma4_test::tiny_trie());
        for (int i = 0; i != 60; ++i)
        {
            std::string text;
            for (auto n = random() % 6; n-- != 0;) { text += "aabbc0019._- \n"[random() % 14]; }
            CAPTURE(text);
            bool const match = std::regex_match(text, expected);
            matches += match;
            CHECK(gemma4_test::accepts(rules, text, random) == match);
        }
    }
    CHECK(matches > 300);
}

TEST_CASE("regular_expression: random texts match as a whole")
{
    std::mt19937 random(12);
    for (auto const* const pattern :
         {"[a-z]{3,5}@[a-z]+\\.(com|org)", "(foo|ba[rz])+", "\\d{4}-\\d{2}", "x{0,3}y"})
    {
        auto const rules = std::make_shared<gemma4::token_grammar>(
            gemma4::regular_expression_grammar(pattern), gemma4_test::nano_trie());
        for (int i = 0; i != 20; ++i)
        {
            auto const text = gemma4_test::random_text(rules, random);
            CAPTURE(text);
            CHECK(std::regex_match(text, std::regex(pattern)));
        }
    }
}

TEST_CASE("regular_expression: Unicode")
{
    auto const match = [](char const* pattern, char const* text)
    { return gemma4_test::accepts(gemma4::regular_expression_grammar(pattern), text); };
    CHECK(match("é", "é"));
    CHECK(match(".", "日"));
    CHECK(match("...", "é日🙂"));
    CHECK_FALSE(match(".", "\xc3"));
    CHECK(match("[à-ÿ]+", "éü"));
    CHECK_FALSE(match("[à-ÿ]", "z"));
    CHECK(match("[^a]", "🙂"));
    CHECK(match("\\u00e9\\u{1F642}", "é🙂"));
    CHECK(match("[\\u0400-\\u{10ffff}]{3}", "ЯЯ\U0010ffff"));
    CHECK(match("^a$|^b$", "b"));
    CHECK(match("", ""));
    CHECK(match("(?<year>\\d{2})", "24"));
}

TEST_CASE("regular_expression: what is not supported is named")
{
    struct refusal
    {
        char const* pattern;
        char const* what;
    };
    for (auto const& [pattern, what] :
         std::vector<refusal>{{"(?=a)", "lookaround"},
                              {"(?!a)", "lookaround"},
                              {"(?<=a)", "lookaround"},
                              {"(?i)a", "(? with flags"},
                              {"(a)\\1", "\\1"},
                              {"\\bword", "\\b"},
                              {"\\p{L}", "\\p"},
                              {"a++", "a possessive quantifier"},
                              {"a**", "a quantifier of a quantifier"},
                              {"*a", "* with nothing before it"},
                              {"(a", "( without )"},
                              {"a)", ") without ("},
                              {"[a", "[ without ]"},
                              {"[b-a]", "a range that ends before it begins"},
                              {"[\\d-z]", "a range to or from a class"},
                              {"a{2", "{ that is not {n}, {n,} or {n,m}"},
                              {"a{3,2}", "{n,m} with n above m"},
                              {"a{99999}", "a count above 10000"},
                              {"a$b", "$ that is not the end of an alternative"},
                              {"a^", "^ that is not the beginning of an alternative"},
                              {"(a$)", "$ inside a group"},
                              {"\\", "a backslash at the end"},
                              {"\xff", "bytes that are not UTF-8"},
                              {"\\ud800", "a surrogate"}})
    {
        INFO(std::string(pattern));
        try
        {
            gemma4::regular_expression_grammar(pattern);
            FAIL("nothing thrown");
        }
        catch (gemma4::argument_error const& e)
        {
            CHECK(std::string(e.what()).ends_with(std::string("not supported: ") + what));
        }
    }
    // What does not fit a sentence is cut.
    CHECK_THROWS_WITH_AS(
        gemma4::regular_expression_grammar(std::string(10'000, 'a') + "\\1"),
        ("pattern " + std::string(200, 'a') + "...: at byte 10000: not supported: \\1").c_str(),
        gemma4::argument_error);
    CHECK_THROWS_AS(
        gemma4::token_grammar(gemma4::regular_expression_grammar("[^\\s\\S]"), gemma4_test::tiny_trie()),
        gemma4::argument_error);
}
