// Issue 14, section 4, hostile size; and what becomes of schemas that people have.
#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/choices.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/regular_expression.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace
{
    std::string times(std::string_view text, std::size_t n)
    {
        std::string out;
        out.reserve(text.size() * n);
        while (n-- != 0) { out += text; }
        return out;
    }

    // Seconds of this process's processor time. What is limited takes less than one; without the limit
    // minutes, or more memory than there is.
    double now() { return double(std::clock()) / CLOCKS_PER_SEC; }
    constexpr double patience = 20;    // with sanitizers, on a busy machine

    gemma4::grammar schema(std::string const& text)
    {
        return gemma4::json_schema_grammar(gemma4::read_json_value(text, "schema"));
    }

    // The sentence of the error that making a grammar ends with, or a walk of 60 tokens under it; nothing:
    // both go well.
    template <class Make>
    std::optional<std::string> refusal(Make make)
    {
        auto const begin = now();
        std::optional<std::string> out;
        try
        {
            auto const rules = std::make_shared<gemma4::token_grammar>(make(), gemma4_test::nano_trie());
            gemma4::grammar_mask mask(rules, {gemma4_test::stop});
            std::mt19937 random(1);
            for (int step = 0; step != 60 && !mask.must_stop() && now() - begin < patience; ++step)
            {
                if (auto const forced = mask.forced())
                {
                    CHECK(forced->size() <= 4096);
                    for (auto const id : *forced) { mask.accept(id); }
                    continue;
                }
                auto const ids = gemma4_test::allowed(mask);
                REQUIRE_FALSE(ids.empty());
                mask.accept(ids[random() % ids.size()]);
            }
        }
        catch (gemma4::argument_error const& e)
        {
            out = e.what();
            CHECK(out->size() < 1000);
        }
        CHECK(now() - begin < patience);
        return out;
    }

    std::optional<std::string> schema_refusal(std::string const& text)
    {
        return refusal([&] { return schema(text); });
    }
    std::optional<std::string> pattern_refusal(std::string const& text)
    {
        return refusal([&] { return gemma4::regular_expression_grammar(text); });
    }

    constexpr auto* too_many_states =
        "grammar: expected at most 262144 states (grammar_limits::states), found more";
    constexpr auto* too_many_steps = "grammar: expected at most 16777216 steps for one token "
                                     "(grammar_limits::steps), found more: the text so "
                                     "far may mean too many things";
}

TEST_CASE("14.4 hostile size: JSON of 10 MB of [ and of {\"a\": is an error")
{
    auto const begin = now();
    for (auto const* const open : {"[", "{\"a\":"})
    {
        auto const text = times(open, 10'000'000);
        CHECK_THROWS_WITH_AS(gemma4::read_json_value(text, "x"), "x: JSON nested deeper than 256 levels",
                             gemma4::argument_error);
        CHECK_THROWS_WITH_AS(gemma4::parse_json(text, "x"), "x: JSON nested deeper than 64 levels",
                             gemma4::file_error);
        CHECK_THROWS_AS(gemma4::tokenizer::from_json(R"({"x":)" + text, "x"), gemma4::file_error);
    }
    CHECK(now() - begin < patience);
}

TEST_CASE("14.4 hostile size: a value that a host nests a million times is an error before it is made")
{
    auto const nest = []
    {
        gemma4::json_value v;
        for (int i = 0; i != 1'000'000; ++i)
        {
            gemma4::json_value::array one;
            one.push_back(std::move(v));
            v = gemma4::json_value(std::move(one));
        }
    };
    CHECK_THROWS_WITH_AS(nest(), "JSON value: expected at most 512 levels, found more",
                         gemma4::argument_error);
}

TEST_CASE("14.4 hostile size: schemas that are deep")
{
    CHECK_FALSE(schema_refusal(times(R"({"anyOf":[)", 100) + "{}" + times("]}", 100)));
    CHECK(schema_refusal(times(R"({"anyOf":[)", 200) + "{}" + times("]}", 200))
          == "schema: JSON nested deeper than 256 levels");
    CHECK(schema_refusal(times(R"({"items":)", 100'000) + "{}" + times("}", 100'000))
          == "schema: JSON nested deeper than 256 levels");
    gemma4::json_value deep = gemma4::json_value::object{};
    for (int i = 0; i != 200; ++i) { deep = gemma4::json_value::object{{"items", std::move(deep)}}; }
    auto const why = refusal([&] { return gemma4::json_schema_grammar(deep); });
    REQUIRE(why);
    CHECK(why->ends_with("nested deeper than 128 levels"));
    CHECK(schema_refusal(R"({"const": )" + times("[", 250) + times("]", 250) + "}") == std::nullopt);
    // What is inside must not be copied for each level, nor the path.
    std::string copied = R"({"default": [)" + times("1,", 500'000) + "1]}";
    for (int i = 0; i != 100; ++i) { copied = R"({"properties": {"a": )" + copied + "}}"; }
    CHECK_FALSE(schema_refusal(copied));
    std::string named = "{}";
    for (int i = 0; i != 100; ++i)
    {
        named = R"({"properties": {")" + times("n", 1000) + R"(": )" + named + "}}";
    }
    CHECK_FALSE(schema_refusal(named));
}

TEST_CASE("14.4 hostile size: schemas whose references go in circles or fan out")
{
    CHECK(schema_refusal(
              R"({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})")
          == "grammar: no text matches it");
    auto const doubled = [](char const* both)
    {
        std::string out = R"({"$ref": "#/$defs/0", "$defs": {)";
        for (int i = 0; i != 60; ++i)
        {
            auto const next = R"({"$ref": "#/$defs/)" + std::to_string(i + 1) + "\"}";
            auto text = std::string(both);
            for (auto at = text.find('@'); at != text.npos; at = text.find('@', at + next.size()))
            {
                text.replace(at, 1, next);
            }
            out += '"' + std::to_string(i) + "\": " + text + ", ";
        }
        return out + R"("60": {"type": "integer"}}})";
    };
    CHECK_FALSE(schema_refusal(doubled(R"({"anyOf": [@, @]})")));
    CHECK_FALSE(schema_refusal(doubled(R"({"properties": {"a": @, "b": @}})")));
    auto const lists = schema_refusal(doubled(R"({"type": "array", "items": {"anyOf": [@, @]}})"));
    REQUIRE(lists);
    CHECK(lists->ends_with("nested deeper than 128 levels"));
    auto const one_of = schema_refusal(doubled(R"({"oneOf": [@, @]})"));
    REQUIRE(one_of);
    CHECK(one_of->find("which oneOf forbids") != std::string::npos);
    std::string many = R"({"anyOf": [)";
    std::string definitions;
    for (int i = 0; i != 50'000; ++i)
    {
        many += R"({"$ref": "#/$defs/d)" + std::to_string(i) + "\"}, ";
        definitions += "\"d" + std::to_string(i) + R"(": {"type": "null"}, )";
    }
    auto const all = schema_refusal(many + R"({}], "$defs": {)" + definitions + R"("z": {}}})");
    CHECK((!all || *all == too_many_states));
}

TEST_CASE("14.4 hostile size: schemas that are long")
{
    auto const values = [](int count, int step)
    {
        std::string out;
        for (int i = 0; i != count; ++i) { out += "\"value " + std::to_string(i * step) + "\", "; }
        return R"({"enum": [)" + out + "1]}";
    };
    CHECK_FALSE(schema_refusal(values(50'000, 1)));    // they share what they begin with
    CHECK(schema_refusal(values(100'000, 7919)) == too_many_states);
    CHECK(schema_refusal(R"({"const": ")" + times("ab", 5'000'000) + "\"}") == too_many_states);
    for (bool const needed : {false, true})
    {
        for (int const count : {10'000, 100'000})
        {
            std::string properties;
            std::string required;
            for (int i = 0; i != count; ++i)
            {
                auto const name = "\"p" + std::to_string(i) + "\"";
                properties += name + R"(: {"type": "integer"}, )";
                required += needed ? name + ", " : "";
            }
            auto const why = schema_refusal(R"({"properties": {)" + properties + R"("z": {}}, "required": [)"
                                            + required + R"("z"]})");
            CHECK(why == (count == 10'000 ? std::nullopt : std::optional<std::string>(too_many_states)));
        }
    }
    CHECK_FALSE(schema_refusal(R"({"type": "integer", "title": ")" + times("x", 10'000'000) + "\"}"));
    auto const quoted = schema_refusal(R"({"type": [)" + times("1,", 1'000'000) + "1]}");
    REQUIRE(quoted);
    CHECK(quoted->size() < 200);
}

TEST_CASE("14.4 hostile size: huge counts and bounds")
{
    CHECK_FALSE(schema_refusal(R"({"type": "string", "minLength": 100000, "maxLength": 100000})"));
    CHECK_FALSE(
        schema_refusal(R"({"type": "array", "maxItems": 100000, "items": {"type": "array", "maxItems": 100000,
        "items": {"type": "array", "maxItems": 100000, "items": {"type": "string", "maxLength": 100000}}}})"));
    for (auto const* const keyword : {"minLength", "maxLength", "minItems", "maxItems"})
    {
        for (auto const* const count : {"100001", "1e18", "1e308", "123456789012345678901234567890"})
        {
            CAPTURE(keyword);
            CAPTURE(count);
            CHECK(schema_refusal(gemma4::sentence("{\"", keyword, "\": ", count, "}")));
        }
    }
    for (auto const* const keyword : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
    {
        for (auto const& bound :
             {std::string("1e308"), std::string("-1e308"), std::string("1e999"), times("9", 400)})
        {
            auto const why =
                schema_refusal(gemma4::sentence(R"({"type": "integer", ")", keyword, "\": ", bound, "}"));
            REQUIRE(why);
            CHECK(why->find("expected a whole number of 64 bits") != std::string::npos);
        }
    }
    CHECK_FALSE(schema_refusal(
        R"({"type": "integer", "minimum": -9223372036854775808, "maximum": 9223372036854775807})"));
    CHECK(schema_refusal(R"({"type": "integer", "multipleOf": 1e308})")
          == "schema: $: the keyword multipleOf is not supported");
}

TEST_CASE("14.4 hostile size: repetitions of repetitions")
{
    CHECK(pattern_refusal("a{1,100000}{1,100000}")
          == "pattern a{1,100000}{1,100000}: at byte 10: not supported: a count above 10000");
    CHECK(pattern_refusal("(a|b|ab)*{1,1000}")
          == "pattern (a|b|ab)*{1,1000}: at byte 9: not supported: a quantifier of a quantifier");
    for (auto const& pattern :
         {std::string("(a{1,10000}){1,10000}"), std::string("((a|b|ab)*){1,1000}"),
          std::string("((a|b|ab)+){1,1000}"), std::string("(?:(?:a{1,1000}){1,1000}){1,1000}"),
          std::string("(?:(?:(a?){1,1000}){1,1000}){1,1000}"), times("(", 90) + "a*" + times(")*", 90),
          times("(", 30) + "a" + times("){1,2}", 30),
          std::string("([\\u0400-\\u04ff\\u0900-\\u0fff\\u4e00-\\u9fa5^\\s]{1,1000}){1,1000}"),
          std::string("(.*a){200}"), std::string(".*a.{200}"), times("(.|..|...)*", 20)})
    {
        CAPTURE(pattern);
        CHECK_FALSE(pattern_refusal(pattern));
    }
    CHECK(pattern_refusal(times("(", 90) + "a" + times("){1,3}", 90))
          == "grammar: expected repetitions of at most 1073741824 rounds, found more");
    CHECK(pattern_refusal("(.{0,9000}[a-z]){1,9000}") == too_many_steps);
    for (auto const& pattern : {times(".?", 3000), times("e?", 10'000) + "x", ".*e" + times(".", 40),
                                std::string("(e{4,1000}i?){4,1000}e{4,1000}"), times("(a?b?){50}c?", 50)})
    {
        CAPTURE(pattern.substr(0, 40));
        auto const why = pattern_refusal(pattern);
        CHECK((!why || *why == too_many_steps || *why == too_many_states));
    }
}

TEST_CASE("14.4 hostile size: patterns that are long, and large classes")
{
    CHECK(pattern_refusal(times("a", 10'000'000)) == too_many_states);
    CHECK(pattern_refusal(times("a|", 1'000'000) + "b") == too_many_states);
    CHECK(pattern_refusal(times("(\\W|\\S|\\D)", 5000)) == too_many_states);
    CHECK(pattern_refusal(times("(", 101) + "a" + times(")", 101)));
    std::string characters;
    for (char32_t c = 0x400; c != 0x400 + 40'000; c += 2) { gemma4::append_utf8(characters, c); }
    CHECK_FALSE(pattern_refusal("[" + characters + "]{1,500}"));
}

TEST_CASE("14.4 hostile size: choices of 100,000 strings")
{
    std::vector<std::string> numbers;
    std::vector<std::string> spread;
    for (int i = 0; i != 100'000; ++i)
    {
        numbers.push_back("number " + std::to_string(i));
        spread.push_back("choice number " + std::to_string(i * 7919));
    }
    CHECK_FALSE(refusal([&] { return gemma4::choice_grammar(numbers); }));
    CHECK(refusal([&] { return gemma4::choice_grammar(spread); }) == too_many_states);
    CHECK_FALSE(refusal([&] { return gemma4::choice_grammar(spread, {.states = 1'000'000}); }));
}

TEST_CASE("14.4 hostile size: calls and answers that are deep or never end")
{
    auto const begin = now();
    for (auto const* const open : {"[", "{a:", "{\"a\":", "["})
    {
        auto const said = gemma4::read_answer("<|tool_call>call:a{b:" + times(open, 1'000'000));
        REQUIRE(said.malformed.size() == 1);
        CHECK(said.malformed.front().reason == "nested too deep");
    }
    for (auto const* const rest : {" ", "<", "<|", "<|tool_call>", "<|tool_call>call:a{b:<|\"|>x",
                                   "<|\"|>x<|think|>", "<|\"|>", "\"x<tool_call|>", "k:1,", "\\"})
    {
        for (auto const* const head : {"x", "<|tool_call>call:a{b:<|\"|>", "<|tool_call>call:a{b:\""})
        {
            auto const text = head + times(rest, 1'000'000 / std::string_view(rest).size());
            gemma4::answer_parser parser;
            for (std::size_t at = 0; at < text.size(); at += 3)
            {
                parser.push(std::string_view(text).substr(at, 3));
            }
            parser.finish();
            CHECK(parser.stopped());
        }
    }
    CHECK(now() - begin < 3 * patience);
}

TEST_CASE("14.4 hostile size: 10 MB of one character, of blanks, of a word without an end are tokenised")
{
    auto const begin = now();
    auto const& tokens = gemma4_test::nano_tokens();
    for (std::string_view const piece :
         {"a", " ", "\n", "<", "<|tur", "thequickbrownfox", "\U0001f642", "\xff"})
    {
        std::size_t const bytes = piece == "a" || piece == " " ? 10'000'000 : 1'000'000;
        auto const text = times(piece, bytes / piece.size());
        auto const ids = tokens.encode(text, gemma4::special_tokens::as_text);
        if (gemma4::is_utf8(text)) { CHECK(tokens.decode(ids) == text); }
    }
    CHECK(now() - begin < 6 * patience);
}

TEST_CASE("14.4 hostile size: a vocabulary whose every token ends in a space of its own character")
{
    // Which characters come before a space was looked up one by one: 10^10 steps.
    std::string json =
        R"({"added_tokens":[],"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"\u2581"},
"pre_tokenizer":null,"post_processor":null,"decoder":{"type":"Sequence","decoders":[
{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"}]},
"model":{"type":"BPE","byte_fallback":true,"vocab":{"\u2581":0)";
    std::size_t id = 0;
    for (unsigned byte = 0; byte != 256; ++byte)
    {
        json +=
            gemma4::sentence(",\"", gemma4::byte_token_name(static_cast<unsigned char>(byte)), "\":", ++id);
    }
    for (char32_t c = 0x10000; c != 0x10000 + 200'000; ++c)
    {
        json += ",\"";
        gemma4::append_utf8(json, c);
        json += gemma4::sentence("\u2581\":", ++id);
    }
    auto const begin = now();
    CHECK(gemma4::tokenizer::from_json(json + R"(},"merges":[]}})", "x").size() == id + 1);
    CHECK(now() - begin < patience);
}

TEST_CASE("field: schemas/discriminator.json names discriminator")
{
    std::string const circle =
        R"({"type": "object", "properties": {"kind": {"const": "circle", "type": "string"}, "r": {"type": "integer"}},
           "required": ["kind", "r"]})";
    std::string const square =
        R"({"type": "object", "properties": {"kind": {"const": "square", "type": "string"}, "a": {"type": "integer"}},
           "required": ["kind", "a"]})";
    auto const with = [&](std::string const& discriminator)
    {
        return R"({"$defs": {"Circle": )" + circle + R"(, "Square": )" + square
               + R"(}, "type": "object", "properties": {"shape": {)" + discriminator
               + R"("oneOf": [{"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Square"}]}}, "required": ["shape"]})";
    };
    CHECK(
        schema_refusal(with(
            R"("discriminator": {"propertyName": "kind", "mapping": {"circle": "#/$defs/Circle", "square": "#/$defs/Square"}}, )"))
        == "schema: $.shape: the keyword discriminator is not supported");
    // Without it, oneOf holds: its schemas exclude each other.
    CHECK(gemma4_test::accepts(schema(with("")), R"({"shape": {"kind": "square", "a": 1}})"));
    CHECK_FALSE(gemma4_test::accepts(schema(with("")), R"({"shape": {"kind": "square", "r": 1}})"));
}

TEST_CASE("field: schemas that say what is not supported are refused by the name of it")
{
    CHECK(schema_refusal(
              R"({"type": "object", "properties": {"id": {"type": "string", "format": "uuid", "pattern":
              "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"}}, "required": ["id"]})")
          == "schema: $.id: the keyword pattern beside format is not supported");
    CHECK(
        schema_refusal(
            R"({"type": "object", "properties": {"to": {"type": "string", "format": "email"}}, "required": ["to"]})")
        == "schema: $.to.format: expected date, time, date-time or uuid, found \"email\"");
    CHECK(schema_refusal(R"x({"type": "object", "properties": {"to": {"type": "string", "pattern":
              "^(?!\\.)[a-z.]+@[a-z]+\\.[a-z]{2,}$"}}, "required": ["to"]})x")
          == "pattern ^(?!\\.)[a-z.]+@[a-z]+\\.[a-z]{2,}$: at byte 3: not supported: lookaround");
    CHECK(
        schema_refusal(R"({"type": "object", "properties": {"code": {"type": "string", "pattern": "^[A-Z]+$",
              "minLength": 1, "maxLength": 4}}, "required": ["code"]})")
        == "schema: $.code: the keyword pattern beside minLength is not supported");
    CHECK(schema_refusal(
              R"({"type": "object", "properties": {"age": {"type": "integer"}, "name": {"type": "string"}},
              "required": ["name", "age"], "propertyOrdering": ["name", "age"]})")
          == "schema: $: the keyword propertyOrdering is not supported");
    CHECK(schema_refusal(
              R"({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "x-origin":
              "crm", "properties": {"age": {"type": "integer", "x-order": 1}}, "required": ["age"]})")
          == "schema: $: the keyword x-origin is not supported");
}

TEST_CASE("field: schemas/open_map.json is a map")
{
    auto const g =
        schema(R"({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}})");
    CHECK(gemma4_test::accepts(g, R"({"a": "1", "b": "2"})"));
    CHECK(gemma4_test::accepts(g, "{}"));
    CHECK_FALSE(gemma4_test::accepts(g, R"({"a": 1})"));
}
