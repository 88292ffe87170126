// gemma4 render, gemma4 templates, gemma4 parse
#pragma once

#include <filesystem>
#include <iomanip>
#include <string>

#include <gemma4/api/model_path.hpp>
#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/parse_lines.hpp>
#include <gemma4/chat/render_lines.hpp>
#include <gemma4/cli/console.hpp>
#include <gemma4/cli/options.hpp>
#include <gemma4/io/json.hpp>

namespace gemma4::inline v0::cli
{
    // One JSON request a line in, the rendered text as one JSON string a line out. Without a template in the
    // request that of --template or the model's own is meant.
    inline void render(render_options const& o, console const& io)
    {
        if (o.model.empty() && o.chat_template.empty()) { return render_lines(io.in, io.out, {}); }
        auto const format = o.model.empty() ? choose_chat_format({}, o.chat_template, [] { return nullptr; })
                                            : open_chat_format(o.model, o.chat_template);
        for (auto const& warning : format.warnings) { io.err << "gemma4: warning: " << warning << '\n'; }
        auto const name = o.model.empty() ? "render" : o.model;
        if (!format.with_tools) { (void)demand_template(format, false, name); }
        render_lines(io.in, io.out,
                     [&](bool has_tools) { return &demand_template(format, has_tools, name); });
    }

    inline void templates(templates_options const& o, console const& io)
    {
        auto all = nlohmann::ordered_json::array();
        for (auto const& known : known_chat_templates)
        {
            all.push_back({{"name", known.name}, {"used_by", known.used_by}, {"sha256", known.sha256}});
            if (o.json) { continue; }
            io.out << std::left << std::setw(22) << known.name << std::setw(53) << known.used_by
                   << known.sha256 << '\n';
        }
        if (o.json) { io.out << all.dump() << '\n'; }
    }

    // One answer of a model a line in, in pieces; what it says, thinks and calls a line out.
    inline void parse(parse_options const&, console const& io) { parse_lines(io.in, io.out); }
}
