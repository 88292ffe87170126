#include <doctest/doctest.h>

#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_facts.hpp>

using gemma4::grammar;

TEST_CASE("grammar_facts: what matches nothing, and what may be empty")
{
    grammar g;
    auto const later = g.declare();
    auto const undefined = g.declare();
    auto const nothing = g.never(), empty = g.empty(), a = g.byte('a'), token = g.token(3);
    auto const calls = g.call(later), hole = g.call(undefined);
    auto const both = g.sequence({a, calls}), dead = g.sequence({a, nothing}), holed = g.choice({hole});
    auto const some = g.repeat(a, 2, 5), none = g.repeat(nothing, 0, 9), must = g.repeat(nothing, 1);
    auto const of_empty = g.repeat(g.choice({a, empty}), 3, 3);
    g.define(later, g.choice({g.sequence({a, g.call(later)}), empty}));
    gemma4::grammar_facts const facts(g);

    for (auto const p : {empty, a, token, calls, both, some, none, of_empty}) { CHECK(facts.matches(p)); }
    for (auto const p : {nothing, dead, hole, holed, must}) { CHECK_FALSE(facts.matches(p)); }
    for (auto const p : {empty, calls, none, of_empty}) { CHECK(facts.may_be_empty(p)); }
    for (auto const p : {a, token, both, some, nothing}) { CHECK_FALSE(facts.may_be_empty(p)); }
}
