#include <cstddef>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "tiny_tokenizer.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/text/stream_decoder.hpp>

using namespace gemma4;
using text_test::tiny;

namespace
{
    std::vector<token_id> bytes(std::string const& text)
    {
        std::vector<token_id> out;
        for (char const c : text)
        {
            out.push_back(tiny().find(byte_token_name(static_cast<unsigned char>(c))).value());
        }
        return out;
    }

    std::string streamed(std::vector<token_id> const& ids, bool skip)
    {
        stream_decoder stream(tiny(), skip);
        std::string text;
        for (auto const id : ids)
        {
            auto const piece = stream.put(id);
            CHECK(is_utf8(piece));
            text += piece;
        }
        return text + stream.finish();
    }
}

TEST_CASE("stream_decoder: pieces together equal the reference's whole wherever byte runs are UTF-8")
{
    std::ifstream file(std::filesystem::path(GEMMA4_TEST_DATA) / "text" / "tiny_cases.jsonl");
    std::size_t compared = 0;
    for (std::string line; std::getline(file, line);)
    {
        auto const c = nlohmann::json::parse(line);
        if (!c.contains("skip_special_tokens")) { continue; }
        auto const text = c.at("text").get<std::string>();
        if (text.find("\ufffd") != text.npos) { continue; }
        CAPTURE(line);
        CHECK(streamed(c.at("ids").get<std::vector<token_id>>(), c.at("skip_special_tokens").get<bool>())
              == text);
        ++compared;
    }
    CHECK(compared > 50);
}

TEST_CASE("stream_decoder: streaming what was encoded gives the text")
{
    std::mt19937 random(5);
    for (int n = 0; n != 200; ++n)
    {
        std::string text;
        for (auto left = random() % 40; left != 0; --left)
        {
            auto const c = char32_t(random() % 0x110000u);
            if (c < 0xd800 || c > 0xdfff) { append_utf8(text, c); }
            text += " a\n."[random() % 4];
        }
        CHECK(streamed(tiny().encode(text), false) == tiny().decode(tiny().encode(text)));
    }
}

TEST_CASE("stream_decoder: a code point comes out with its last byte, everything else at once")
{
    stream_decoder stream(tiny());
    auto const euro = bytes("\u20ac");
    CHECK(stream.put(euro[0]) == "");
    CHECK(stream.put(euro[1]) == "");
    CHECK(stream.put(euro[2]) == "\u20ac");
    CHECK(stream.put(tiny().find("\u2581").value()) == " ");
    CHECK(stream.put(bytes("A")[0]) == "A");
    CHECK(stream.finish() == "");
}

TEST_CASE(
    "stream_decoder: what is ill-formed becomes one U+FFFD per byte, and the next character is not lost")
{
    auto const a = tiny().find("a").value();
    auto const with = [](std::vector<token_id> ids, std::vector<token_id> const& more)
    {
        ids.insert(ids.end(), more.begin(), more.end());
        return ids;
    };
    CHECK(streamed(bytes("\xe2\x82"), true) == "\ufffd\ufffd");
    CHECK(streamed(with(bytes("\xe2\x82"), {a}), true)
          == "\ufffd\ufffd"
             "a");
    CHECK(streamed(bytes("\xe2\x82"
                         "A"),
                   true)
          == "\ufffd\ufffd"
             "A");
    CHECK(streamed(bytes("\xe2\xe2\x82\xac"), true) == "\ufffd\u20ac");
    CHECK(streamed(bytes("\xff\x80\xc3\xa9"), true) == "\ufffd\ufffd\u00e9");
    CHECK(streamed(bytes("\xed\xa0\x80"), true) == "\ufffd\ufffd\ufffd");
    CHECK(streamed(bytes("\xf0\x9f\x98\xf0\x9f\x98\x80"), true) == "\ufffd\ufffd\ufffd\U0001f600");
}

TEST_CASE("stream_decoder: skipped tokens and unknown ids do not end a sequence, kept ones do")
{
    auto ids = bytes("\u20ac");
    ids.insert(ids.begin() + 2, {tiny().find("<turn|>").value(), -5, 1 << 20});
    CHECK(streamed(ids, true) == "\u20ac");
    CHECK(streamed(ids, false) == "\ufffd\ufffd<turn|>\ufffd");
    CHECK(tiny().decode(ids, true) == "\u20ac");
    CHECK(tiny().decode(ids, false) == "\ufffd\ufffd<turn|>\ufffd");
}

TEST_CASE("stream_decoder: finish makes it new")
{
    stream_decoder stream(tiny());
    CHECK(stream.put(bytes("\xe2")[0]) == "");
    CHECK(stream.finish() == "\ufffd");
    CHECK(stream.finish() == "");
    CHECK(stream.put(bytes("x")[0]) == "x");
}
