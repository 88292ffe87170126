#include <memory>
#include <random>
#include <string>

#include "typed_examples.hpp"
#include "walk.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/type_schema.hpp>
#include <gemma4/grammar/type_value.hpp>

TEST_CASE("type_schema: a struct")
{
    CHECK(gemma4::schema_of<shop::invoice>()
          == gemma4::read_json_value(R"({"type": "object", "properties": {
              "number": {"type": "string", "description": "what it is"},
              "total": {"type": "number"},
              "items": {"type": "array", "items": {"type": "object", "properties": {
                  "name": {"type": "string", "description": "what was bought"},
                  "price": {"type": "number"},
                  "count": {"type": "integer", "minimum": -2147483648, "maximum": 2147483647, "default": 1}},
                  "required": ["name", "price"]}},
              "note": {"type": "string"},
              "currency": {"type": "string", "enum": ["EUR", "USD"], "default": "USD"}},
              "required": ["number", "total", "items"]})",
                                     "test"));
}

TEST_CASE("type_schema: as a declaration it has no bounds and no defaults")
{
    CHECK(gemma4::schema_of<shop::item>(gemma4::schema_use::declaration)
          == gemma4::read_json_value(
              R"({"type": "object", "properties": {"name": {"type": "string", "description":
              "what was bought"}, "price": {"type": "number"}, "count": {"type": "integer"}}, "required": ["name",
              "price"]})",
              "test"));
}

TEST_CASE("type_schema: a struct that holds itself is a definition")
{
    CHECK(gemma4::schema_of<shop::tree>()
          == gemma4::read_json_value(
              R"({"$ref": "#/$defs/type_1", "$defs": {"type_1": {"type": "object", "properties":
              {"value": {"type": "integer", "minimum": 0, "maximum": 255}, "children": {"type": "array", "items":
              {"$ref": "#/$defs/type_1"}, "default": []}}, "required": ["value"]}}})",
              "test"));
}

TEST_CASE("type_schema: whatever the mask allows becomes a value of the type")
{
    std::mt19937 random(41);
    auto const check = [&]<class T>(std::type_identity<T>)
    {
        auto const rules = std::make_shared<gemma4::token_grammar>(
            gemma4::json_schema_grammar(gemma4::schema_of<T>()), gemma4_test::tiny_trie());
        for (int i = 0; i != 25; ++i)
        {
            auto const text = gemma4_test::random_text(rules, random);
            CAPTURE(text);
            auto const value = gemma4::value_to<T>(gemma4::read_json_value(text, "test"));
            // And its own writing is allowed too.
            auto const again = gemma4::to_json(gemma4::value_from(value));
            CHECK(gemma4::value_to<T>(gemma4::read_json_value(again, "test")) == value);
        }
    };
    check(std::type_identity<shop::invoice>{});
    check(std::type_identity<shop::tree>{});
    check(std::type_identity<shop::place>{});
    check(std::type_identity<shop::everything>{});
}

TEST_CASE("type_schema: a written value passes the mask of its type")
{
    shop::invoice const value{"A \"1\"\n", 12.5, {{"pen", 2, 3}}, std::nullopt, shop::currency::euro};
    CHECK(gemma4_test::accepts(gemma4::json_schema_grammar(gemma4::schema_of<shop::invoice>()),
                               gemma4::to_json(gemma4::value_from(value))));
}
