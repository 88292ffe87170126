#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/text/json_reader.hpp>

using namespace gemma4;
using namespace std::string_literals;

namespace
{
    bool accepts(std::string_view text)
    {
        json_reader reader(text, "x.json");
        try
        {
            reader.skip();
            reader.end_of_file();
        }
        catch (file_error const&)
        {
            return false;
        }
        return true;
    }

    std::string message(std::string_view text, auto&& read)
    {
        json_reader reader(text, "x.json");
        try
        {
            read(reader);
        }
        catch (file_error const& e)
        {
            return e.what();
        }
        return {};
    }
}

TEST_CASE("json_reader: accepts and refuses what nlohmann does")
{
    std::vector<std::string> const texts = {
        "null",
        "true",
        "false",
        "nul",
        "truex",
        "0",
        "-0",
        "01",
        "-",
        "1.",
        ".5",
        "1.5",
        "1e",
        "1e5",
        "1E+5",
        "1e-",
        "-1.25e-7",
        "\"\"",
        "\"a\"",
        "\"",
        "\"\\\"",
        "\"\\\"\"",
        "\"\\u00e9\"",
        "\"\\u00g9\"",
        "\"\\u12\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\x\"",
        "\"\n\"",
        "\"\t\"",
        "\"\\n\\t\\b\\f\\r\\/\\\\\"",
        "\"\xff\"",
        "\"\xc3\xa9\"",
        "\"\xed\xa0\x80\"",
        "\"\xc3\"",
        "[]",
        "[1]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,2",
        "[",
        "]",
        "{}",
        "{\"a\":1}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":}",
        "{\"a\":1",
        "{",
        "{\"a\":{\"b\":[1,{}]}}",
        "",
        " ",
        " 1 ",
        "1 1",
        "[1]]",
        "\t\r\n[ 1 , 2 ]\n",
        "\f1",
        "[\"\\u0000\"]",
        "\"\\",
        "\"\\u",
        "+1",
        "Infinity",
        "NaN",
        "// c\n1",
        "'a'",
        "[1,[2,[3,[4]]]]",
        "{\"a\":1,\"a\":2}",
        "\0"s,
        "\"a\0b\""s,
        "-a",
        "--1",
        "        [        1,        2        ]        ",
        "\"\x7f\"",
        "1.0e+",
        "[0123]",
    };
    for (auto const& text : texts)
    {
        CAPTURE(text);
        CHECK(accepts(text) == nlohmann::json::accept(text));
    }
    // It takes these, RFC 8259 does not.
    CHECK_FALSE(accepts("\xef\xbb\xbf"
                        "1"));
    CHECK_FALSE(accepts("1\0"s));
}

TEST_CASE("json_reader: strings equal nlohmann's")
{
    for (auto const* text : {R"("plain")", R"("\"\\\/\b\f\n\r\t")", R"("\u0041\u00e9\u20ac\ud83d\ude00")",
                             R"("a\u0000b")", "\"\xe2\x82\xac\\n\xf0\x9f\x98\x80\"", R"("\u2581x")"})
    {
        json_reader reader(text, "x.json");
        CHECK(reader.string() == nlohmann::json::parse(text).get<std::string>());
    }
}

TEST_CASE("json_reader: index reads 0 to 2147483647 and nothing else")
{
    auto const index = [](std::string_view text)
    {
        json_reader reader(text, "x.json");
        return reader.index();
    };
    CHECK(index("0") == 0);
    CHECK(index(" 2147483647 ") == 2147483647);
    for (auto const* bad :
         {"2147483648", "99999999999999999999999", "-1", "-0", "1.0", "1e3", "01", "\"1\"", "", "null"})
    {
        CAPTURE(bad);
        CHECK_THROWS_AS(index(bad), file_error);
    }
}

TEST_CASE("json_reader: nesting is bounded")
{
    auto const nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    CHECK(accepts(nested(json_reader::max_depth)));
    CHECK_FALSE(accepts(nested(json_reader::max_depth + 1)));
    CHECK_FALSE(accepts(std::string(1'000'000, '[')));
    std::string objects;
    for (int i = 0; i != 100'000; ++i) { objects += "{\"a\":"; }
    CHECK_FALSE(accepts(objects));
}

TEST_CASE("json_reader: an error names file, field, what was expected, what was found and where")
{
    auto const read = [](json_reader& r)
    { r.object([&](std::string_view) { r.object([&](std::string_view) { r.index(); }); }); };
    CHECK(message(R"({"model": {"vocab": "x"}})", read)
          == "x.json: model.vocab: expected a number, found a string (byte 20)");
    CHECK(message(R"({"model": [1]})", read)
          == "x.json: model: expected an object, found an array (byte 10)");
    CHECK(message(R"({"model": {"vocab")", read)
          == "x.json: model: expected ':' after a key, found the end of the file (byte 18)");
    CHECK(message("{\"a\": \x01", read) == "x.json: a: expected an object, found byte value 1 (byte 6)");
}

TEST_CASE("json_reader: elements are read in order, and a place can be read again")
{
    json_reader reader(R"([[1, 2], {"k": [3]}, null, false])", "x.json");
    std::vector<int> seen;
    std::string keys;
    reader.array(
        [&]
        {
            switch (reader.peek())
            {
            case json_kind::array:
            {
                auto const place = reader.position();
                reader.skip();
                auto const end = reader.position();
                reader.read_at(place, "again",
                               [&] { reader.array([&] { seen.push_back(reader.index()); }); });
                CHECK(reader.position() == end);
                break;
            }
            case json_kind::object:
                reader.object(
                    [&](std::string_view key)
                    {
                        keys += key;
                        reader.array([&] { seen.push_back(reader.index()); });
                    });
                break;
            case json_kind::null: CHECK(reader.null()); break;
            default: CHECK_FALSE(reader.boolean());
            }
        });
    reader.end_of_file();
    CHECK(seen == std::vector{1, 2, 3});
    CHECK(keys == "k");
}
