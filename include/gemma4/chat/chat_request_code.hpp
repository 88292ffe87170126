// What chat/chat_request.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <utility>

#include <gemma4/chat/chat_request.hpp>
#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/tool_list.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE json_value chat_message(std::string_view role, std::string_view text)
    {
        return json_value::object{{"role", role}, {"content", text}};
    }

    GEMMA4_CODE chat_request make_chat_request(std::vector<json_value> messages,
                                               std::vector<json_value> tools, render_options options)
    {
        if (messages.empty()) { throw argument_error("messages: expected at least one, found none"); }
        for (auto& message : messages)
        {
            if (!message.as_object()) { jinja::refuse("a message", "an object", &message); }
            json_value::object kept;
            for (auto const& member : *message.as_object())
            {
                if (!member.value.is_null()) { kept.push_back(member); }
            }
            message = std::move(kept);
            for (auto const* const name : {"reasoning_content", "thinking", "reasoning"})
            {
                if (auto const* const text = message.find(name))
                {
                    message.set("reasoning_content", json_value(*text));
                    break;
                }
            }
        }
        for (auto const& tool : tools)
        {
            if (!tool.as_object()) { jinja::refuse("a tool", "an object", &tool); }
        }
        return {std::move(messages), std::move(tools), options};
    }

    namespace detail
    {
        // The tools of a request. Those in the form of the templates stay as they are, whatever is in them;
        // so do the inner objects of that form alone, which the templates refuse.
        inline std::vector<json_value> tools_of(json_value const* tools)
        {
            if (!tools || tools->is_null()) { return {}; }
            auto const is_templates_form = [](json_value const& tool)
            {
                auto const* const function = tool.find("function");
                if (!function)
                {
                    auto const is_inner = [](json_member const& m)
                    {
                        return m.name == "name" || m.name == "description" || m.name == "title"
                               || m.name == "parameters";
                    };
                    return !tool.as_object() || std::ranges::all_of(*tool.as_object(), is_inner);
                }
                return std::ranges::none_of(parameters_keys, [&](parameters_key const& k)
                                            { return k.demanded && function->find(k.key); });
            };
            auto const* const all = tools->as_array();
            if (all && std::ranges::all_of(*all, is_templates_form)) { return *all; }
            std::vector<json_value> declarations;
            for (auto& tool : read_tool_list(*tools, "tools"))
            {
                declarations.push_back(std::move(tool.declaration));
            }
            return declarations;
        }
    }

    GEMMA4_CODE chat_request read_chat_request(json_value const& request)
    {
        auto const list = [&](std::string_view name)
        {
            auto const* const value = request.find(name);
            if (!value || value->is_null()) { return json_value::array(); }
            if (!value->as_array()) { jinja::refuse(name, "a list", value); }
            return *value->as_array();
        };
        if (!request.as_object()) { jinja::refuse("the request", "an object", &request); }
        auto const* const options = request.find("options");
        if (options && !options->is_null() && !options->as_object())
        {
            jinja::refuse("options", "an object", options);
        }
        auto const option = [&](std::string_view name)
        { return options && jinja::truthy(options->find(name)); };
        if (option("continue_final_message"))
        {
            throw argument_error("options.continue_final_message is not supported");
        }
        return make_chat_request(list("messages"), detail::tools_of(request.find("tools")),
                                 {.add_generation_prompt = option("add_generation_prompt"),
                                  .enable_thinking = option("enable_thinking"),
                                  .preserve_thinking = option("preserve_thinking")});
    }
}
