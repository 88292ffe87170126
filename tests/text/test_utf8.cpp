#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include <gemma4/text/utf8.hpp>

using namespace gemma4;
using namespace std::string_literals;

TEST_CASE("utf8: every scalar value comes back from its own bytes, and surrogates are ill-formed")
{
    std::size_t wrong = 0;
    for (char32_t c = 0; c <= 0x10ffff; ++c)
    {
        bool const surrogate = c >= 0xd800 && c < 0xe000;
        std::string bytes;
        append_utf8(bytes, c);
        auto const back = decode_utf8(bytes, 0);
        wrong +=
            surrogate ? back.valid : !(back.valid && back.code_point == c && back.length == bytes.size());
        wrong += is_utf8(bytes) == surrogate;
    }
    CHECK(wrong == 0);
}

TEST_CASE(
    "utf8: maximal ill-formed subparts, the examples of Unicode 15 section 3.9 and the edges of table 3-7")
{
    constexpr char const* r = "\ufffd";
    auto const times = [&](std::size_t n)
    {
        std::string out;
        for (std::size_t i = 0; i != n; ++i) { out += r; }
        return out;
    };
    CHECK(with_replacements("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"s) == times(8) + "A");
    CHECK(with_replacements("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"s) == times(8) + "A");
    CHECK(with_replacements("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"s) == times(5) + "A" + times(2) + "B");
    CHECK(with_replacements("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"s) == times(4) + "A");
    CHECK(with_replacements("\xF4\x90\x80\x80"s) == times(4));
    CHECK(with_replacements("\xE2\x82"s) == times(1));
    CHECK(with_replacements("\xF0\x9F\x98"s) == times(1));
    CHECK(with_replacements("0123456789\xFF"
                            "0123456789\xE2\x82\xAC\0x"s)
          == "0123456789" + times(1) + "0123456789\xE2\x82\xAC\0x"s);
    CHECK(with_replacements("") == "");
}

TEST_CASE("utf8: a sequence cut off at the end of the text is not complete, one broken by a byte is")
{
    CHECK_FALSE(decode_utf8("\xE2\x82", 0).complete);
    CHECK(decode_utf8("\xE2\x82", 0).length == 2);
    CHECK(decode_utf8("\xE2\x41", 0).complete);
    CHECK(decode_utf8("\xFF", 0).complete);
    CHECK(decode_utf8("\x80", 0).complete);
}

TEST_CASE("utf8: the good prefix ends at the first ill-formed byte wherever it stands")
{
    for (std::size_t n = 0; n != 40; ++n)
    {
        auto const text = std::string(n, 'x') + "\xC1" + std::string(20, 'y');
        CHECK(well_formed_prefix(text) == n);
        CHECK(well_formed_prefix("\u00e9" + text) == n + 2);
    }
}
