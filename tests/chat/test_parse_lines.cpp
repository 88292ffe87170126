// The streams of `gemma4 parse`.
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include <gemma4/chat/parse_lines.hpp>

namespace
{
    std::string parsed(std::string const& text)
    {
        std::istringstream in(text);
        std::ostringstream out;
        gemma4::parse_lines(in, out);
        return out.str();
    }
}

TEST_CASE("parse_lines: one object a line")
{
    CHECK(parsed(R"({"kind":"x","chunks":["<|chan","nel>thought\na<channel|>b<|tool_call>call:f{x:1.0}"]})")
          == R"({"thinking": "a", "content": "b", "tool_calls": [{"name": "f", "arguments": {"x": 1.0}}], )"
             "\"malformed\": []}\n");
    CHECK(parsed("{\"chunks\":[\"a<channel|>b\"],\"starts_in\":\"thought\"}\n{\"chunks\":[]}\n")
          == "{\"thinking\": \"a\", \"content\": \"b\", \"tool_calls\": [], \"malformed\": []}\n"
             "{\"thinking\": \"\", \"content\": \"\", \"tool_calls\": [], \"malformed\": []}\n");
    CHECK(parsed(R"({"chunks":["<|tool_call>f<tool_call|>"]})")
          == "{\"thinking\": \"\", \"content\": \"\", \"tool_calls\": [], \"malformed\": [\"f\"]}\n");
    CHECK(parsed("{}") == "{\"error\": \"chunks is missing, expected a list\"}\n");
    CHECK(parsed("{\"chunks\":[1]}") == "{\"error\": \"a chunk is an integer, expected a string\"}\n");
    CHECK(parsed("{\"chunks\":[],\"starts_in\":\"call\"}")
          == "{\"error\": \"starts_in is \\\"call\\\", expected \\\"content\\\" or \\\"thought\\\"\"}\n");
}
