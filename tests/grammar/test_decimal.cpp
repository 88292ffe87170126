#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/grammar/decimal.hpp>

namespace
{
    std::shared_ptr<gemma4::token_grammar> rules_of(gemma4::number_bounds const& bounds, bool integer)
    {
        gemma4::grammar g;
        g.set_root(integer ? gemma4::integer_between(g, bounds) : gemma4::number_between(g, bounds));
        return std::make_shared<gemma4::token_grammar>(g, gemma4_test::tiny_trie());
    }
}

TEST_CASE("decimal: integers within random bounds, and no others")
{
    std::mt19937 random(31);
    for (int round = 0; round != 200; ++round)
    {
        auto const wide = std::int64_t(1) << (random() % 14);
        auto const pick = [&] { return std::int64_t(random() % std::uint64_t(2 * wide + 1)) - wide; };
        auto const low = pick();
        auto const high = low + std::int64_t(random() % std::uint64_t(wide + 1));
        gemma4::number_bounds bounds{.low = low, .high = high};
        bounds.above_low = random() % 4 == 0 && low != high;
        auto const rules = rules_of(bounds, true);
        CAPTURE(low);
        CAPTURE(high);
        for (int i = 0; i != 40; ++i)
        {
            auto const x = i < 4 ? low - 2 + i : i < 8 ? high - 2 + (i - 4) : pick();
            bool const inside = x >= low && x <= high && !(bounds.above_low && x == low);
            CAPTURE(x);
            CHECK(gemma4_test::accepts(rules, std::to_string(x), random) == inside);
        }
        CHECK_FALSE(gemma4_test::accepts(rules, "-0", random));
        CHECK_FALSE(gemma4_test::accepts(rules, "0" + std::to_string(std::abs(high)), random));
    }
}

TEST_CASE("decimal: the ends of 64 bits")
{
    std::mt19937 random(32);
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    auto const all = rules_of({.low = least, .high = most}, true);
    CHECK(gemma4_test::accepts(all, std::to_string(most), random));
    CHECK(gemma4_test::accepts(all, std::to_string(least), random));
    CHECK_FALSE(gemma4_test::accepts(all, "9223372036854775808", random));
    CHECK_FALSE(gemma4_test::accepts(all, "-9223372036854775809", random));
    auto const high = rules_of({.low = most - 1}, true);
    CHECK(gemma4_test::accepts(high, std::to_string(most), random));
    CHECK_FALSE(gemma4_test::accepts(high, "9223372036854775805", random));
    CHECK_THROWS_AS(rules_of({.low = most, .above_low = true}, true), gemma4::argument_error);
    CHECK_THROWS_AS(rules_of({.low = 3, .high = 2}, true), gemma4::argument_error);
}

TEST_CASE("decimal: numbers within random bounds, and no others")
{
    std::mt19937 random(33);
    for (int round = 0; round != 200; ++round)
    {
        gemma4::number_bounds bounds;
        auto const low = std::int64_t(random() % 41) - 20;
        auto const high = low + std::int64_t(random() % 12);
        if (random() % 4 != 0) { bounds.low = low; }
        if (random() % 4 != 0 || !bounds.low) { bounds.high = high; }
        bounds.above_low = bounds.low && low != high && random() % 2;
        bounds.below_high = bounds.high && low != high && random() % 2;
        auto const rules = rules_of(bounds, false);
        CAPTURE(low);
        CAPTURE(high);
        CAPTURE(bounds.above_low);
        CAPTURE(bounds.below_high);
        for (int i = 0; i != 40; ++i)
        {
            auto text = std::to_string(std::int64_t(random() % 61) - 30);
            if (random() % 2)
            {
                text += "." + std::string(random() % 2, '0') + std::to_string(random() % 10);
            }
            auto const x = std::stod(text);
            bool inside = text != "-0";
            if (bounds.low) { inside = inside && (bounds.above_low ? x > double(low) : x >= double(low)); }
            if (bounds.high)
            {
                inside = inside && (bounds.below_high ? x < double(high) : x <= double(high));
            }
            CAPTURE(text);
            CHECK(gemma4_test::accepts(rules, text, random) == inside);
        }
    }
}

TEST_CASE("decimal: what the grammar writes is a number that a float holds")
{
    std::mt19937 random(34);
    auto const rules = rules_of({}, false);
    for (int i = 0; i != 100; ++i)
    {
        auto const text = gemma4_test::random_text(rules, random);
        CAPTURE(text);
        CHECK(std::isfinite(float(std::stod(text))));
    }
}
