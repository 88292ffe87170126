#include <memory>
#include <random>
#include <string>
#include <vector>

#include "checker.hpp"
#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/json_schema.hpp>

namespace
{
    using gemma4_test::json;

    gemma4::grammar grammar_of(std::string const& schema, gemma4::json_space space = gemma4::json_space::one)
    {
        return gemma4::json_schema_grammar(gemma4::read_json_value(schema, "schema"), space);
    }

    // Schemas, with documents that they must let pass and documents that they must not.
    struct schema_case
    {
        char const* schema;
        std::vector<char const*> good;
        std::vector<char const*> bad;
    };

    std::vector<schema_case> const cases{
        {R"({"type": "string"})",
         {R"("")", R"("a")", R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude42 é 日 🙂")", R"("\u0000\uD83D\uDE42")"},
         {"\"a\nb\"", R"("\x")", R"("\ud83d")", R"("\ud83dx")", R"("\udc00")", "\"\xff\"", "\"\xc0\x80\"",
          "\"a", "a", R"("a" )", R"( "a")"}},
        {R"({"type": "integer"})",
         {"0", "-1", "12", "999999999999999999"},
         {"01", "-0", "1.0", "1e3", "+1", "-", ""}},
        {R"({"type": "number"})",
         {"0", "-0.0", "1.5", "1e10", "1E-07", "-12.25e+3"},
         {"01", "1.", ".5", "1e", "NaN", "Infinity", "1e1000", "--1"}},
        {R"({"type": "boolean"})", {"true", "false"}, {"True", "0", "null"}},
        {R"({"type": "null"})", {"null"}, {"None", "nul"}},
        {R"({"type": ["string", "null"]})", {"null", R"("x")"}, {"0"}},
        {R"({"type": "string", "nullable": true})", {"null", R"("x")"}, {"0"}},
        {R"({"enum": ["a", "ab", 1, 1.5, true, null, {"k": [1]}]})",
         {R"("a")", R"("ab")", "1", "1.5", "true", "null", R"({"k": [1]})"},
         {R"("b")", "2", "false", R"({"k":[1]})"}},
        {R"({"type": "string", "enum": ["a", 1, null]})", {R"("a")"}, {"1", "null"}},
        {R"({"const": "x\"y"})", {R"("x\"y")"}, {R"("xy")"}},
        {R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type":
            "boolean"}}, "required": ["b"], "additionalProperties": false, "title": "t", "description": "d"})",
         {R"({"a": 1, "b": "x", "c": true})", R"({"b": "x"})", R"({"a": 1, "b": "x"})",
          R"({"b": "", "c": false})"},
         {R"({})", R"({"a": 1})", R"({"b": "x", "a": 1})", R"({"b": "x", "d": 1})", R"({"b": "x",})",
          R"({"b":"x"})", R"({"b": "x"}})", R"({"b": "x" })", R"({, "b": "x"})"}},
        {R"({"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}}})",
         {"{}", R"({"a": 1})", R"({"b": 1})", R"({"c": 1})", R"({"a": 1, "c": 2})", R"({"b": 1, "c": 2})",
          R"({"a": 1, "b": 2, "c": 3})"},
         {R"({"c": 1, "a": 2})", R"({"a": 1, "a": 2})"}},
        {R"({"type": "object"})", {"{}", R"({"x": [1, {"y": null}]})"}, {"[]"}},
        {R"({"type": "object", "additionalProperties": {"type": "integer"}})",
         {"{}", R"({"x": 1, "y y": 2})"},
         {R"({"x": "1"})"}},
        {R"({"type": "object", "additionalProperties": false})", {"{}"}, {R"({"x": 1})"}},
        {R"({"type": "array", "items": {"type": "integer"}})",
         {"[]", "[1]", "[1, 2, 3]"},
         {"[,]", "[1,2]", "[1, ]"}},
        {R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 3})",
         {"[1, 2]", "[1, 2, 3]"},
         {"[]", "[1]", "[1, 2, 3, 4]"}},
        {R"({"type": "array", "items": {"type": "integer"}, "maxItems": 0})", {"[]"}, {"[1]"}},
        {R"({"type": "array"})", {"[]", R"([1, "a", null, [], {}])"}, {"{}"}},
        {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false, "minItems": 2})",
         {R"([1, "a"])"},
         {"[]", "[1]", R"([1, "a", 1])"}},
        {R"({"prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "boolean"}})",
         {"[]", "[1]", R"([1, "a"])", R"([1, "a", true, false])"},
         {R"(["a"])", R"([1, "a", 1])"}},
        {R"({"prefixItems": [{"type": "integer"}], "items": {"type": "boolean"}, "minItems": 3, "maxItems": 4})",
         {"[1, true, true]", "[1, true, true, true]"},
         {"[1]", "[1, true]", "[1, true, true, true, true]"}},
        {R"({"type": "string", "minLength": 2, "maxLength": 3})",
         {R"("ab")", R"("日本語")", R"("\ud83d\ude42\n")"},
         {R"("a")", R"("abcd")", R"("")"}},
        {R"({"type": "string", "pattern": "^[A-Z]{2}-\\d+$"})", {R"("AB-1")"}, {R"("AB-")", R"("xAB-1")"}},
        {R"({"type": "string", "pattern": "b+"})", {R"("b")", R"("aabbcc\n")"}, {R"("a")", R"("")"}},
        {R"({"type": "string", "pattern": "^\"[\\\\x]$"})", {R"("\"\\")", R"("\"x")"}, {R"("\"y")"}},
        {R"({"type": "string", "format": "date"})",
         {R"("2024-02-29")", R"("2000-02-29")", R"("1999-04-30")", R"("9999-12-31")", R"("0004-02-29")"},
         {R"("2024-13-01")", R"("24-01-01")", R"("2023-02-29")", R"("1900-02-29")", R"("2024-02-30")",
          R"("2024-04-31")", R"("0000-01-01")", R"("2024-01-00")", R"("2024-00-01")"}},
        {R"({"format": "date"})", {R"("2024-02-29")"}, {"1", R"("x")"}},
        {R"({"type": "string", "format": "date-time"})",
         {R"("2024-02-29T23:59:59.5Z")", R"("2024-02-29T00:00:00+01:00")"},
         {R"("2024-02-29")", R"("2024-02-29T24:00:00Z")"}},
        {R"({"type": "integer", "minimum": 3, "maximum": 120})",
         {"3", "9", "10", "99", "100", "120"},
         {"2", "121", "1000", "-3", "03"}},
        {R"({"type": "integer", "minimum": -12, "exclusiveMaximum": 5})",
         {"-12", "-9", "-1", "0", "4"},
         {"-13", "5", "-0", "10"}},
        {R"({"type": "integer", "minimum": 1.5})", {"2", "30"}, {"1", "0", "-2"}},
        {R"({"type": "number", "exclusiveMinimum": 0})",
         {"0.1", "1", "10.50", "0.001"},
         {"0", "0.0", "-1", "-0.1"}},
        {R"({"type": "number", "minimum": -1, "maximum": 1})",
         {"-1", "-1.0", "-0.99", "0", "0.5", "1", "1.00"},
         {"1.01", "-1.01", "2"}},
        {R"({"anyOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}},
            "required": ["kind", "x"]}, {"type": "object", "properties": {"kind": {"const": "b"}, "y": {"type":
            "string"}}, "required": ["kind", "y"]}]})",
         {R"({"kind": "a", "x": 1})", R"({"kind": "b", "y": "1"})"},
         {R"({"kind": "a", "y": "1"})", R"({"kind": "c"})"}},
        {R"({"allOf": [{"type": "integer"}]})", {"1"}, {"true"}},
        {R"({"oneOf": [{"type": "string", "maxLength": 2}, {"type": "null"}, {"enum": [1, 2]}, {"const": 3}]})",
         {R"("ab")", "null", "1", "3"},
         {R"("abc")", "4", "1.0"}},
        {R"({"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": {
            "a": {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind"]},
            "b": {"type": "object", "properties": {"kind": {"enum": ["b", "c"]}, "x": {"type": "string"}}, "required":
            ["kind"]}}})",
         {R"({"kind": "a", "x": 1})", R"({"kind": "c", "x": "1"})"},
         {R"({"kind": "a", "x": "1"})", R"({"kind": "d"})"}},
        {R"({"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}})",
         {"{}", R"({"x": 1, "y y": 2})"},
         {R"({"x": "1"})"}},
        {R"({"type": "object", "properties": {}})", {"{}"}, {R"({"x": 1})"}},
        {R"({"enum": ["aa", "ab", "b", "", "aab", 12, 1, "\"a", "aa"], "type": "string", "format": "enum"})",
         {R"("aa")", R"("ab")", R"("b")", R"("")", R"("aab")", R"("\"a")"},
         {R"("a")", "12", R"("aabb")"}},
        {R"({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"v": {"type": "integer"},
            "next": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["v"]}}})",
         {R"({"v": 1})", R"({"v": 1, "next": [{"v": 2}, {"v": 3, "next": []}]})"},
         {R"({"next": []})", R"({"v": 1, "next": [1]})"}},
        {R"({"definitions": {"a/b": {"type": "integer"}}, "$ref": "#/definitions/a~1b"})", {"1"}, {"true"}},
        {R"({"properties": {"self": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["self"]})",
         {R"({"self": null})", R"({"self": {"self": null}})"},
         {"{}", "null"}},
        {"{}", {"1", R"("a")", R"([[], {"a": {}}])", "null"}, {"", "[1", "nul"}},
        {"true", {"1"}, {"x"}},
        {R"({"type": "object", "properties": {"a": false, "b": {"type": "integer"}}})",
         {"{}", R"({"b": 1})"},
         {R"({"a": 1})"}},
    };
}

TEST_CASE("json_schema: what fits passes in any cut into tokens, what does not is stopped")
{
    std::mt19937 random(1);
    for (auto const& c : cases)
    {
        INFO(std::string(c.schema));
        auto const rules =
            std::make_shared<gemma4::token_grammar>(grammar_of(c.schema), gemma4_test::tiny_trie());
        for (auto const* const document : c.good)
        {
            INFO(std::string(document));
            for (int i = 0; i != 5; ++i) { CHECK(gemma4_test::accepts(rules, document, random)); }
            auto const schema = json::parse(c.schema);
            CHECK(gemma4_test::valid(schema, json::parse(document), schema));
        }
        for (auto const* const document : c.bad)
        {
            INFO(std::string(document));
            CHECK_FALSE(gemma4_test::accepts(rules, document, random));
        }
    }
}

TEST_CASE("json_schema: random texts under the mask are valid documents")
{
    std::mt19937 random(2);
    for (auto const& trie : {gemma4_test::tiny_trie(), gemma4_test::nano_trie()})
    {
        for (auto const& c : cases)
        {
            INFO(std::string(c.schema));
            auto const schema = json::parse(c.schema);
            auto const rules = std::make_shared<gemma4::token_grammar>(grammar_of(c.schema), trie);
            for (int i = 0; i != 12; ++i)
            {
                auto const text = gemma4_test::random_text(rules, random);
                CAPTURE(text);
                REQUIRE(json::accept(text));
                CHECK(gemma4_test::valid(schema, json::parse(text), schema));
            }
        }
    }
}

TEST_CASE("json_schema: the mask is what every token's bytes allow")
{
    std::mt19937 random(3);
    for (auto const& c : cases)
    {
        INFO(std::string(c.schema));
        auto const rules =
            std::make_shared<gemma4::token_grammar>(grammar_of(c.schema), gemma4_test::tiny_trie());
        gemma4::grammar_mask mask(rules, {gemma4_test::stop});
        for (int step = 0; step != 15 && !mask.must_stop(); ++step)
        {
            auto const ids = gemma4_test::allowed(mask);
            std::vector<gemma4::token_id> naive;
            for (std::size_t i = 0; i != rules->trie().vocab(); ++i)
            {
                if (mask.allows(gemma4::token_id(i))) { naive.push_back(gemma4::token_id(i)); }
            }
            CHECK(ids == naive);
            REQUIRE_FALSE(ids.empty());
            auto const id = ids[random() % ids.size()];
            if (id == gemma4_test::stop) { break; }
            mask.accept(id);
        }
    }
}

TEST_CASE("json_schema: without spaces")
{
    auto const g =
        grammar_of(R"({"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a"]})",
                   gemma4::json_space::none);
    CHECK(gemma4_test::accepts(g, R"({"a":[1,{"b":2}]})"));
    CHECK_FALSE(gemma4_test::accepts(g, R"({"a": [1]})"));
}

TEST_CASE("json_schema: what is not supported is named")
{
    struct refusal
    {
        char const* schema;
        char const* sentence;
    };
    for (auto const& [schema, sentence] : std::vector<refusal>{
             {R"({"type": "integer", "multipleOf": 2})",
              "schema: $: the keyword multipleOf is not supported"},
             {R"({"properties": {"a": {"not": {}}}})", "schema: $.a: the keyword not is not supported"},
             {R"({"type": "string", "format": "email"})",
              "schema: $.format: expected date, time, date-time or uuid, found \"email\""},
             {R"({"type": "array", "uniqueItems": true})",
              "schema: $: the keyword uniqueItems is not supported"},
             {R"({"type": "text"})", "schema: $.type: expected a type of JSON Schema, found \"text\""},
             {R"({"anyOf": [{"type": "null"}], "type": "string"})",
              "schema: $: the keyword type beside anyOf is not supported"},
             {R"({"allOf": [{}, {}]})", "schema: $.allOf: expected one schema, found 2"},
             {R"({"required": ["x"], "properties": {}})",
              "schema: $.required: expected names that are in properties, found \"x\""},
             {R"({"$ref": "other.json"})", "schema: $.$ref: expected a place in this document, such as "
                                           "#/$defs/name, found \"other.json\""},
             {R"({"$ref": "#/$defs/x"})", "schema: $.$ref: nothing is at #/$defs/x"},
             {R"({"$ref": "#"})", "grammar: no text matches it"},
             {R"({"anyOf": [{"$ref": "#"}, {"type": "null"}]})",
              "grammar: a rule refers to itself before anything is written"},
             {R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", "grammar: no text matches it"},
             {R"x({"type": "string", "pattern": "(?=a)"})x",
              "pattern (?=a): at byte 2: not supported: lookaround"},
             {R"({"type": "string", "minLength": -1})",
              "schema: $.minLength: expected a whole number up to 100000, found -1"},
             {R"({"type": "number", "minimum": 0.5})",
              "schema: $.minimum: expected a whole number of 64 bits, found 0.5"},
             {R"({"uniqueItems": true})", "schema: $: the keyword uniqueItems is not supported"},
             {R"({"enum": ["a", "abc"], "maxLength": 2})",
              "schema: $: the keyword maxLength beside enum is not supported"},
             {R"({"const": 3, "minimum": 4})",
              "schema: $: the keyword minimum beside const is not supported"},
             {R"({"const": 3, "enum": [4]})", "schema: $: the keyword enum beside const is not supported"},
             {R"({"enum": ["a"], "format": "date"})",
              "schema: $: the keyword format beside enum is not supported"},
             {R"({"oneOf": [{"type": "integer"}, {"type": "number"}]})",
              "schema: $.oneOf: a value may fit both 0 and 1, which oneOf forbids and anyOf allows: expected "
              "schemas that exclude each other"},
             {R"({"properties": {"a": {"$id": "https://x/a", "properties": {"b": {"$ref": "#/$defs/c"}}}},
                 "$defs": {"c": {}}})",
              "schema: $.a.b.$ref: the keyword $ref inside a schema with an $id of its own is not supported"},
             {R"({"$ref": "#/anyOf/0x", "anyOf": [{}]})",
              "schema: $: the keyword anyOf beside $ref is not supported"},
             {R"({"anyOf": [{"$ref": "#/$defs/a/enum/0x"}], "$defs": {"a": {"enum": [{}]}}})",
              "schema: $.anyOf[0].$ref: nothing is at #/$defs/a/enum/0x"},
             {"3", "schema: $: expected an object or a boolean, found 3"}})
    {
        INFO(std::string(schema));
        CHECK_THROWS_WITH_AS(gemma4::token_grammar(grammar_of(schema), gemma4_test::tiny_trie()), sentence,
                             gemma4::argument_error);
    }
}
