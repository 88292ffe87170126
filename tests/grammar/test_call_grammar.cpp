#include <memory>
#include <random>
#include <string>
#include <vector>

#include "checker.hpp"
#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/call_grammar.hpp>

namespace
{
    std::vector<gemma4::json_value> const tools{
        gemma4::read_json_value(
            R"({"type": "function", "function": {"name": "find", "description": "d", "parameters": {"type": "object",
            "properties": {"where": {"type": "string"}, "Kinds": {"type": "array", "items": {"type": "string", "enum":
            ["a b", "c"]}}, "limit": {"type": "integer"}, "box": {"type": "object", "properties": {"x": {"type":
            "number"}, "deep": {"type": "boolean"}}, "required": ["x"]}}, "required": ["where"]}}})",
            "tool"),
        gemma4::read_json_value(R"({"type": "function", "function": {"name": "now", "description": "d"}})",
                                "tool")};

    gemma4::call_tokens ids() { return gemma4::call_tokens::of(gemma4_test::tiny_tokens()); }

    // Whether the text, with markers as their tokens, passes.
    bool accepts(gemma4::grammar const& source, std::string const& text)
    {
        gemma4::grammar_mask mask(source, gemma4_test::tiny_trie(), {gemma4_test::stop});
        for (auto const id : gemma4_test::tiny_tokens().encode(text))
        {
            if (!mask.allows(id)) { return false; }
            mask.accept(id);
        }
        return mask.complete();
    }
}

TEST_CASE("call_grammar: calls as the templates show them")
{
    auto const g = gemma4::call_grammar(tools, ids());
    CHECK(accepts(g, "<|tool_call>call:now{}<tool_call|>"));
    CHECK(accepts(g, "<|tool_call>call:find{where:<|\"|>in \"quotes\"\n{}<|\"|>}<tool_call|>"));
    CHECK(accepts(
        g, "<|tool_call>call:find{box:{deep:true,x:1.5},Kinds:[<|\"|>a b<|\"|>,<|\"|>c<|\"|>],limit:-3,"
           "where:<|\"|><|\"|>}<tool_call|>"));
    CHECK_FALSE(accepts(g, "<|tool_call>call:find{}<tool_call|>"));
    CHECK_FALSE(accepts(g, "<|tool_call>call:find{where:\"x\"}<tool_call|>"));
    CHECK_FALSE(accepts(g, "<|tool_call>call:find{where:<|\"|>x<|\"|>,limit:1}<tool_call|>"));
    CHECK_FALSE(accepts(g, "<|tool_call>call:other{}<tool_call|>"));
    CHECK_FALSE(accepts(g, "call:now{}<tool_call|>"));
    CHECK(accepts(gemma4::call_grammar(tools, ids(), gemma4::call_begin::after_marker),
                  "call:now{}<tool_call|>"));
}

TEST_CASE("call_grammar: a spelled delimiter is no part of a string")
{
    auto const g = gemma4::call_grammar(tools, ids(), gemma4::call_begin::after_marker);
    auto const passes = [&](std::string const& content)
    {
        gemma4::grammar_mask mask(g, gemma4_test::tiny_trie(), {gemma4_test::stop});
        auto const& tokens = gemma4_test::tiny_tokens();
        std::vector<gemma4::token_id> all = tokens.encode("call:find{where:<|\"|>");
        for (char const c : content)
        {
            all.push_back(*tokens.find(gemma4::byte_token_name(static_cast<unsigned char>(c))));
        }
        for (auto const id : all)
        {
            if (!mask.allows(id)) { return false; }
            mask.accept(id);
        }
        return mask.allows(ids().quote);
    };
    CHECK(passes("<|\""));
    CHECK(passes("<<|\"|"));
    CHECK(passes("<|\"<|\"|x"));
    CHECK(passes("<|turn>é"));
    CHECK_FALSE(passes("<|\"|>"));
    CHECK_FALSE(passes("a<<|\"|>b"));
    CHECK_FALSE(passes("<|<|\"|>"));
}

TEST_CASE("call_grammar: random calls are read back by the answer parser and fit the declaration")
{
    std::mt19937 random(21);
    auto const rules =
        std::make_shared<gemma4::token_grammar>(gemma4::call_grammar(tools, ids()), gemma4_test::tiny_trie());
    for (int i = 0; i != 60; ++i)
    {
        auto const text = gemma4_test::random_text(rules, random);
        CAPTURE(text);
        auto const answer = gemma4::read_answer(text, gemma4::starts_in::content);
        REQUIRE(answer.tool_calls.size() == 1);
        CHECK(answer.malformed.empty());
        auto const& call = answer.tool_calls.front();
        auto const& tool = tools[call.name == "find" ? 0 : 1];
        if (auto const* const parameters = tool.find("function")->find("parameters"))
        {
            auto const schema = gemma4_test::json::parse(gemma4::to_json(*parameters));
            auto const arguments = gemma4_test::json::parse(gemma4::to_json(call.arguments));
            CHECK(gemma4_test::valid(schema, arguments, schema));
        }
        else { CHECK(call.arguments.as_object()->empty()); }
    }
}

TEST_CASE("call_grammar: refusals")
{
    CHECK_THROWS_AS(gemma4::call_grammar({}, ids()), gemma4::argument_error);
    std::vector<gemma4::json_value> const nameless{gemma4::json_value::object{{"type", "function"}}};
    CHECK_THROWS_AS(gemma4::call_grammar(nameless, ids()), gemma4::argument_error);
}
