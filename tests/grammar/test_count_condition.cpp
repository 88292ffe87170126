// Counted repetitions against the same repetitions written out: the same tokens are allowed everywhere.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "walk.hpp"
#include "written_out.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/grammar/call_grammar.hpp>
#include <gemma4/grammar/count_condition.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/regular_expression.hpp>

using namespace gemma4;

namespace
{
    // Walks at random, mostly on long tokens, and compares all of the vocabulary at every step, also with the
    // reading of each token alone. Returns the number of steps.
    std::size_t compare(grammar const& source, std::shared_ptr<token_trie const> const& trie, unsigned seed,
                        std::size_t walks)
    {
        auto const counted = std::make_shared<token_grammar>(source, trie);
        auto const plain = std::make_shared<token_grammar>(gemma4_test::written_out(source), trie);
        std::mt19937 random(seed);
        std::size_t steps = 0;
        for (std::size_t walk = 0; walk != walks; ++walk)
        {
            grammar_mask mask(counted, {gemma4_test::stop});
            grammar_mask naive(plain, {gemma4_test::stop});
            for (std::size_t step = 0; step != 60 && !mask.must_stop(); ++step, ++steps)
            {
                auto const ids = gemma4_test::allowed(mask);
                REQUIRE(ids == gemma4_test::allowed(naive));
                REQUIRE(mask.complete() == naive.complete());
                CHECK(mask.forced() == naive.forced());
                if (walk == 0)
                {
                    std::vector<token_id> alone;
                    for (std::size_t i = 0; i != trie->vocab(); ++i)
                    {
                        if (naive.allows(token_id(i))) { alone.push_back(token_id(i)); }
                    }
                    REQUIRE(ids == alone);
                }
                std::vector<double> weights;
                for (auto const id : ids)
                {
                    weights.push_back(id == gemma4_test::stop ? 0.01 : 0.2 + double(trie->text(id).size()));
                }
                auto const id =
                    ids[std::discrete_distribution<std::size_t>(weights.begin(), weights.end())(random)];
                mask.accept(id);
                naive.accept(id);
            }
        }
        return steps;
    }

    grammar of_schema(std::string const& text)
    {
        return json_schema_grammar(read_json_value(text, "schema"));
    }
}

TEST_CASE("count_condition: what it asks of the round in which a way began")
{
    automaton::counted_loop const loop{3, 5};
    CHECK(count_condition().holds(loop, 9));
    CHECK(count_condition::inside(2).holds(loop, 3));
    CHECK_FALSE(count_condition::inside(2).holds(loop, 4));
    CHECK(count_condition::outside(2).holds(loop, 1));
    CHECK_FALSE(count_condition::outside(2).holds(loop, 0));
    CHECK_FALSE(count_condition::outside(2).holds(loop, 4));
    CHECK(count_condition::inside(1).later(2) == count_condition::inside(3));
    CHECK(count_condition::outside(3).earlier(1) == count_condition::outside(2));
    CHECK(count_condition().later(7) == count_condition());
    CHECK(count_condition::outside(4).rounds() == 4);
}

TEST_CASE("counted strings and lists allow what the written out ones do")
{
    for (
        auto const* const schema :
        {R"({"type": "string", "maxLength": 12})", R"({"type": "string", "minLength": 5, "maxLength": 9})",
         R"({"type": "string", "minLength": 6})", R"({"type": "string", "minLength": 4, "maxLength": 4})",
         R"({"type": "object", "properties": {"a": {"type": "string", "maxLength": 7}, "b": {"type": "string",
           "maxLength": 7}}, "required": ["a"]})",
         R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 7})",
         R"({"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 5})",
         R"({"type": "array", "items": {"type": "array", "items": {"type": "boolean"}, "maxItems": 5},
           "maxItems": 6})"})
    {
        CAPTURE(schema);
        CHECK(compare(of_schema(schema), gemma4_test::tiny_trie(), 5, 12) > 12);
        CHECK(compare(of_schema(schema), gemma4_test::nano_trie(), 6, 12) > 12);
    }
}

TEST_CASE("counted expressions allow what the written out ones do, also where rounds are ambiguous")
{
    for (auto const* const pattern :
         {"a{4,9}", "a{4}", "a{5,}b?", "a{4,9}a{4,6}", "(ab?){4,8}b*", "((a|ab)(c|bcd)?){4,9}",
          "([A-Z][a-z]+ ?){1,20}\\d{4}", "(a{4,6}b){4,5}", "((x{4,5}|y{4,}) ){4,6}", "(a{4,7}|a{9,12}b){2,3}",
          "(([a-c]{4,8},){4,5};)*", "(a{2,3}){1,4}", "(a{3,4}){1,3}b", "(a{4,6}){2}", "(a{2}){2,3}", "(a{2,3}){2,}",
          "((ab?){0,2}){0,5}", "((a{1,2}){1,3}){4,5}", "(a{2,3}){0,4}", "(a*){3}b", "(a+){0,2}", "(\\w{0,6} ){0,9}\\.", "(the |then |there){4,7}"})
    {
        CAPTURE(pattern);
        CHECK(compare(regular_expression_grammar(pattern), gemma4_test::tiny_trie(), 7, 10) >= 10);
        CHECK(compare(regular_expression_grammar(pattern), gemma4_test::nano_trie(), 8, 10) >= 10);
    }
}

TEST_CASE("counted rounds of tokens, and of rules that end inside a token")
{
    grammar g;
    auto const inner = g.add_rule(g.repeat(g.bytes('a', 'z'), 1, 5));
    g.set_root(g.sequence({g.repeat(g.sequence({g.token(48), g.call(inner), g.byte(' ')}), 4, 6),
                           g.repeat(g.call(inner), 4, 8), g.token(52)}));
    CHECK(compare(g, gemma4_test::tiny_trie(), 9, 20) > 20);
    CHECK(compare(g, gemma4_test::nano_trie(), 10, 20) > 20);
}

TEST_CASE("rounds that may be empty, or never end, are no counted loop")
{
    CHECK(gemma4_test::accepts(regular_expression_grammar("(a?){5}"), "aaa"));
    CHECK_FALSE(gemma4_test::accepts(regular_expression_grammar("(a?){5}"), "aaaaaa"));
    grammar g;
    g.set_root(g.choice({g.repeat(g.never(), 5, 9), g.literal("x"),
                         g.sequence({g.literal("y"), g.repeat(g.never(), 0, 9)})}));
    CHECK(gemma4_test::accepts(g, "x"));
    CHECK(gemma4_test::accepts(g, "y"));
    CHECK_FALSE(gemma4_test::accepts(g, ""));
    // A rule that calls itself in a loop which it need not enter.
    grammar r;
    auto const list = r.declare();
    r.define(list, r.sequence({r.byte('('), r.repeat(r.call(list), 0, 5), r.byte(')')}));
    r.set_root(r.call(list));
    CHECK(gemma4_test::accepts(r, "(()(()())()()())"));
    CHECK_FALSE(gemma4_test::accepts(r, "(()()()()()())"));
    grammar left;
    auto const self = left.declare();
    left.define(self, left.choice({left.byte('a'), left.repeat(left.call(self), 4, 9)}));
    left.set_root(left.call(self));
    CHECK_THROWS_AS(token_grammar(left, gemma4_test::tiny_trie()), argument_error);
}

TEST_CASE("large counts need no large automaton")
{
    auto const rules = std::make_shared<token_grammar>(
        of_schema(R"({"type": "string", "minLength": 99990, "maxLength": 100000})"),
        gemma4_test::tiny_trie());
    std::mt19937 random(3);
    for (auto const& [length, good] :
         {std::pair{99989, false}, {99990, true}, {100000, true}, {100001, false}})
    {
        CHECK(gemma4_test::accepts(rules, '"' + std::string(std::size_t(length), 'e') + '"', random) == good);
    }
}
