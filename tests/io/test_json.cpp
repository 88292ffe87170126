#include <string>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/json.hpp>

using namespace gemma4_test;

namespace
{
    std::string refusal(std::string_view text)
    {
        return sentence_of<gemma4::file_error>([&] { gemma4::parse_json(text, "f.json"); });
    }

    std::string repeated(std::string_view part, std::size_t n)
    {
        std::string out;
        for (std::size_t i = 0; i != n; ++i) { out += part; }
        return out;
    }
}

TEST_CASE("the document is the one that nlohmann's own parser builds")
{
    for (
        std::string const text :
        {R"({"a": [1, -2, 3.5, true, false, null, "x\u00e9\ud83d\ude00"], "b": {"c": {}, "d": [], "e": [[], [{}]]}})",
         "[]", "{}", "3", "\"s\"", "null", R"([{"a": 1}, {"a": 2}, [[1], [2, [3]]]])",
         "[18446744073709551615, -9223372036854775808, 1e-6]"})
    {
        CAPTURE(text);
        CHECK(gemma4::parse_json(text, "f.json") == nlohmann::json::parse(text));
    }
}

TEST_CASE("bad JSON is an error that names the file and the place")
{
    CHECK(refusal("{\n \"a\": 1,\n \"b\" 2}")
              .starts_with("f.json: not valid JSON at line 3, column 6: syntax error"));
    CHECK(refusal("") == "f.json is empty, expected JSON");
    CHECK(refusal("  ").starts_with("f.json: not valid JSON at line 1, column "));
    CHECK(holds(refusal("[1, 1e999]"), "number overflow"));
    for (std::string const text : {"{", "[1,]", "{\"a\":}", "[1] 2", "nan", "'a'", "\"\xff\"", "\"\xc0\x80\"",
                                   "\"\\ud800\"", "\"open", "01", "[1 2]", "{1: 2}", "\xef\xbb"})
    {
        CAPTURE(text);
        CHECK(holds(refusal(text), "not valid JSON at line 1, column "));
    }
    CHECK(holds(refusal(std::string_view("[1]\0garbage", 11)), "line 1, column 4: a zero byte"));
}

TEST_CASE("a byte order mark before JSON is no part of it")
{
    CHECK(gemma4::parse_json("\xef\xbb\xbf{\"a\": 1}", "f.json") == nlohmann::json::parse(R"({"a": 1})"));
    CHECK(holds(refusal("\xef\xbb\xbf{"), "not valid JSON at line 1, column "));
    CHECK(holds(refusal(std::string_view("\xff\xfe{\0}\0", 6)), "f.json is text in UTF-16, expected UTF-8"));
}

TEST_CASE("what is no JSON is said as what it begins with")
{
    CHECK(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
          == "f.json is a git-lfs pointer: fetch the file itself with git lfs pull");
    CHECK(refusal("\n<!DOCTYPE html><html></html>")
          == "f.json is an HTML page, as servers send in place of a file, expected JSON");
    CHECK(refusal(std::string_view("PK\x03\x04\0\0", 6))
          == "f.json is a ZIP archive, as PyTorch's .bin, .pt and .pth files are, expected JSON");
}

TEST_CASE("an error does not repeat an endless or unprintable input")
{
    auto const sentence = refusal("\"" + repeated("\x01\x80", 100000));
    CHECK(sentence.size() < 300);
    for (char const c : sentence) { CHECK((c >= ' ' && c <= '~')); }
    CHECK(refusal("{\"" + repeated("k", 5000) + "\": 1, \"" + repeated("k", 5000) + "\": 2}").size() < 200);
    CHECK(gemma4::detail::in_quotes("a\nb\"") == "\"a?b\"\"");
    // 79 bytes and a character of two: cut before it, not inside
    CHECK(gemma4::detail::in_quotes(repeated("x", 79) + "\xc3\xa9" + "y")
          == "\"" + repeated("x", 79) + "...\"");
}

TEST_CASE("a duplicate key is an error at any depth")
{
    CHECK(refusal(R"({"a": 1, "b": 2, "a": 1})") == "f.json: duplicate key \"a\"");
    CHECK(refusal(R"([{"x": {"é": 1, "\u00e9": 2}}])") == "f.json: duplicate key \"é\"");
}

TEST_CASE("depth is bounded")
{
    auto const nested = [](std::size_t n) { return repeated("[", n) + repeated("]", n); };
    CHECK(refusal(nested(gemma4::max_json_depth)).empty());
    CHECK(refusal(nested(gemma4::max_json_depth + 1)) == "f.json: JSON nested deeper than 64 levels");
    CHECK(holds(refusal(repeated("[", 1000000)), "deeper"));
    CHECK(holds(refusal(repeated("{\"a\":", 1000000)), "deeper"));
}

TEST_CASE("a field of the wrong type names itself, what was expected and what was found")
{
    auto const json = nlohmann::json::parse(
        R"({"t": {"s": "x", "n": 3, "neg": -1, "big": 2147483648, "f": 1.5, "l": [1], "b": true, "o": {}, "z": null, "h": 1e300}})");
    auto const fields = gemma4::json_fields(json, "c.json").fields("t");
    auto const refused = [&](auto read) { return sentence_of<gemma4::file_error>([&] { read(); }); };

    CHECK(fields.size("n") == 3);
    CHECK(fields.size("z", 7) == 7);
    CHECK(fields.number("n") == 3.0f);
    CHECK(fields.number("f") == 1.5f);
    CHECK(fields.boolean("b", false));
    CHECK(fields.text("s") == "x");
    CHECK(fields.text("absent", "y") == "y");
    CHECK(fields.list("l").size() == 1);

    CHECK(refused([&] { fields.size("s"); }) == "c.json: t.s is a string, expected a whole number");
    CHECK(refused([&] { fields.size("f"); })
          == "c.json: t.f is a number with a fraction, expected a whole number");
    CHECK(refused([&] { fields.size("neg"); }) == "c.json: t.neg is -1, expected 0 to 2147483647");
    CHECK(refused([&] { fields.size("big"); }) == "c.json: t.big is 2147483648, expected 0 to 2147483647");
    CHECK(refused([&] { fields.size("z"); }) == "c.json: t.z is missing");
    CHECK(refused([&] { fields.number("b"); }) == "c.json: t.b is true or false, expected a number");
    CHECK(refused([&] { fields.number("h"); }) == "c.json: t.h is 1e+300, which no float32 can hold");
    CHECK(refused([&] { fields.boolean("n", true); })
          == "c.json: t.n is a whole number, expected true or false");
    CHECK(refused([&] { fields.text("o"); }) == "c.json: t.o is an object, expected a string");
    CHECK(refused([&] { fields.list("o"); }) == "c.json: t.o is an object, expected a list");
    CHECK(refused([&] { fields.fields("l"); }) == "c.json: t.l is a list, expected an object");
    auto const list = nlohmann::json::array();
    CHECK(refused([&] { gemma4::json_fields(list, "c.json"); })
          == "c.json: the document is a list, expected an object");
}
