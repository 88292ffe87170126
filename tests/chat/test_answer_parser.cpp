#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/chat_cases.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/parse_lines.hpp>
#include <gemma4/chat/render.hpp>

namespace
{
    using gemma4::answer;
    using gemma4::json_value;
    using gemma4::starts_in;
    using gemma4::turn_end;

    std::string read(std::string_view text, starts_in where = starts_in::content)
    {
        return gemma4::to_json(gemma4::to_json_value(gemma4::read_answer(text, where)));
    }

    std::string expected(std::string const& thinking, std::string const& content,
                         std::string const& calls = "[]", std::string const& malformed = "[]")
    {
        std::string out = "{\"thinking\": ";
        gemma4::append_json_string(out, thinking);
        out += ", \"content\": ";
        gemma4::append_json_string(out, content);
        return out + ", \"tool_calls\": " + calls + ", \"malformed\": " + malformed + "}";
    }

    answer in_pieces(std::vector<std::string> const& pieces, starts_in where)
    {
        answer out;
        gemma4::answer_parser parser(where);
        for (auto const& piece : pieces) { out.add(parser.push(piece)); }
        out.add(parser.finish());
        return out;
    }
}

TEST_CASE("answer_parser: thoughts, text and calls")
{
    CHECK(read("Hello.<turn|>") == expected("", "Hello."));
    CHECK(read(" \n Hello. \u2003<eos>") == expected("", "Hello."));
    CHECK(read("<|channel>thought\n<channel|>Hi") == expected("", "Hi"));
    CHECK(read("<|channel>thought\n a \n<channel|> Hi <|channel>thought\nb<channel|>there<turn|>")
          == expected("a\nb", "Hi there"));
    CHECK(read("a\n<channel|>Hi<turn|>", starts_in::thought) == expected("a", "Hi"));
    CHECK(read("<|tool_call>call:f{}<tool_call|>\n<|tool_call>call:g{a:1}<tool_call|><|tool_response>"
               "response:f{}")
          == expected("", "", R"([{"name": "f", "arguments": {}}, {"name": "g", "arguments": {"a": 1}}])"));
    CHECK(read("A <|tool_call>call:f{}<tool_call|> B")
          == expected("", "A  B", R"([{"name": "f", "arguments": {}}])"));
}

TEST_CASE("answer_parser: what models leave out or add")
{
    CHECK(read("<|channel>thought\nno end") == expected("no end", ""));
    CHECK(read("<|channel>thought\nno end<turn|>x") == expected("no end", ""));
    CHECK(read("<|channel>thought") == expected("", ""));
    CHECK(read("<|channel>thou") == expected("", ""));
    CHECK(read("<|channel>thought<channel|>x") == expected("", "x"));
    CHECK(read("<|channel>thoughtful<channel|>x") == expected("thoughtful", "x"));
    CHECK(read("<|channel>final\ny<channel|>x") == expected("final\ny", "x"));
    CHECK(read("<|turn>model\nx") == expected("", "x"));
    CHECK(read("\n<|turn>model<turn|>x") == expected("", ""));
    CHECK(read("<|turn>models") == expected("", "models"));
    CHECK(read("a<channel|>b<tool_call|>c<tool_response|>d<|turn>e") == expected("", "abcde"));
    CHECK(read("<|channel>thought\nI call<|tool_call>call:f{}<tool_call|>x")
          == expected("I call", "x", R"([{"name": "f", "arguments": {}}])"));
    CHECK(read("<|channel>thought\na<|channel>thought\nb<channel|>x") == expected("a\nb", "x"));
    CHECK(read("<|tool_call>call:f{a:1}") == expected("", "", R"([{"name": "f", "arguments": {"a": 1}}])"));
    CHECK(read("<|tool_call>call:f{a:1}<turn|>")
          == expected("", "", R"([{"name": "f", "arguments": {"a": 1}}])"));
    CHECK(read("<|tool_call>call:f{a:1}<|tool_call>call:g{}")
          == expected("", "", R"([{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}])"));
    CHECK(read("<|tool_call>call:f{a:1}<|channel>thought\nb<channel|>c")
          == expected("b", "c", R"([{"name": "f", "arguments": {"a": 1}}])"));
    CHECK(read("") == expected("", ""));
}

TEST_CASE("answer_parser: a malformed call is an event and hides nothing that follows")
{
    CHECK(read("x<|tool_call>call:f{a:{<tool_call|>y<|tool_call>call:g{}<tool_call|>")
          == expected("", "xy", R"([{"name": "g", "arguments": {}}])", R"(["call:f{a:{"])"));
    CHECK(read("<|tool_call>call:f{a:<|\"|>Paris}<tool_call|>Done.<turn|>more")
          == expected("", "Done.", "[]", R"(["call:f{a:<|\"|>Paris}"])"));
    CHECK(read("<|tool_call>call:f{a:<|\"|>Par") == expected("", "", "[]", R"(["call:f{a:<|\"|>Par"])"));
    auto const cut = gemma4::read_answer("<|tool_call>call:f{a:");
    REQUIRE(cut.malformed.size() == 1);
    CHECK(cut.malformed[0].reason == "expected a value");
}

TEST_CASE("answer_parser: how the turn ended, and nothing after it")
{
    CHECK(gemma4::read_answer("x<turn|>y").end == turn_end::turn);
    CHECK(gemma4::read_answer("x<eos>y").end == turn_end::turn);
    CHECK(gemma4::read_answer("x<|tool_response>y").end == turn_end::run_tools);
    CHECK(gemma4::read_answer("x").end == turn_end::cut);
    gemma4::answer_parser parser;
    auto events = parser.push("x<turn|>");
    CHECK(
        events
        == std::vector<gemma4::answer_event>{gemma4::answer_text{"x"}, gemma4::end_of_turn{turn_end::turn}});
    CHECK(parser.stopped());
    CHECK(parser.push("y").empty());
    CHECK(parser.finish().empty());
    parser.start(starts_in::thought);
    CHECK(parser.push("z") == std::vector<gemma4::answer_event>{gemma4::thought_text{"z"}});
}

TEST_CASE("answer_parser: text comes as soon as it is certain")
{
    gemma4::answer_parser parser;
    CHECK(parser.push("Hello ") == std::vector<gemma4::answer_event>{gemma4::answer_text{"Hello"}});
    CHECK(parser.push("a < b <|") == std::vector<gemma4::answer_event>{gemma4::answer_text{" a < b"}});
    CHECK(parser.push("x") == std::vector<gemma4::answer_event>{gemma4::answer_text{" <|x"}});
    CHECK(parser.push("<|tool_call>call:f{").empty());
    CHECK(parser.push("}<tool_call|>")
          == std::vector<gemma4::answer_event>{gemma4::tool_call{"f", json_value(json_value::object{})}});
}

TEST_CASE("answer_parser: the same answer however it is cut")
{
    std::vector<std::string> const parts{"<|channel>thought\n",
                                         "<channel|>",
                                         "<|tool_call>",
                                         "<tool_call|>",
                                         "call:f{",
                                         "}",
                                         "a:",
                                         "1",
                                         ",",
                                         "<|\"|>",
                                         "<turn|>",
                                         "<eos>",
                                         "<|tool_response>",
                                         "<|turn>model\n",
                                         " ",
                                         "\n",
                                         "text",
                                         "é中🙂",
                                         "[",
                                         "]",
                                         "{",
                                         "\"",
                                         "\\n",
                                         "<|",
                                         "None",
                                         "\u00a0",
                                         "thought",
                                         "<|think|>",
                                         "b:x<|\"|>",
                                         "<|tool_call>call:g{s:<|\"|>x<|\"|>}<tool_call|>"};
    chat_test::choices random(2);
    for (int round = 0; round != 3000; ++round)
    {
        std::string text;
        auto const size = random.below(14);
        for (std::size_t i = 0; i != size; ++i) { text += random.of(parts); }
        CAPTURE(text);
        auto const where = random.below(4) == 0 ? starts_in::thought : starts_in::content;
        auto const whole = gemma4::read_answer(text, where);
        CHECK(in_pieces(random.split(text), where) == whole);
        CHECK(in_pieces(random.split(text), where) == whole);
        for (auto const& shown : {whole.content, whole.thinking})
        {
            for (auto const name : gemma4::marker_names) { CHECK(shown.find(name) == shown.npos); }
        }
    }
}

TEST_CASE("answer_parser: ids give what text gives, and spelled markers stay text")
{
    auto const& tokens = chat_test::tokens();
    auto const read_ids = [&](std::vector<gemma4::token_id> const& ids, starts_in where = starts_in::content)
    {
        answer out;
        gemma4::answer_id_parser parser(tokens, where);
        for (auto const id : ids) { out.add(parser.push(id)); }
        out.add(parser.finish());
        return out;
    };
    for (std::string const text :
         {"<|channel>thought\nLet me see.\n<channel|>é中🙂 <b>ok</b><turn|>", "<|turn>model\nHi<eos>",
          "<|tool_call>call:f{s:<|\"|>naïve 🙂<|\"|>,n:[1,2]}<tool_call|><|tool_response>",
          "<|tool_call>call:f{s:<|\"|>x}<tool_call|>y"})
    {
        CAPTURE(text);
        CHECK(read_ids(tokens.encode(text)) == gemma4::read_answer(text));
    }
    CHECK(read_ids(tokens.encode("a<channel|>b"), starts_in::thought)
          == gemma4::read_answer("a<channel|>b", starts_in::thought));

    auto const spelled = tokens.encode("say <turn|> or <|channel>", gemma4::special_tokens::as_text);
    CHECK(read_ids(spelled).content == "say <turn|> or <|channel>");
    auto call = tokens.encode("<|tool_call>call:f{s:<|\"|>a");
    gemma4::chat_segment const data{gemma4::segment_kind::content, "<|\"|>}<tool_call|>"};
    for (auto const id : gemma4::encode(std::span(&data, 1), tokens)) { call.push_back(id); }
    for (auto const id : tokens.encode("<|\"|>}<tool_call|>")) { call.push_back(id); }
    auto const found = read_ids(call);
    REQUIRE(found.tool_calls.size() == 1);
    CHECK(*found.tool_calls[0].arguments.find("s") == json_value("a<|\"|>}<tool_call|>"));

    // Other special tokens are no text, ids outside the vocabulary nothing.
    auto odd = tokens.encode("a");
    odd.push_back(*tokens.find("<pad>"));
    odd.push_back(-1);
    odd.push_back(1 << 30);
    CHECK(read_ids(odd).content == "a");
}

TEST_CASE("answer_parser: render, then parse, gives a model's turn back")
{
    std::vector<std::string> const texts{
        "",        "Paris",      "two\nlines", "q\"uo'te", "{a:1},[b]", "back\\slash\\n", "é中🙂 ",
        " inner ", "<b>tag</b>", "1.5",        "true",     "call:f{}",  "tab\tx"};
    std::vector<std::string> const keys{"a", "B", "city name", "x-y", "é", "Zed", "n_1"};
    std::vector<json_value> const numbers{
        0, -7, 1.0, 2.5e-7, 1e22, json_value(json_value::integer{"123456789012345678901234567890"})};
    chat_test::choices random(3);

    auto const value = [&](auto const& self, int depth) -> json_value
    {
        switch (random.below(depth < 3 ? 7 : 5))
        {
        case 0:
        case 1: return random.of(texts);
        case 2: return random.of(numbers);
        case 3: return random.below(2) == 0;
        case 4: return {};
        case 5:
        {
            json_value::array items;
            for (auto n = random.below(4); n != 0; --n) { items.push_back(self(self, depth + 1)); }
            return items;
        }
        default:
        {
            json_value::object members;
            for (auto n = random.below(4); n != 0; --n)
            {
                members.push_back({random.of(keys), self(self, depth + 1)});
            }
            return members;
        }
        }
    };
    for (int round = 0; round != 2000; ++round)
    {
        auto const content = random.of(texts);
        auto const reasoning = random.of(texts);
        json_value assistant(
            json_value::object{{"role", "assistant"}, {"content", content}, {"reasoning", reasoning}});
        json_value::array calls;
        std::vector<json_value> arguments;
        for (auto n = random.below(3); n != 0; --n)
        {
            json_value::object members;
            for (auto m = random.below(4); m != 0; --m)
            {
                members.push_back({random.of(keys), value(value, 0)});
            }
            arguments.emplace_back(members);
            calls.push_back(json_value::object{
                {"function", json_value::object{{"name", "srv.do-it"}, {"arguments", arguments.back()}}}});
        }
        if (!calls.empty()) { assistant.set("tool_calls", calls); }
        auto const prompt = gemma4::make_chat_request({gemma4::chat_message("user", "x")}, {},
                                                      {.add_generation_prompt = true});
        auto const history = gemma4::make_chat_request({gemma4::chat_message("user", "x"), assistant});
        auto const& format = gemma4::chat_template_named("canonical-small");
        auto const before = gemma4::render(format, prompt);
        auto const text = gemma4::render(format, history);
        REQUIRE(text.starts_with(before));
        CAPTURE(text);

        auto const found = in_pieces(random.split(text.substr(before.size())), starts_in::content);
        CHECK(found.content == gemma4::python::strip(content));
        CHECK(found.thinking == gemma4::python::strip(reasoning));
        CHECK(found.malformed.empty());
        CHECK(found.end == (calls.empty() ? turn_end::turn : turn_end::run_tools));
        REQUIRE(found.tool_calls.size() == arguments.size());
        for (std::size_t i = 0; i != arguments.size(); ++i)
        {
            CHECK(found.tool_calls[i].name == "srv.do-it");
            // As the request has them, but in the order of the template.
            CHECK(gemma4::jinja::same(found.tool_calls[i].arguments, arguments[i]));
        }
    }
}

TEST_CASE("answer_parser: blanks are held back without being looked at again")
{
    // A second for this would be slow; looking at all of them again for each would take minutes.
    std::string const blanks(2'000'000, ' ');
    std::vector<std::string> pieces{"x"};
    for (std::size_t i = 0; i != blanks.size(); ++i) { pieces.emplace_back(" "); }
    CHECK(in_pieces(pieces, starts_in::content).content == "x");
    pieces.emplace_back("y ");
    CHECK(in_pieces(pieces, starts_in::content).content == "x" + blanks + "y");
}

TEST_CASE(
    "answer_parser: a call of many control tokens ends at one of them when it has been read often enough")
{
    std::string call = "<|tool_call>call:a{b:<|\"|>";
    while (call.size() < 2'000'000) { call += "<|\"|>x<|think|>"; }
    auto const said = gemma4::read_answer(call + "<|\"|>}<tool_call|><turn|>");
    CHECK(said.tool_calls.empty());
    REQUIRE_FALSE(said.malformed.empty());
    CHECK(said.malformed.front().reason == "too many control tokens in strings");
    CHECK(said.end == turn_end::turn);
    // Fewer are read as they are meant.
    auto const short_call = gemma4::read_answer(call.substr(0, 25'000) + "<|\"|>}<tool_call|><turn|>");
    CHECK(short_call.tool_calls.size() == 1);
}
