#include <doctest/doctest.h>

#include <gemma4/cli/options.hpp>

using namespace gemma4;
using namespace gemma4::cli;

TEST_CASE("bytes: digits with a power of 1024")
{
    CHECK(parse_bytes("0", "x") == 0);
    CHECK(parse_bytes("1234", "x") == 1234);
    CHECK(parse_bytes("2K", "x") == 2048);
    CHECK(parse_bytes("3m", "x") == 3u << 20);
    CHECK(parse_bytes("8G", "x") == std::size_t(8) << 30);
    CHECK(parse_bytes("1GiB", "x") == std::size_t(1) << 30);
    CHECK(parse_bytes("1T", "x") == std::size_t(1) << 40);
    CHECK(parse_bytes("5MB", "x") == 5u << 20);
    CHECK(parse_bytes("17B", "x") == 17);
    for (auto const* wrong :
         {"", "K", "-1", "1.5G", "1Q", "1GG", "1 G", "1iB", "99999999999999999999", "18446744073709551615K"})
    {
        CAPTURE(wrong);
        CHECK_THROWS_AS(parse_bytes(wrong, "x"), usage_error);
    }
}

TEST_CASE("numbers are digits")
{
    CHECK(parse_number("0", "x") == 0);
    CHECK(parse_number("010", "x") == 10);
    CHECK(parse_number("18446744073709551615", "x") == 18446744073709551615u);
    for (auto const* wrong : {"", "-1", "+1", "0x10", "1.5", "1e3", " 1", "1 ", "18446744073709551616"})
    {
        CAPTURE(wrong);
        CHECK_THROWS_AS(parse_number(wrong, "x"), usage_error);
    }
}

TEST_CASE("token lists")
{
    CHECK(parse_tokens("2", "x") == std::vector<token_id>{2});
    CHECK(parse_tokens("1,2,3", "x") == std::vector<token_id>{1, 2, 3});
    CHECK(parse_tokens(" 1, 2 ,2147483647 ", "x") == std::vector<token_id>{1, 2, 2147483647});
    for (auto const* wrong : {"", ",", "1,", ",1", "1 2", "-1", "1.5", "a", "2147483648"})
    {
        CAPTURE(wrong);
        CHECK_THROWS_AS(parse_tokens(wrong, "x"), argument_error);
    }
}
