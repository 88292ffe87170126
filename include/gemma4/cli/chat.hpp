// gemma4 render, gemma4 parse
#pragma once

#include <filesystem>

#include <gemma4/api/model_path.hpp>
#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/parse_lines.hpp>
#include <gemma4/chat/render_lines.hpp>
#include <gemma4/cli/console.hpp>
#include <gemma4/cli/options.hpp>

namespace gemma4::inline v0::cli
{
    // One JSON request a line in, the rendered text as one JSON string a line out. Without a template in the
    // request the model's own is meant; one that is not known is a warning, and the nearest known one is
    // used.
    inline void render(render_options const& o, console const& io)
    {
        if (o.model.empty()) { return render_lines(io.in, io.out, nullptr); }
        auto const text = open_chat_template(o.model);
        if (text.empty())
        {
            throw mismatch_error(sentence(o.model, " has no chat template: it is a base model"));
        }
        auto const found = recognise_chat_template(text);
        if (!found.exact) { io.err << "gemma4: " << o.model << ": " << found.warning << '\n'; }
        render_lines(io.in, io.out, found.nearest);
    }

    // One answer of a model a line in, in pieces; what it says, thinks and calls a line out.
    inline void parse(parse_options const&, console const& io) { parse_lines(io.in, io.out); }
}
