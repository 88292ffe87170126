#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/text/merge_table.hpp>
#include <gemma4/text/vocabulary.hpp>

using namespace gemma4;

TEST_CASE("vocabulary: finds what a std::map finds, whether or not it was sized up front")
{
    for (std::size_t sized : {std::size_t(0), std::size_t(5000)})
    {
        std::mt19937 random(7);
        vocabulary tokens(sized);
        std::map<std::string, token_id> expected;
        for (int i = 0; i != 5000; ++i)
        {
            std::string token;
            for (auto n = random() % 20; n != 0; --n) { token += char('a' + random() % 3); }
            auto const [at, is_new] = expected.try_emplace(token, token_id(expected.size()));
            CHECK(tokens.add(token) == is_new);
        }
        REQUIRE(tokens.size() == expected.size());
        for (auto const& [token, id] : expected)
        {
            CHECK(tokens.find(token) == id);
            CHECK(tokens[id] == token);
            CHECK(tokens.find(token + "!") == std::nullopt);
        }
    }
}

TEST_CASE("vocabulary: merges up to the first one that lacks a part or its result")
{
    vocabulary tokens;
    for (auto const* token : {"a", "b", "ab", "aba"}) { tokens.add(token); }
    std::vector<merge_text> const good = {{"a", "b"}, {"ab", "a"}};
    CHECK(tokens.add_merges(good) == 2);
    CHECK(tokens.merges == std::vector<merge_rule>{{0, 1, 2}, {2, 0, 3}});
    for (merge_text const bad : {merge_text{"b", "a"}, {"c", "a"}, {"a", "c"}, {"", ""}, {"", "a"}})
    {
        CHECK(tokens.add_merges(std::vector<merge_text>{{"a", "b"}, bad, {"a", "b"}}) == 1);
    }
    CHECK(tokens.merges.size() == 7);
}

TEST_CASE("vocabulary: many merges at once are the merges one at a time")
{
    vocabulary one_by_one;
    vocabulary together;
    std::vector<std::string> names = {"a"};
    for (int i = 0; i != 300; ++i) { names.push_back(names.back() + "a"); }
    for (auto const& name : names)
    {
        one_by_one.add(name);
        together.add(name);
    }
    std::vector<merge_text> texts;
    for (std::size_t i = 0; i + 1 < names.size(); ++i) { texts.push_back({names[i], names[0]}); }
    for (auto const& text : texts) { CHECK(one_by_one.add_merges(std::vector{text}) == 1); }
    CHECK(together.add_merges(texts) == texts.size());
    CHECK(together.merges == one_by_one.merges);
    CHECK(together.merges[299] == merge_rule{299, 0, 300});
}

TEST_CASE("merge_table: every rule, nothing else, and the last of equal pairs")
{
    std::vector<merge_rule> rules;
    for (token_id left = 0; left != 60; ++left)
    {
        for (token_id right = 0; right != 60; right += 2)
        {
            rules.push_back({left, right, 1000 + left * 60 + right});
        }
    }
    rules.push_back({3, 4, 77});
    merge_table const table(rules);
    for (std::uint32_t rank = 0; rank + 1 < rules.size(); ++rank)
    {
        auto const& rule = rules[rank];
        auto const found = table.find(rule.left, rule.right);
        bool const replaced = rule.left == 3 && rule.right == 4;
        CHECK(found.rank == (replaced ? rules.size() - 1 : rank));
        CHECK(found.result == (replaced ? 77 : rule.result));
        CHECK(table.find(rule.left, rule.right + 1).rank == merge::never);
    }
    CHECK(merge_table({}).find(0, 0).rank == merge::never);
}

TEST_CASE("byte tokens: names and values")
{
    for (unsigned byte = 0; byte != 256; ++byte)
    {
        CHECK(byte_of(byte_token_name(static_cast<unsigned char>(byte))) == byte);
    }
    CHECK(byte_token_name(0x0a) == "<0x0A>");
    CHECK(byte_of("<0xfF>") == 255u);
    for (auto const* other : {"", "<0x41", "<0x4>", "<0x411>", "<0xG1>", "<0X41>", "a0x41>", "<0x41x"})
    {
        CHECK_FALSE(byte_of(other));
    }
}
