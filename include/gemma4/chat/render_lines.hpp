// The command `gemma4 render` over streams.
#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <string>

#include <gemma4/chat/chat_request.hpp>
#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/render.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    // One request {template, messages, tools, options} a line in; the text as one JSON string a line out, or
    // {"error": "..."}. Blank lines are skipped. Without template (or null) default_template(whether there
    // are tools) is used; none: then it is an error. Only file_error is thrown, where a stream fails.
    inline void render_lines(std::istream& in, std::ostream& out,
                             std::function<chat_template const*(bool has_tools)> const& default_template)
    {
        std::string line;
        for (std::size_t number = 1; std::getline(in, line); ++number)
        {
            if (line.find_first_not_of(" \t\r") == line.npos) { continue; }
            std::string answer;
            try
            {
                auto const root = read_json_value(line, sentence("line ", number));
                auto const* const name = root.find("template");
                bool const is_named = name && !name->is_null();
                auto const* format = is_named ? &chat_template_named(jinja::text(name, "template")) : nullptr;
                auto const request = read_chat_request(root);
                if (!format && default_template) { format = default_template(!request.tools.empty()); }
                if (!format)
                {
                    throw argument_error("template is missing, and no model is given that has one");
                }
                append_json_string(answer, render(*format, request));
            }
            catch (error const& e)
            {
                answer = to_json(json_value::object{{"error", e.what()}});
            }
            out << answer << '\n' << std::flush;
        }
        if (in.bad()) { throw file_error("the requests cannot be read"); }
        if (!out) { throw file_error("the answers cannot be written"); }
    }
}
