#include <algorithm>
#include <string>

#include "chat/chat_cases.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/marker.hpp>

TEST_CASE("marker: found in text however it is cut, and spelled back")
{
    std::string const text =
        "a<|channel>thought\n<<|tool_call>é<|\"|>x<|\"|><|tool_cal<tool_call|>🙂<turn|><eos> < <| end<|to";
    gemma4::marker_finder whole;
    auto marked = whole.push(text);
    marked += whole.finish();
    CHECK(gemma4::detail::spelled(marked) == text);
    CHECK(std::count(marked.begin(), marked.end(), gemma4::detail::marker_byte) == 7);

    chat_test::choices random(1);
    for (int round = 0; round != 300; ++round)
    {
        gemma4::marker_finder finder;
        std::string out;
        for (auto const& piece : random.split(text)) { out += finder.push(piece); }
        CHECK(out + finder.finish() == marked);
    }
}

TEST_CASE("marker: ill-formed bytes become U+FFFD, also those that look like a marker inside")
{
    gemma4::marker_finder finder;
    auto out = finder.push(std::string("\xff\x03 \xe2\x82"));
    out += finder.push("x\xf0\x9f");
    CHECK(out + finder.finish() == "\ufffd\x03 \ufffdx\ufffd");
}

TEST_CASE("marker: text is held back only while it can become one")
{
    gemma4::marker_finder finder;
    CHECK(finder.push("a <|chan") == "a ");
    CHECK(finder.push("ge <") == "<|change ");
    CHECK(finder.finish() == "<");
}
