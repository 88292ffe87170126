#include <string>
#include <vector>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/grammar/token_trie.hpp>

TEST_CASE("token_trie: every text token is found at the end of its bytes, and no other")
{
    auto const& trie = *gemma4_test::tiny_trie();
    auto const& tokens = gemma4_test::tiny_tokens();
    std::vector<std::string> found(tokens.size());
    std::string path;
    for (gemma4::token_trie::node_id n = 1; n != trie.size(); ++n)
    {
        REQUIRE(trie.depth(n) >= 1);
        path.resize(trie.depth(n) - 1u);
        path += char(trie.byte(n));
        REQUIRE(trie.after(n) > n);
        for (auto const id : trie.ending_at(n))
        {
            CHECK(found[std::size_t(id)].empty());
            found[std::size_t(id)] = path;
        }
    }
    std::size_t in_tree = 0;
    for (std::size_t i = 0; i != tokens.size(); ++i)
    {
        auto const id = gemma4::token_id(i);
        std::string text;
        if (auto const byte = tokens.byte(id)) { text = std::string(1, char(*byte)); }
        else if (!tokens.is_special(id)) { tokens.append_text(text, id); }
        CHECK(found[i] == text);
        CHECK(trie.text(id) == text);
        in_tree += !text.empty();
    }
    CHECK(in_tree > 1000);
    CHECK(trie.text(-1).empty());
    CHECK(trie.text(gemma4::token_id(tokens.size())).empty());
}
