// What a prompt is made from, and its form in JSON.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    struct render_options
    {
        bool add_generation_prompt = false;
        bool enable_thinking = false;
        bool preserve_thinking = false;    // thoughts beside calls of earlier turns stay
    };

    // Messages are objects of Hugging Face's form: role, content (text, or a list of parts {type, text}),
    // tool_calls, tool_call_id, name, reasoning. Made by make_chat_request, they are already as the templates
    // see them.
    struct chat_request
    {
        std::vector<json_value> messages;
        std::vector<json_value> tools;
        render_options options;
    };

    // {"role": role, "content": text}
    inline json_value chat_message(std::string_view role, std::string_view text)
    {
        return json_value::object{{"role", role}, {"content", text}};
    }

    // Checks the request and does what transformers' apply_chat_template does before the template: members of
    // a message that are null are dropped, and reasoning_content is filled from the other names for it.
    inline chat_request make_chat_request(std::vector<json_value> messages,
                                          std::vector<json_value> tools = {}, render_options options = {})
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

    // From {messages, tools, options}; other members are not looked at.
    inline chat_request read_chat_request(json_value const& request)
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
        return make_chat_request(list("messages"), list("tools"),
                                 {.add_generation_prompt = option("add_generation_prompt"),
                                  .enable_thinking = option("enable_thinking"),
                                  .preserve_thinking = option("preserve_thinking")});
    }
}
