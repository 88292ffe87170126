// What chat/answer_message.hpp declares (core/separate.hpp).
#pragma once

#include <cstddef>
#include <utility>

#include <gemma4/chat/answer_message.hpp>
#include <gemma4/chat/chat_request.hpp>
#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::vector<json_value>
    answer_messages(answer const& said, std::span<json_value const> history, template_rules const& rules)
    {
        std::vector<json_value> messages;
        auto message = chat_message("assistant", said.content);
        if (!said.thinking.empty()) { message.set("reasoning", said.thinking); }
        if (said.tool_calls.empty())
        {
            messages.push_back(std::move(message));
            return messages;
        }
        bool const joins = rules.joining == turn_joining::after_assistant && rules.looks_ahead;
        if (!said.content.empty() && joins)
        {
            messages.push_back(std::move(message));
            message = chat_message("assistant", "");
        }
        message.set("content", "");
        json_value::array calls;
        for (auto const& call : said.tool_calls)
        {
            calls.push_back(json_value::object{
                {"id", sentence("call_", history.size(), "_", calls.size())},
                {"type", "function"},
                {"function", json_value::object{{"name", call.name}, {"arguments", call.arguments}}}});
        }
        message.set("tool_calls", std::move(calls));
        messages.push_back(std::move(message));
        return messages;
    }

    GEMMA4_CODE json_value tool_message(json_value const& call, json_value result)
    {
        auto message = json_value::object{{"role", "tool"}};
        if (auto const* const id = call.find("id")) { message.push_back({"tool_call_id", *id}); }
        if (auto const* const function = call.find("function"); function && function->find("name"))
        {
            message.push_back({"name", *function->find("name")});
        }
        message.push_back({"content", std::move(result)});
        return message;
    }

    GEMMA4_CODE json_value::array unanswered_calls(std::span<json_value const> messages)
    {
        if (messages.empty() || messages.back().find("tool_responses")) { return {}; }
        auto const* const calls = messages.back().find("tool_calls");
        return calls && calls->as_array() ? *calls->as_array() : json_value::array();
    }

    GEMMA4_CODE std::vector<json_value> with_tool_responses(std::span<json_value const> messages,
                                                            template_rules const& rules)
    {
        auto const is_tool = [](json_value const& m) { return jinja::equals(m.find("role"), "tool"); };
        auto const written_as_it_is = [&](json_value const& m)
        {
            auto const* const content = m.find("content");
            return rules.folds_tool_messages
                   && (!content || content->is_null() || content->as_string() || content->as_array());
        };
        auto const name_of = [](json_value::array const& calls, json_value const& message) -> json_value
        {
            json_value name = "unknown";
            if (auto const* const own = message.find("name"); own && own->as_string()) { name = *own; }
            auto const* const id = message.find("tool_call_id");
            for (auto const& call : calls)
            {
                auto const* const function = call.find("function");
                auto const* const call_id = call.find("id");
                if (function && function->find("name") && id && call_id && *id == *call_id)
                {
                    name = *function->find("name");
                }
            }
            return name;
        };

        std::vector<json_value> out;
        for (std::size_t i = 0; i != messages.size();)
        {
            out.push_back(messages[i++]);
            auto const* const calls = out.back().find("tool_calls");
            auto end = i;
            bool all = true;
            for (; end != messages.size() && is_tool(messages[end]); ++end)
            {
                all = all && written_as_it_is(messages[end]);
            }
            if (all || !calls || !calls->as_array()) { continue; }
            json_value::array responses;
            for (; i != end; ++i)
            {
                auto const* const content = messages[i].find("content");
                responses.push_back(json_value::object{{"name", name_of(*calls->as_array(), messages[i])},
                                                       {"response", content ? *content : json_value()}});
            }
            out.back().set("tool_responses", std::move(responses));
        }
        return out;
    }
}
