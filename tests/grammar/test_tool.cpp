#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "typed_examples.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/tool.hpp>

namespace
{
    double convert(double amount, shop::currency to, std::optional<std::string> note, int digits)
    {
        return amount * (to == shop::currency::euro ? 1 : 2) + digits + (note ? double(note->size()) : 0.0);
    }

    gemma4::json_value json(std::string const& text) { return gemma4::read_json_value(text, "test"); }
}

TEST_CASE("tool: the declaration follows from the function's types")
{
    auto const t =
        gemma4::tool("convert", "Converts euros", &convert, gemma4::parameter("amount", "in euros"),
                     gemma4::parameter("to"), gemma4::parameter("note", "kept"),
                     gemma4::parameter("digits", "after the point", 2));
    CHECK(t.name == "convert");
    CHECK(t.declaration
          == json(R"({"type": "function", "function": {"name": "convert", "description": "Converts euros",
        "parameters": {"type": "object", "properties": {"amount": {"type": "number", "description": "in euros"},
        "to": {"type": "string", "enum": ["EUR", "USD"]}, "note": {"type": "string", "description": "kept"},
        "digits": {"type": "integer", "description": "after the point"}}, "required": ["amount", "to"]}}})"));
    CHECK(t.call(json(R"({"to": "USD", "amount": 3})")) == json("8.0"));
    CHECK(t.call(json(R"({"to": "EUR", "amount": 3.5, "note": "abc", "digits": 0})")) == json("6.5"));
    CHECK(t.call(json(R"({"to": "EUR", "amount": 3.5, "note": null, "digits": null})")) == json("5.5"));
}

TEST_CASE("tool: arguments that do not fit are a sentence")
{
    auto const t = gemma4::tool(
        "f", "", [](int x) { return x; }, gemma4::parameter("x"));
    CHECK_THROWS_WITH_AS(t.call(json("{}")), "arguments.x: expected a value, found none",
                         gemma4::argument_error);
    CHECK_THROWS_WITH_AS(t.call(json(R"({"x": "1"})")),
                         "arguments.x: expected an integer from -2147483648 to 2147483647, found \"1\"",
                         gemma4::argument_error);
    CHECK_THROWS_WITH_AS(t.call(json(R"({"x": 1, "y": 2})")),
                         "arguments.y: expected no such argument, found 2", gemma4::argument_error);
    CHECK_THROWS_WITH_AS(t.call(json("[]")), "arguments: expected an object, found []",
                         gemma4::argument_error);
    CHECK_THROWS_WITH_AS(gemma4::tool(
                             "f", "", [](int x) { return x; }, gemma4::parameter("x", "", "two")),
                         "default of x: expected an integer from -2147483648 to 2147483647, found \"two\"",
                         gemma4::argument_error);
}

TEST_CASE("tool: a struct of fields is the parameters")
{
    auto const t = gemma4::tool("price", "Of an item",
                                [](shop::item const& i) { return std::vector<double>{i.price * i.count}; });
    CHECK(*t.declaration.find("function")->find("parameters")
          == gemma4::schema_of<shop::item>(gemma4::schema_use::declaration));
    CHECK(t.call(json(R"({"name": "pen", "price": 2, "count": 4})")) == json("[8.0]"));
    CHECK_THROWS_WITH_AS(t.call(json(R"({"name": "pen"})")), "arguments.price: expected a value, found none",
                         gemma4::argument_error);
    auto const named = gemma4::tool(
        "price", "Of an item", [](shop::item const& i) { return i.name; }, gemma4::parameter("item"));
    CHECK(named.call(json(R"({"item": {"name": "pen", "price": 2}})")) == json("\"pen\""));
}

TEST_CASE("tool: no parameters, no result, text parameters, state")
{
    int calls = 0;
    auto const t = gemma4::tool("count", "Counts", [&calls] { ++calls; });
    CHECK(t.declaration == json(R"({"type": "function", "function": {"name": "count", "description": "Counts",
        "parameters": {"type": "object", "properties": {}}}})"));
    CHECK(t.call(json("{}")).is_null());
    CHECK(calls == 1);
    auto const text = gemma4::tool(
        "t", "", [](std::string_view a, std::string const& b) { return std::string(a) + b; },
        gemma4::parameter("a"), gemma4::parameter("b"));
    CHECK(text.call(json(R"({"b": "2", "a": "1"})")) == json("\"12\""));
    auto const object = gemma4::tool("o", "", [] { return shop::place{1, 2}; });
    CHECK(object.call(json("{}")) == json(R"({"x": 1.0, "y": 2.0})"));
}
