// The grammar of calls and the mistakes that are tolerated (conversation format, section 7).
#include <string>

#include <doctest/doctest.h>

#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/json_text.hpp>

namespace
{
    // The arguments as JSON; "malformed: reason" where there is no call.
    std::string read(std::string const& call)
    {
        auto const found = gemma4::read_answer("<|tool_call>" + call + "<tool_call|>");
        CHECK(found.content.empty());
        CHECK(found.thinking.empty());
        REQUIRE(found.tool_calls.size() + found.malformed.size() == 1);
        if (!found.malformed.empty())
        {
            CHECK(found.malformed[0].raw == call);
            return "malformed: " + found.malformed[0].reason;
        }
        return found.tool_calls[0].name + gemma4::to_json(found.tool_calls[0].arguments);
    }
}

TEST_CASE("call_reader: well-formed calls")
{
    CHECK(read("call:f{}") == "f{}");
    CHECK(read(" call: mcp.srv-1:a/b \n{ }\n") == "mcp.srv-1:a/b{}");
    CHECK(read("call:f{a:1,b:-2.5,c:1e5,d:123456789012345678901234567890}")
          == R"(f{"a": 1, "b": -2.5, "c": 100000.0, "d": 123456789012345678901234567890})");
    CHECK(read("call:f{a:true,b:false,c:null}") == R"(f{"a": true, "b": false, "c": null})");
    CHECK(read("call:f{my key-é:<|\"|><|\"|>}") == "f{\"my key-é\": \"\"}");
    CHECK(read("call:f{a : [ 1 , [2,{b:<|\"|>x<|\"|>}] , [] ] ,\n b:{}}")
          == R"(f{"a": [1, [2, {"b": "x"}], []], "b": {}})");
    CHECK(read("call:f{a:1,b:2,a:3}") == R"(f{"a": 3, "b": 2})");
    CHECK(read("call:f{s:<|\"|> {}[],:\"\\\n <|\"|>}") == R"(f{"s": " {}[],:\"\\\n "})");
}

TEST_CASE("call_reader: markers inside a string are data")
{
    CHECK(read("call:f{s:<|\"|>a<tool_call|>b<turn|>c<eos><|channel>d<|\"|>,n:1}")
          == R"(f{"s": "a<tool_call|>b<turn|>c<eos><|channel>d", "n": 1})");
    CHECK(read(R"(call:f{"s": "a<tool_call|>b", "n": 1})") == R"(f{"s": "a<tool_call|>b", "n": 1})");
}

TEST_CASE("call_reader: tolerated mistakes")
{
    CHECK(read("call:f{c:<|\"|>f(<|\"|><|\"|><|\"|>x<|\"|><|\"|><|\"|>)<|\"|>}")
          == R"x(f{"c": "f(\"\"\"x\"\"\")"})x");
    CHECK(read("call:f{q:weather in Tokyo<|\"|>,n:3}") == R"(f{"q": "weather in Tokyo", "n": 3})");
    CHECK(read("call:f{q:San Francisco, CA<|\"|>,n:3}") == R"(f{"q": "San Francisco, CA", "n": 3})");
    CHECK(read("call:f{zip:12345<|\"|>}") == R"(f{"zip": "12345"})");
    CHECK(read("call:f{l:[red car<|\"|>,<|\"|>b<|\"|>]}") == R"(f{"l": ["red car", "b"]})");
    CHECK(read("call:f{a:Paris,b:<|\"|>x<|\"|>}") == R"(f{"a": "Paris", "b": "x"})");
    CHECK(read("call:f{city: Paris ,unit:[two words, 1]}")
          == R"(f{"city": "Paris", "unit": ["two words", 1]})");
    CHECK(read("call:f{d:2026-11-21,z:007,v:1.,t:truely}")
          == R"(f{"d": "2026-11-21", "z": "007", "v": "1.", "t": "truely"})");
    CHECK(read(R"(call:f{"a": "x\n\"é\u00e9", "b": [1, {"c": "}"}]})")
          == "f{\"a\": \"x\\n\\\"éé\", \"b\": [1, {\"c\": \"}\"}]}");
    CHECK(read(R"(call:f{"a": "say "hi" now"})") == R"(f{"a": "say \"hi\" now"})");
    CHECK(read("call:f{a:None,b:[True,False]}") == R"(f{"a": null, "b": [true, false]})");
}

TEST_CASE("call_reader: anything else is malformed, with a reason")
{
    CHECK(read("") == "malformed: expected call:");
    CHECK(read("f{}") == "malformed: expected call:");
    CHECK(read("call:f") == "malformed: expected { after the name");
    CHECK(read("call:{}") == "malformed: expected a name");
    CHECK(read("call:f{a:1") == "malformed: the arguments are not closed");
    CHECK(read("call:f{a:1]") == "malformed: expected , or } after a value");
    CHECK(read("call:f{a}") == "malformed: expected : after a key");
    CHECK(read("call:f{a:}") == "malformed: expected a value");
    CHECK(read("call:f{a:1,}") == "malformed: expected a key");
    CHECK(read("call:f{:1}") == "malformed: expected a key");
    CHECK(read("call:f{a:[1,]}") == "malformed: expected a value");
    CHECK(read("call:f{a:1}}") == "malformed: text after the arguments");
    CHECK(read("call:f{a:{b:1}") == "malformed: expected , or } after a value");
    CHECK(read("call:f{a:<|\"|>x}") == "malformed: a string is not closed");
    CHECK(read("call:f{a:" + std::string(300, '[') + std::string(300, ']') + "}")
          == "malformed: nested too deep");
}
