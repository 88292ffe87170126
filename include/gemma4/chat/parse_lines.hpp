// The command `gemma4 parse` over streams.
#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <utility>

#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    // {"thinking", "content", "tool_calls": [{"name", "arguments"}], "malformed": [raw]}
    inline json_value to_json_value(answer const& a)
    {
        json_value::array calls;
        for (auto const& call : a.tool_calls)
        {
            calls.push_back(json_value::object{{"name", call.name}, {"arguments", call.arguments}});
        }
        json_value::array malformed;
        for (auto const& bad : a.malformed) { malformed.emplace_back(bad.raw); }
        return json_value::object{{"thinking", a.thinking},
                                  {"content", a.content},
                                  {"tool_calls", std::move(calls)},
                                  {"malformed", std::move(malformed)}};
    }

    // From {"chunks": [text, ...], "starts_in": "content" or "thought"}; without starts_in it is content.
    inline answer parse_answer(json_value const& request)
    {
        if (!request.as_object()) { jinja::refuse("the line", "an object", &request); }
        auto const* const chunks = request.find("chunks");
        if (!chunks || !chunks->as_array()) { jinja::refuse("chunks", "a list", chunks); }
        auto const* const where = request.find("starts_in");
        bool const thought = jinja::equals(where, "thought");
        if (where && !where->is_null() && !thought && !jinja::equals(where, "content"))
        {
            throw argument_error(
                sentence("starts_in is ", to_json(*where), ", expected \"content\" or \"thought\""));
        }
        answer out;
        answer_parser parser(thought ? starts_in::thought : starts_in::content);
        for (auto const& chunk : *chunks->as_array())
        {
            out.add(parser.push(jinja::text(&chunk, "a chunk")));
        }
        out.add(parser.finish());
        return out;
    }

    // One answer a line in, what it says a line out, or {"error": "..."} where a line is not of that form.
    // Blank lines are skipped. Only file_error is thrown, where a stream fails.
    inline void parse_lines(std::istream& in, std::ostream& out)
    {
        std::string line;
        for (std::size_t number = 1; std::getline(in, line); ++number)
        {
            if (line.find_first_not_of(" \t\r") == line.npos) { continue; }
            json_value result;
            try
            {
                result = to_json_value(parse_answer(read_json_value(line, sentence("line ", number))));
            }
            catch (error const& e)
            {
                result = json_value::object{{"error", e.what()}};
            }
            out << to_json(result) << '\n' << std::flush;
        }
        if (in.bad()) { throw file_error("the answers cannot be read"); }
        if (!out) { throw file_error("the results cannot be written"); }
    }
}
