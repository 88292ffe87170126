#include <memory>
#include <random>
#include <string>
#include <vector>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/grammar/code_points.hpp>
#include <gemma4/text/utf8.hpp>

TEST_CASE("code_points: the UTF-8 of random ranges holds exactly their characters")
{
    std::mt19937 random(61);
    std::vector<char32_t> const borders{0,       0x7f,    0x80,     0x7ff,   0x800,   0xfff,
                                        0x1000,  0xd7ff,  0xe000,   0xffff,  0x10000, 0x3ffff,
                                        0x40000, 0xfffff, 0x100000, 0x10ffff};
    auto const pick = [&]() -> char32_t
    {
        if (random() % 3 == 0) { return borders[random() % borders.size()]; }
        return char32_t(random() % 0x110000);
    };
    for (int round = 0; round != 60; ++round)
    {
        std::vector<gemma4::code_point_range> ranges;
        for (auto n = 1 + random() % 3; n-- != 0;)
        {
            auto const a = pick();
            auto const b = pick();
            ranges.push_back({std::min(a, b), std::max(a, b)});
        }
        gemma4::code_point_set const set(ranges);
        auto const inverse = set.complement();
        gemma4::grammar g;
        g.set_root(gemma4::utf8_of(g, set));
        std::shared_ptr<gemma4::token_grammar> rules;
        if (!set.empty()) { rules = std::make_shared<gemma4::token_grammar>(g, gemma4_test::tiny_trie()); }
        for (int i = 0; i != 30; ++i)
        {
            auto const near = ranges[random() % ranges.size()];
            auto const c = i < 10   ? near.first + char32_t(i) - 5
                           : i < 20 ? near.last + char32_t(i) - 15
                                    : pick();
            if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) { continue; }
            bool expected = false;
            for (auto const& r : ranges) { expected = expected || (r.first <= c && c <= r.last); }
            CAPTURE(std::uint32_t(c));
            CHECK(set.contains(c) == expected);
            CHECK(inverse.contains(c) == !expected);
            std::string text;
            gemma4::append_utf8(text, c);
            if (rules) { CHECK(gemma4_test::accepts(rules, text, random) == expected); }
        }
    }
    CHECK(gemma4::code_point_set::all().complement().empty());
    CHECK(gemma4::code_point_set({{0xd800, 0xdfff}}).empty());
}
