#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "typed_examples.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/type_value.hpp>

namespace
{
    using gemma4::value_from;
    using gemma4::value_to;

    template <class T>
    T read(std::string const& text)
    {
        return value_to<T>(gemma4::read_json_value(text, "test"));
    }
}

TEST_CASE("type_value: a struct from JSON and back")
{
    auto const text =
        R"({"number": "A-1", "total": 12.5, "items": [{"name": "pen", "price": 2.0, "count": 3}, )"
        R"({"name": "ink", "price": 6.5, "count": 1}], "note": "n", "currency": "EUR"})";
    auto const found = read<shop::invoice>(text);
    shop::invoice const expected{"A-1", 12.5, {{"pen", 2, 3}, {"ink", 6.5, 1}}, "n", shop::currency::euro};
    CHECK(found == expected);
    CHECK(gemma4::to_json(value_from(found)) == text);
}

TEST_CASE("type_value: what is left out has the struct's own value")
{
    auto const found =
        read<shop::invoice>(R"({"number": "", "total": 3, "items": [{"name": "x", "price": 1}]})");
    CHECK(found.items.front().count == 1);
    CHECK(found.in == shop::currency::dollar);
    CHECK_FALSE(found.note);
    CHECK(found.total == 3.0);
    CHECK_FALSE(
        read<shop::invoice>(R"({"number": "", "total": 3, "items": [], "note": null, "currency": null})")
            .note);
    CHECK_FALSE(value_from(found).find("note"));
}

TEST_CASE("type_value: every kind of field")
{
    shop::everything const value{true,
                                 std::numeric_limits<std::uint64_t>::max(),
                                 -32768,
                                 0.1f,
                                 {{{1.5f, -2}, {0, 3}}},
                                 {{"a", {1, -2}}, {"b", {}}},
                                 {true, std::nullopt},
                                 shop::tree{1, {{2, {}}, {3, {{4, {}}}}}},
                                 gemma4::json_value::object{{"k", 1}}};
    auto const json = gemma4::to_json(value_from(value));
    CHECK(json.find(R"("single": 0.1,)") != json.npos);
    CHECK(json.find("18446744073709551615") != json.npos);
    CHECK(read<shop::everything>(json) == value);
}

TEST_CASE("type_value: numbers")
{
    CHECK(read<int>("3.0") == 3);
    CHECK(read<double>("3") == 3.0);
    CHECK(read<std::int64_t>("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
    CHECK_THROWS_WITH_AS(read<int>("3.5"), "$: expected an integer from -2147483648 to 2147483647, found 3.5",
                         gemma4::argument_error);
    CHECK_THROWS_AS(read<std::uint8_t>("256"), gemma4::argument_error);
    CHECK_THROWS_AS(read<std::uint8_t>("-1"), gemma4::argument_error);
    CHECK_THROWS_AS(read<float>("1e39"), gemma4::argument_error);
    CHECK_THROWS_AS(read<double>("\"1\""), gemma4::argument_error);
    CHECK_THROWS_AS(read<bool>("1"), gemma4::argument_error);
}

TEST_CASE("type_value: errors name the path, what was expected and what was found")
{
    struct refusal
    {
        char const* text;
        char const* sentence;
    };
    for (auto const& [text, sentence] : std::vector<refusal>{
             {R"({"number": 1, "total": 1, "items": []})", "$.number: expected a string, found 1"},
             {R"({"number": "", "items": []})", "$.total: expected a value, found none"},
             {R"({"number": "", "total": 1, "items": [{"name": "", "price": "x"}]})",
              "$.items[0].price: expected a number, found \"x\""},
             {R"({"number": "", "total": 1, "items": {}})", "$.items: expected an array, found {}"},
             {R"({"number": "", "total": 1, "items": [], "currency": "GBP"})",
              "$.currency: expected one of EUR, USD, found \"GBP\""},
             {R"({"number": "", "total": 1, "items": [], "extra": true})",
              "$.extra: expected no such member, found true"},
             {R"([])", "$: expected an object, found []"},
             {R"("a text that is much longer than what anybody wants to read in a sentence")",
              "$: expected an object, found \"a text that is much longer than what anybody wants to read "
              "..."}})
    {
        INFO(std::string(text));
        CHECK_THROWS_WITH_AS(read<shop::invoice>(text), sentence, gemma4::argument_error);
    }
    CHECK_THROWS_AS(value_from(shop::currency(7)), gemma4::argument_error);
}
