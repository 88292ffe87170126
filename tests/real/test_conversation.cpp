// Every shared case of rendering and of reading answers. Not in CI: the environment variable
// GEMMA4_SHARED_CONVERSATION names a folder with cases.jsonl {template, messages, tools, options, text or
// error}, parse_cases.jsonl {chunks, starts_in, expect} and templates/NAME.jinja.
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "chat/chat_cases.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/parse_lines.hpp>
#include <gemma4/chat/render.hpp>

namespace
{
    using gemma4::json_value;

    std::filesystem::path shared()
    {
        auto const* const value = std::getenv("GEMMA4_SHARED_CONVERSATION");
        REQUIRE_MESSAGE(value != nullptr,
                        "set GEMMA4_SHARED_CONVERSATION to the folder of the shared conversation data");
        return value;
    }
}

TEST_CASE("conversation: every shared rendering case")
{
    for (auto const& row : chat_test::json_lines(shared() / "cases.jsonl"))
    {
        CAPTURE(gemma4::to_json(row));
        auto const& format = gemma4::chat_template_named(*row.find("template")->as_string());
        if (auto const* const text = row.find("text"))
        {
            CHECK(gemma4::render(format, gemma4::read_chat_request(row)) == *text->as_string());
        }
        else
        {
            CHECK_THROWS_AS((void)gemma4::render(format, gemma4::read_chat_request(row)),
                            gemma4::argument_error);
        }
    }
}

TEST_CASE("conversation: every shared answer, in its chunks, a character at a time and cut at random")
{
    chat_test::choices random(4);
    for (auto const& row : chat_test::json_lines(shared() / "parse_cases.jsonl"))
    {
        CAPTURE(gemma4::to_json(row));
        auto expect = *row.find("expect");
        if (!expect.find("malformed")) { expect.set("malformed", json_value::array{}); }
        auto const check = [&](json_value chunks)
        {
            json_value request(json_value::object{{"chunks", chunks}, {"starts_in", *row.find("starts_in")}});
            CHECK(gemma4::to_json_value(gemma4::parse_answer(request)) == expect);
        };
        check(*row.find("chunks"));
        std::string text;
        for (auto const& chunk : *row.find("chunks")->as_array()) { text += *chunk.as_string(); }
        json_value::array bytes;
        for (char const c : text) { bytes.emplace_back(std::string(1, c)); }
        check(bytes);
        for (int round = 0; round != 50; ++round)
        {
            json_value::array pieces;
            for (auto const& piece : random.split(text)) { pieces.emplace_back(piece); }
            check(pieces);
        }
    }
}

TEST_CASE("conversation: every shared template is recognised by its text")
{
    for (auto const& known : gemma4::known_chat_templates)
    {
        auto const found = gemma4::recognise_chat_template(
            chat_test::read_file(shared() / "templates" / (std::string(known.name) + ".jinja")));
        CHECK(found.difference.empty());
        CHECK(found.form == &known);
    }
}
