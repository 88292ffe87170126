#include <memory>
#include <random>
#include <string>
#include <vector>

#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/call_grammar.hpp>
#include <gemma4/grammar/choices.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/regular_expression.hpp>
#include <gemma4/grammar/typed_mask.hpp>

namespace
{
    using gemma4::argument_error;
    using gemma4::grammar_limits;

    std::shared_ptr<gemma4::token_grammar> rules_of(gemma4::grammar const& source)
    {
        return std::make_shared<gemma4::token_grammar>(source, gemma4_test::tiny_trie());
    }

    gemma4::json_value schema(std::string const& text) { return gemma4::read_json_value(text, "schema"); }
}

TEST_CASE("grammar_limits: states, however they are asked for")
{
    grammar_limits const few{.states = 100};
    auto const* const sentence = "grammar: expected at most 100 states (grammar_limits::states), found more";
    auto const long_text = std::string(101, 'a');
    CHECK_NOTHROW(rules_of(gemma4::choice_grammar(std::vector{std::string(90, 'a')}, few)));
    CHECK_THROWS_WITH_AS(gemma4::choice_grammar(std::vector{long_text}, few), sentence, argument_error);
    CHECK_THROWS_WITH_AS(rules_of(gemma4::regular_expression_grammar(long_text, few)), sentence,
                         argument_error);
    CHECK_THROWS_WITH_AS(gemma4::json_schema_grammar(schema("{\"const\": \"" + long_text + "\"}"),
                                                     gemma4::json_space::one, few),
                         sentence, argument_error);
    CHECK_THROWS_WITH_AS(
        gemma4::token_grammar_of(schema("{\"const\": \"" + long_text + "\"}"), gemma4_test::tiny_trie(), few),
        sentence, argument_error);
    CHECK_THROWS_WITH_AS(
        gemma4::typed_mask<std::vector<std::vector<double>>>(gemma4_test::tiny_trie(), {}, {.states = 5}),
        "grammar: expected at most 5 states (grammar_limits::states), found more", argument_error);
    // Written out by the automaton only.
    CHECK_THROWS_WITH_AS(rules_of(gemma4::regular_expression_grammar("((a?b?){8}c?){8}", few)), sentence,
                         argument_error);
    CHECK_THROWS_WITH_AS(rules_of(gemma4::regular_expression_grammar("((a?b?){60}c?){60}", {.states = 300})),
                         "grammar: expected at most 300 states (grammar_limits::states), found more",
                         argument_error);
}

TEST_CASE("grammar_limits: steps of one token, in every function of a mask")
{
    // Of this text any part may have been written by the first loop and any by the second, in any round.
    auto const source = gemma4::regular_expression_grammar("(.{0,900}[a-z]){1,900}", {.steps = 1'000'000});
    auto const rules = rules_of(source);
    gemma4::grammar_mask mask(rules, {gemma4_test::stop});
    std::string written;
    auto const id = *gemma4_test::tiny_tokens().find("e");
    std::vector<float> logits(rules->trie().vocab());
    try
    {
        for (; written.size() != 20'000; written += 'e')
        {
            mask.restrict(logits);
            mask.accept(id);
        }
        FAIL("nothing was thrown");
    }
    catch (argument_error const& e)
    {
        CHECK(std::string(e.what())
              == "grammar: expected at most 1000000 steps for one token (grammar_limits::steps), found more: "
                 "the text so far may mean too many things");
    }
    CHECK(written.size() >= 5);
    // With more steps it goes further, and a mask that failed is as it was.
    auto const complete = mask.complete();
    CHECK(complete);
    gemma4::grammar_mask other(
        rules_of(gemma4::regular_expression_grammar("(.{0,900}[a-z]){1,900}", {.steps = 10'000'000})), {});
    for (std::size_t i = 0; i != written.size() + 5; ++i) { other.accept(id); }
    CHECK(other.complete());
}

TEST_CASE("grammar_limits: the same answer fails at the same token, whatever was written before")
{
    auto const rules =
        rules_of(gemma4::regular_expression_grammar("(.{0,900}[a-z]){1,900}", {.steps = 50'000}));
    auto const id = *gemma4_test::tiny_tokens().find("e");
    std::size_t first = 0;
    for (int round = 0; round != 3; ++round)
    {
        gemma4::grammar_mask mask(rules, {});
        std::size_t n = 0;
        try
        {
            for (; n != 20'000; ++n) { mask.accept(id); }
        }
        catch (argument_error const&)
        {}
        CHECK(n != 20'000);
        if (round == 0) { first = n; }
        CHECK(n == first);
    }
}

TEST_CASE("grammar_limits: bytes, and that old answers leave none behind")
{
    auto const text = R"({"type": "array", "items": {"type": "string", "maxLength": 50}, "maxItems": 50})";
    grammar_limits const little{.bytes = 150'000};
    auto const rules = rules_of(gemma4::json_schema_grammar(schema(text), gemma4::json_space::one, little));
    auto const plenty = rules_of(gemma4::json_schema_grammar(schema(text)));
    // The masks are the same, though what is kept is dropped again and again.
    std::mt19937 random(3);
    auto paths = rules->paths();
    std::size_t renewed = 0;
    for (int walk = 0; walk != 40; ++walk)
    {
        gemma4::grammar_mask mask(rules, {gemma4_test::stop});
        gemma4::grammar_mask same(plenty, {gemma4_test::stop});
        renewed += std::exchange(paths, rules->paths()) != paths;
        for (int step = 0; step != 60 && !mask.must_stop(); ++step)
        {
            auto const ids = gemma4_test::allowed(mask);
            REQUIRE(ids == gemma4_test::allowed(same));
            auto const id = ids[random() % ids.size()];
            mask.accept(id);
            same.accept(id);
        }
    }
    CHECK(renewed > 0);
    CHECK_THROWS_WITH_AS(
        [&]
        {
            auto const tight =
                rules_of(gemma4::json_schema_grammar(schema(text), gemma4::json_space::one, {.bytes = 3000}));
            gemma4::grammar_mask mask(tight, {});
            gemma4_test::allowed(mask);
            mask.accept(*gemma4_test::tiny_tokens().find("["));
            gemma4_test::allowed(mask);
        }(),
        "grammar: expected at most 3000 bytes of places in it (grammar_limits::bytes), found more",
        argument_error);
}

TEST_CASE("grammar_limits: repetitions of repetitions are one, up to 2^30 rounds")
{
    std::mt19937 random(4);
    auto const nested = rules_of(gemma4::regular_expression_grammar("(?:(?:a{1,1000}){1,1000}){1,1000}"));
    CHECK(gemma4_test::accepts(nested, std::string(5000, 'a'), random));
    CHECK_FALSE(gemma4_test::accepts(nested, "", random));
    auto const exact = rules_of(gemma4::regular_expression_grammar("(a{10}){30}"));
    CHECK(gemma4_test::accepts(exact, std::string(300, 'a'), random));
    CHECK_FALSE(gemma4_test::accepts(exact, std::string(299, 'a'), random));
    CHECK_FALSE(gemma4_test::accepts(exact, std::string(301, 'a'), random));
    CHECK_THROWS_WITH_AS(rules_of(gemma4::regular_expression_grammar("((a{1,9999}){1,9999}){1,9999}")),
                         "grammar: expected repetitions of at most 1073741824 rounds, found more",
                         argument_error);
}

TEST_CASE("grammar_limits: what is forced comes in bounded parts")
{
    gemma4::grammar_mask mask(rules_of(gemma4::regular_expression_grammar("(e{1000}){1000}")), {});
    std::size_t all = 0;
    for (int i = 0; i != 3; ++i)
    {
        auto const ids = mask.forced();
        REQUIRE(ids);
        CHECK(ids->size() <= 4096);
        for (auto const id : *ids) { mask.accept(id); }
        all += ids->size();
    }
    CHECK(all > 0);
    CHECK_FALSE(mask.complete());
}

TEST_CASE("grammar_limits: any JSON, ten thousand levels deep")
{
    auto const rules = rules_of(gemma4::json_schema_grammar(schema("{}")));
    gemma4::grammar_mask mask(rules, {gemma4_test::stop});
    auto const open = *gemma4_test::tiny_tokens().find("[");
    auto const close = *gemma4_test::tiny_tokens().find("]");
    for (int i = 0; i != 10'000; ++i) { mask.accept(open); }
    auto const allowed = gemma4_test::allowed(mask);
    CHECK(std::ranges::find(allowed, open) != allowed.end());
    CHECK(std::ranges::find(allowed, close) != allowed.end());
    for (int i = 0; i != 10'000; ++i) { mask.accept(close); }
    CHECK(mask.must_stop());
    CHECK_THROWS_WITH_AS(
        gemma4::read_value<gemma4::json_value>(std::string(10'000, '[') + std::string(10'000, ']')),
        "answer: JSON nested deeper than 256 levels", argument_error);
}

TEST_CASE("grammar_limits: a tool beyond them is free, the others are checked")
{
    std::string values;
    for (int i = 0; i != 3000; ++i) { values += '"' + std::to_string(i * 7919) + "\", "; }
    std::vector<gemma4::json_value> const tools{
        schema(
            R"({"type": "function", "function": {"name": "large", "parameters": {"type": "object", "properties":
               {"a": {"enum": [)"
            + values + R"("x"]}}}}})"),
        schema(
            R"({"type": "function", "function": {"name": "small", "parameters": {"type": "object", "properties":
               {"n": {"type": "integer"}}, "required": ["n"]}}})")};
    auto const ids = gemma4::call_tokens::of(gemma4_test::tiny_tokens());
    CHECK_THROWS_AS(gemma4::call_grammar(tools, ids, gemma4::call_begin::after_marker, {}, {}, {.states = 3000}),
                    argument_error);
    std::vector<std::string> said;
    auto const source =
        gemma4::call_grammar(tools, ids, gemma4::call_begin::after_marker,
                             [&](std::string_view what) { said.emplace_back(what); }, {}, {.states = 3000});
    REQUIRE(said.size() == 1);
    CHECK(said[0]
          == "tool large: its arguments are not checked: grammar: expected at most 3000 states "
             "(grammar_limits::states), found more");
    auto const rules = rules_of(source);
    auto const takes = [&](std::string_view text)
    {
        gemma4::grammar_mask mask(rules, {});
        for (auto const id : gemma4_test::tiny_tokens().encode(text))
        {
            if (!mask.allows(id)) { return false; }
            mask.accept(id);
        }
        return mask.must_stop();
    };
    CHECK(takes("call:small{n:12}<tool_call|>"));
    CHECK_FALSE(takes("call:small{n:true}<tool_call|>"));
    CHECK(takes("call:large{anything:[1,true]}<tool_call|>"));
}
