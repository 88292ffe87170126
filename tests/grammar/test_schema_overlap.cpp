#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/schema_overlap.hpp>

namespace
{
    bool apart(char const* a, char const* b, char const* document = "{}")
    {
        auto const whole = gemma4::read_json_value(document, "document");
        gemma4::detail::schema_references references(whole);
        return gemma4::detail::schema_overlap(references)
            .apart(gemma4::read_json_value(a, "a"), gemma4::read_json_value(b, "b"));
    }
}

TEST_CASE("schema_overlap: what excludes each other")
{
    struct pair
    {
        char const* a;
        char const* b;
    };
    for (
        auto const& [a, b] : std::vector<pair>{
            {R"({"type": "string"})", R"({"type": "null"})"},
            {R"({"type": ["string", "boolean"]})", R"({"type": ["integer", "null"]})"},
            {R"({"const": "a"})", R"({"const": "b"})"},
            {R"({"enum": ["a", 1]})", R"({"enum": ["b", 2]})"},
            {R"({"enum": ["a", 1], "type": "string"})", R"({"type": "integer"})"},
            {R"({"type": "integer"})", R"({"const": "x"})"},
            {R"({"type": "integer"})", R"({"const": 1.5})"},
            {R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", R"({"type": "integer"})"},
            {R"({"type": "string"})", "false"},
            {R"({"type": "object", "properties": {"k": {"const": 1}}, "required": ["k"]})",
             R"({"type": "object", "properties": {"k": {"const": 2}}})"},
            {R"({"type": "object", "properties": {"a": {}}, "required": ["a"]})",
             R"({"type": "object", "properties": {"b": {}}, "required": ["b"]})"},
            {R"({"type": "object", "properties": {"v": {"type": "object", "properties": {"k": {"type": "null"}},
                 "required": ["k"]}}, "required": ["v"]})",
             R"({"type": "object", "properties": {"v": {"type": "object", "properties": {"k": {"type": "string"}},
                 "required": ["k"]}}, "required": ["v"]})"},
            {R"({"type": "object", "properties": {"k": {"enum": ["a", "b"]}}, "required": ["k"]})",
             R"({"const": {"k": "c"}})"}})
    {
        INFO(std::string(a));
        INFO(std::string(b));
        CHECK(apart(a, b));
        CHECK(apart(b, a));
    }
    CHECK(apart(R"({"$ref": "#/$defs/a"})", R"({"$ref": "#/$defs/b"})",
                R"({"$defs": {"a": {"type": "string"}, "b": {"type": "array"}}})"));
}

TEST_CASE("schema_overlap: what may fit both")
{
    struct pair
    {
        char const* a;
        char const* b;
    };
    for (auto const& [a, b] : std::vector<pair>{
             {"{}", R"({"type": "null"})"},
             {"true", R"({"type": "null"})"},
             {R"({"type": "integer"})", R"({"type": "number"})"},
             {R"({"type": "integer"})", R"({"const": 1.0})"},
             {R"({"const": 1})", R"({"enum": [2, 1.0]})"},
             {R"({"type": "string", "maxLength": 3})", R"({"type": "string", "minLength": 2})"},
             {R"({"type": "string", "nullable": true})", R"({"type": "null"})"},
             {R"({"type": "string", "nullable": true})", R"({"type": "integer", "nullable": true})"},
             {R"({"type": "array", "items": {"type": "string"}})",
              R"({"type": "array", "items": {"type": "null"}})"},    // []
             {R"({"type": "object", "properties": {"k": {"const": 1}}})",
              R"({"type": "object", "properties": {"k": {"const": 2}}})"},    // {}
             {R"({"type": "object", "properties": {"a": {}}, "required": ["a"]})",
              R"({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]})"},
             {R"({"type": "object"})", R"({"type": "object", "properties": {"b": {}}, "required": ["b"]})"},
             {R"({"properties": {"a": {}}, "required": ["a"]})", R"({"type": "null"})"},    // null fits both
             {R"({"type": "object", "properties": {"k": {}}})", R"({"const": {"k": "c"}})"}})
    {
        INFO(std::string(a));
        INFO(std::string(b));
        CHECK_FALSE(apart(a, b));
        CHECK_FALSE(apart(b, a));
    }
    CHECK_FALSE(apart(R"({"$ref": "#/a"})", R"({"type": "null"})", R"({"a": {"$ref": "#/a"}})"));
}

TEST_CASE("schema_overlap: too many schemas to be sure")
{
    std::string schemas;
    for (int i = 0; i != 5000; ++i) { schemas += R"({"const": ")" + std::to_string(i) + R"("}, )"; }
    CHECK_THROWS_WITH_AS(
        gemma4::json_schema_grammar(
            gemma4::read_json_value(R"({"oneOf": [)" + schemas + R"({"type": "null"}]})", "schema")),
        "schema: $.oneOf: expected schemas that are seen to exclude each other, found too many",
        gemma4::argument_error);
}
