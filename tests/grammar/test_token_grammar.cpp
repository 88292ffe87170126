#include <memory>
#include <random>
#include <string>
#include <vector>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/token_grammar.hpp>

namespace
{
    using gemma4::grammar;
}

TEST_CASE("token_grammar: brackets that match, to any depth")
{
    grammar g;
    auto const nest = g.declare();
    g.define(nest, g.repeat(g.sequence({g.byte('('), g.call(nest), g.byte(')')}), 0));
    g.set_root(g.call(nest));
    auto const rules = std::make_shared<gemma4::token_grammar>(g, gemma4_test::tiny_trie());
    std::mt19937 random(71);
    for (auto const* const good : {"", "()", "(())()", "((((()))))(()())"})
    {
        CHECK(gemma4_test::accepts(rules, good, random));
    }
    for (auto const* const bad : {"(", ")", "())", "(()", "()x"})
    {
        CHECK_FALSE(gemma4_test::accepts(rules, bad, random));
    }
}

TEST_CASE("token_grammar: an ambiguous grammar")
{
    // Both ways of reading go on side by side, in rules of their own.
    grammar g;
    auto const a = g.add_rule(g.sequence({g.repeat(g.byte('a'), 0), g.byte('b')}));
    auto const b = g.add_rule(g.sequence({g.repeat(g.byte('a'), 0), g.byte('c')}));
    g.set_root(g.choice({g.sequence({g.call(a), g.literal("1")}), g.sequence({g.call(b), g.literal("2")}),
                         g.sequence({g.call(a), g.literal("3")})}));
    for (auto const* const good : {"b1", "aab1", "aac2", "b3"}) { CHECK(gemma4_test::accepts(g, good)); }
    for (auto const* const bad : {"ab2", "c1", "c3", "aa"}) { CHECK_FALSE(gemma4_test::accepts(g, bad)); }
}

TEST_CASE("token_grammar: tokens as terminals")
{
    grammar g;
    g.set_root(g.sequence({g.token(48), g.literal("x"), g.repeat(g.token(52), 1, 2)}));
    gemma4::grammar_mask mask(g, gemma4_test::tiny_trie(), {gemma4_test::stop});
    CHECK(gemma4_test::allowed(mask) == std::vector<gemma4::token_id>{48});
    auto const forced = mask.forced();
    REQUIRE(forced);
    CHECK(*forced == std::vector<gemma4::token_id>{48, *gemma4_test::tiny_tokens().find("x"), 52});
    for (auto const id : *forced) { mask.accept(id); }
    CHECK(gemma4_test::allowed(mask) == std::vector<gemma4::token_id>{52, gemma4_test::stop});
    grammar unknown;
    unknown.set_root(unknown.token(1 << 20));
    CHECK_THROWS_AS(gemma4::token_grammar(unknown, gemma4_test::tiny_trie()), gemma4::argument_error);
}

TEST_CASE("token_grammar: what has no texts, or no end of calls, is refused")
{
    grammar none;
    CHECK_THROWS_WITH_AS(gemma4::token_grammar(none, gemma4_test::tiny_trie()), "grammar: no text matches it",
                         gemma4::argument_error);
    grammar left;
    auto const r = left.declare();
    left.define(r, left.choice({left.sequence({left.optional(left.byte('-')), left.call(r), left.byte('+')}),
                                left.byte('1')}));
    left.set_root(left.call(r));
    CHECK_THROWS_WITH_AS(gemma4::token_grammar(left, gemma4_test::tiny_trie()),
                         "grammar: a rule refers to itself before anything is written",
                         gemma4::argument_error);
    // Behind a rule that may be empty.
    grammar hidden;
    auto const empty = hidden.add_rule(hidden.optional(hidden.byte('x')));
    auto const s = hidden.declare();
    hidden.define(s,
                  hidden.choice({hidden.sequence({hidden.call(empty), hidden.call(s)}), hidden.byte('1')}));
    hidden.set_root(hidden.call(s));
    CHECK_THROWS_AS(gemma4::token_grammar(hidden, gemma4_test::tiny_trie()), gemma4::argument_error);
    // A loop of nothing is no harm.
    grammar loop;
    loop.set_root(loop.repeat(loop.optional(loop.byte('a')), 0));
    CHECK(gemma4_test::accepts(loop, "aaa"));
    // Recursion to the right keeps one state.
    grammar right;
    auto const t = right.declare();
    right.define(t, right.choice({right.sequence({right.byte('a'), right.call(t)}), right.byte('b')}));
    right.set_root(right.call(t));
    CHECK(gemma4_test::accepts(right, std::string(3000, 'a') + "b"));
}
