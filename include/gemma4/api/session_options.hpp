// What a conversation is, besides what is said in it.
#pragma once

#include <string>
#include <vector>

#include <gemma4/chat/tool.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    struct session_options
    {
        std::string system{};                    // empty: none
        std::vector<tool_definition> tools{};    // the model may call them

        // A call that the model opens is one of a declared tool, with arguments that fit its declaration;
        // nothing else can be written there. Text and thoughts are free.
        bool mask_calls = true;

        // How large the grammar of calls may become; tools that are beyond it are not checked, with a
        // warning.
        grammar_limits call_limits{};

        bool thinking = false;
        // Thoughts beside calls of earlier turns stay, where the template can.
        bool preserve_thinking = false;

        // Whether control tokens spelled in messages are control tokens. With text from others they never
        // should be.
        special_tokens in_content = special_tokens::as_text;
    };
}
