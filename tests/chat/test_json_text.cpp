#include <cmath>
#include <string>

#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>

namespace
{
    using gemma4::json_value;

    std::string again(std::string_view text)
    {
        return gemma4::to_json(gemma4::read_json_value(text, "test"));
    }
}

TEST_CASE("json_text: numbers keep their kind, and integers all their digits")
{
    CHECK(again("1") == "1");
    CHECK(again("-0") == "0");
    CHECK(again("1.0") == "1.0");
    CHECK(again("-0.0") == "-0.0");
    CHECK(again("1e2") == "100.0");
    CHECK(again("1E+22") == "1e+22");
    CHECK(again("123456789012345678901234567890123456789012345678901234567890")
          == "123456789012345678901234567890123456789012345678901234567890");
    CHECK(again("-18446744073709551616") == "-18446744073709551616");
    CHECK(again("1e999") == "1e999");
    CHECK(again("-1e999") == "-1e999");
    CHECK(again("1e-999") == "0.0");
    CHECK(again("-1e-999") == "-0.0");
    CHECK(std::isnan(*gemma4::read_json_value("NaN", "test").as_float()));
    CHECK(std::isinf(*gemma4::read_json_value("-Infinity", "test").as_float()));
}

TEST_CASE("json_text: strings and escapes")
{
    CHECK(*gemma4::read_json_value(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude42")", "test").as_string()
          == "a\"\\/\b\f\n\r\t\u00e9\U0001f642");
    CHECK(again(R"("q\"\u0001\u007f")") == "\"q\\\"\\u0001\x7f\"");
    CHECK(gemma4::to_json(json_value("\xff!")) == "\"\ufffd!\"");
}

TEST_CASE("json_text: of duplicate names the last value stays at the first place")
{
    CHECK(again(R"({"a": 1, "b": [], "a": {"c": null}})") == R"({"a": {"c": null}, "b": []})");
}

TEST_CASE("json_text: anything else is one sentence")
{
    for (auto const* const bad : {"",
                                  " ",
                                  "01",
                                  "1.",
                                  ".5",
                                  "+1",
                                  "-",
                                  "1e",
                                  "tru",
                                  "nul",
                                  "[1,]",
                                  "[1 2]",
                                  "{\"a\"}",
                                  "{\"a\":}",
                                  "{a:1}",
                                  "{\"a\":1,}",
                                  "\"",
                                  "\"\\",
                                  "\"\\x\"",
                                  "\"\\ud800\"",
                                  "\"\\ud800\\u0041\"",
                                  "\"\\udc00\"",
                                  "\"\n\"",
                                  "1 1",
                                  "\"\xff\"",
                                  "[",
                                  "{",
                                  "]",
                                  "- 1",
                                  "\"\\u12\""})
    {
        CAPTURE(bad);
        CHECK_THROWS_AS((void)gemma4::read_json_value(bad, "test"), gemma4::argument_error);
    }
    CHECK_THROWS_WITH((void)gemma4::read_json_value("[1,", "line 3"),
                      "line 3: not JSON: at byte 3: expected a value, found the end");
    CHECK_NOTHROW((void)gemma4::read_json_value(std::string(256, '[') + std::string(256, ']'), "test"));
    CHECK_THROWS_AS((void)gemma4::read_json_value(std::string(257, '[') + std::string(257, ']'), "test"),
                    gemma4::argument_error);
    CHECK_THROWS_AS((void)gemma4::read_json_value(std::string(1000000, '['), "test"), gemma4::argument_error);
}

TEST_CASE("json_value: members are found, set and compared")
{
    json_value value;
    value.set("a", 1);
    value.set("b", "x");
    value.set("a", true);
    CHECK(value == json_value(json_value::object{{"a", true}, {"b", "x"}}));
    CHECK_FALSE(value == json_value(json_value::object{{"b", "x"}, {"a", true}}));
    CHECK_FALSE(json_value(1) == json_value(1.0));
    CHECK(value.find("c") == nullptr);
    CHECK(json_value("text").find("a") == nullptr);
}

TEST_CASE("json_value: levels are counted, and limited")
{
    auto const nested = [](std::size_t levels, bool objects)
    {
        json_value out;
        for (std::size_t i = 0; i != levels; ++i)
        {
            if (objects) { out = json_value::object{{"a", std::move(out)}, {"b", 1}}; }
            else
            {
                json_value::array one;
                one.push_back(std::move(out));
                out = json_value(std::move(one));
            }
        }
        return out;
    };
    for (bool const objects : {false, true})
    {
        CHECK(nested(0, objects).levels() == 0);
        auto const most = nested(gemma4::max_json_value_levels, objects);
        CHECK(most.levels() == gemma4::max_json_value_levels);
        auto const copy = most;
        CHECK(copy == most);
        CHECK(gemma4::to_json(copy) == gemma4::to_json(most));
        CHECK_THROWS_AS(nested(gemma4::max_json_value_levels + 1, objects), gemma4::argument_error);
        json_value into = json_value::object{{"a", 1}};
        CHECK_THROWS_WITH_AS(into.set("b", most), "JSON value: expected at most 512 levels, found more",
                             gemma4::argument_error);
        CHECK(gemma4::to_json(into) == R"({"a": 1})");
        into.set("b", nested(3, objects));
        CHECK(into.levels() == 4);
    }
    json_value list = json_value::array{json_value::array{}};
    list.set("a", 1);
    CHECK(list.levels() == 1);
    auto const read = [](std::size_t levels)
    { return gemma4::read_json_value(std::string(levels, '[') + std::string(levels, ']'), "test").levels(); };
    CHECK(read(256) == 256);
    CHECK_THROWS_WITH_AS(read(10'000'000), "test: JSON nested deeper than 256 levels",
                         gemma4::argument_error);
}
