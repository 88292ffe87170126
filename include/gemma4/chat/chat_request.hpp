// What a prompt is made from, and its form in JSON.
#pragma once

#include <string_view>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/separate.hpp>

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
    GEMMA4_CODE json_value chat_message(std::string_view role, std::string_view text);

    // Checks the request and does what transformers' apply_chat_template does before the template: members of
    // a message that are null are dropped, and reasoning_content is filled from the other names for it.
    GEMMA4_CODE chat_request make_chat_request(std::vector<json_value> messages,
                                               std::vector<json_value> tools = {},
                                               render_options options = {});

    // From {messages, tools, options}; other members are not looked at. Tools are of the templates' form, or
    // of any other that read_tool_list reads, but for a list of inner objects alone: the templates refuse it,
    // and so does rendering.
    GEMMA4_CODE chat_request read_chat_request(json_value const& request);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/chat_request_code.hpp>
#endif
