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
