#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/generate/stop_string_matcher.hpp>

using namespace gemma4;

namespace
{
    struct outcome
    {
        std::string shown;
        std::size_t match;    // -1: none
        bool operator==(outcome const&) const = default;
    };

    // At every end, every stop string, the longest first.
    outcome naive(std::string const& text, std::vector<std::string> const& stops)
    {
        for (std::size_t end = 1; end <= text.size(); ++end)
        {
            std::size_t best = std::size_t(-1);
            for (std::size_t s = 0; s < stops.size(); ++s)
            {
                if (std::string_view(text).substr(0, end).ends_with(stops[s])
                    && (best == std::size_t(-1) || stops[s].size() > stops[best].size()))
                {
                    best = s;
                }
            }
            if (best != std::size_t(-1)) { return {text.substr(0, end - stops[best].size()), best}; }
        }
        return {text, std::size_t(-1)};
    }

    // The longest suffix of the text that begins a stop string must be held, and no more.
    std::size_t naive_hold(std::string const& text, std::vector<std::string> const& stops)
    {
        std::size_t hold = 0;
        for (auto const& stop : stops)
        {
            for (std::size_t n = 1; n < stop.size() && n <= text.size(); ++n)
            {
                if (text.ends_with(std::string_view(stop).substr(0, n))) { hold = std::max(hold, n); }
            }
        }
        return hold;
    }
}

TEST_CASE("any split of a text into pieces gives the same output")
{
    std::mt19937 random(1);
    auto const letters = [&](std::size_t most, std::size_t least)
    {
        std::string out;
        for (auto n = least + random() % (most - least + 1); n != 0; --n) { out += char('a' + random() % 3); }
        return out;
    };
    for (int round = 0; round < 3000; ++round)
    {
        std::vector<std::string> stops;
        for (auto n = random() % 4; n != 0; --n) { stops.push_back(letters(7, 1 + random() % 3)); }
        auto const text = letters(60, 0);
        auto const expected = naive(text, stops);
        for (int split = 0; split < 4; ++split)
        {
            stop_string_matcher matcher(stops);
            std::string shown;
            std::string fed;
            for (std::size_t at = 0; at < text.size();)
            {
                auto const piece = text.substr(at, split == 0 ? text.size() : split == 1 ? 1 : random() % 9);
                at += piece.size();
                fed += piece;
                shown += matcher.push(piece);
                if (!matcher.matched()) { REQUIRE(shown.size() == fed.size() - naive_hold(fed, stops)); }
            }
            shown += matcher.finish();
            REQUIRE(shown == expected.shown);
            REQUIRE(matcher.matched() == (expected.match != std::size_t(-1)));
            if (matcher.matched()) { REQUIRE(stops[matcher.match()] == stops[expected.match]); }
        }
    }
}

TEST_CASE("a stop string across pieces is held back, then hidden")
{
    stop_string_matcher matcher({"</end>", "STOP"});
    CHECK(matcher.push("hello </e") == "hello ");
    CHECK(matcher.push("xit> ") == "</exit> ");
    CHECK(matcher.push("<") == "");
    CHECK(matcher.push("/end") == "");
    CHECK_FALSE(matcher.matched());
    CHECK(matcher.push("> more STOP") == "");
    CHECK(matcher.matched());
    CHECK(matcher.match() == 0);
    CHECK(matcher.push("more") == "");
    CHECK(matcher.finish() == "");
    matcher.reset();
    CHECK(matcher.push("abcS") == "abc");
    CHECK(matcher.finish() == "S");
    CHECK(matcher.push("TOP") == "TOP");    // finish() ended the text that S belonged to
}

TEST_CASE("what is complete first wins; at one byte, the longest")
{
    stop_string_matcher first({"abcd", "bc"});
    CHECK(first.push("xabcd") == "xa");
    CHECK(first.match() == 1);
    stop_string_matcher longest({"END", "\nEND"});
    CHECK(longest.push("text\nEND") == "text");
    CHECK(longest.match() == 1);
}

TEST_CASE("bytes and emptiness")
{
    stop_string_matcher none;
    CHECK(none.push("a\0b") == "a\0b");
    CHECK(none.finish() == "");
    stop_string_matcher snowman({"\u2603"});
    CHECK(snowman.push("\xe2\x98") == "");
    CHECK(snowman.push("\x82") == "\u2602");
    CHECK(snowman.push("\u2603") == "");
    CHECK(snowman.matched());
    CHECK_THROWS_WITH_AS(stop_string_matcher({"a", ""}), "stop strings: expected text, found an empty string",
                         argument_error);
}

TEST_CASE("a long stop string that never comes costs as much as a short one")
{
    // Held back and moved for every byte, this would be 10^12 bytes.
    stop_string_matcher matcher({std::string(1'000'000, 'a') + "b"});
    std::string shown;
    for (std::size_t i = 0; i != 2'000'000; ++i) { shown += matcher.push("a"); }
    CHECK(shown.size() == 1'000'000);
    shown += matcher.finish();
    CHECK(shown == std::string(2'000'000, 'a'));
}
