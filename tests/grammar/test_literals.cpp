#include <random>
#include <set>
#include <string>
#include <vector>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/choices.hpp>

TEST_CASE("literals: every text, and nothing else, whatever they share")
{
    std::mt19937 random(5);
    for (int round = 0; round != 60; ++round)
    {
        std::set<std::string> texts;
        auto const text = [&](std::size_t most)
        {
            std::string out;
            for (auto n = 1 + random() % most; n != 0; --n) { out += "ab1"[random() % 3]; }
            return out;
        };
        for (auto n = 1 + random() % 12; n != 0; --n) { texts.insert(text(5)); }
        std::vector<std::string> shuffled(texts.begin(), texts.end());
        std::ranges::shuffle(shuffled, random);
        shuffled.push_back(shuffled.front());
        auto const rules = std::make_shared<gemma4::token_grammar>(gemma4::choice_grammar(shuffled),
                                                                   gemma4_test::tiny_trie());
        for (auto const& one : texts) { CHECK(gemma4_test::accepts(rules, one, random)); }
        for (int i = 0; i != 30; ++i)
        {
            auto const one = text(6);
            CHECK(gemma4_test::accepts(rules, one, random) == texts.contains(one));
        }
        for (int i = 0; i != 5; ++i) { CHECK(texts.contains(gemma4_test::random_text(rules, random))); }
    }
}

TEST_CASE("literals: thousands that share their beginnings, and each other's")
{
    std::vector<std::string> numbers;
    for (int i = 0; i != 100'000; ++i) { numbers.push_back("number " + std::to_string(i)); }
    std::mt19937 random(6);
    auto const rules =
        std::make_shared<gemma4::token_grammar>(gemma4::choice_grammar(numbers), gemma4_test::tiny_trie());
    CHECK(gemma4_test::accepts(rules, "number 73104", random));
    CHECK_FALSE(gemma4_test::accepts(rules, "number 073104", random));
    std::vector<std::string> longer;    // each begins the next: deeper than what is shared
    for (std::size_t i = 1; i != 200; ++i) { longer.emplace_back(i, 'a'); }
    auto const nested =
        std::make_shared<gemma4::token_grammar>(gemma4::choice_grammar(longer), gemma4_test::tiny_trie());
    CHECK(gemma4_test::accepts(nested, std::string(199, 'a'), random));
    CHECK(gemma4_test::accepts(nested, std::string(64, 'a'), random));
    CHECK_FALSE(gemma4_test::accepts(nested, std::string(200, 'a'), random));
}
