// What a model's answer consists of, as it comes, and put together.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <gemma4/chat/call_reader.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    // All thought events of an answer together are its thinking: each thought trimmed, joined by a newline.
    struct thought_text
    {
        std::string text;

        bool operator==(thought_text const&) const = default;
    };

    // All together are the content: the text outside thoughts and calls, trimmed at both ends.
    struct answer_text
    {
        std::string text;

        bool operator==(answer_text const&) const = default;
    };

    // What stood between the markers of a call and could not be read.
    struct malformed_call
    {
        std::string raw;
        std::string reason;

        bool operator==(malformed_call const&) const = default;
    };

    enum class turn_end
    {
        turn,         // <turn|> or <eos>
        run_tools,    // <|tool_response>: the model waits for the results of its calls
        cut           // the text ended without a stop marker
    };

    // A restricted answer (generate/token_mask.hpp) ended before it was whole: what was given out is half a
    // value.
    struct incomplete_answer
    {
        std::string reason;

        bool operator==(incomplete_answer const&) const = default;
    };

    // Always the last event.
    struct end_of_turn
    {
        turn_end how;

        bool operator==(end_of_turn const&) const = default;
    };

    using answer_event =
        std::variant<thought_text, answer_text, tool_call, malformed_call, incomplete_answer, end_of_turn>;

    struct answer
    {
        std::string thinking;
        std::string content;
        std::vector<tool_call> tool_calls;
        std::vector<malformed_call> malformed;
        std::string incomplete;    // why a restricted answer is not whole; empty: it is
        turn_end end = turn_end::cut;

        bool operator==(answer const&) const = default;

        void add(answer_event const& event);

        void add(std::vector<answer_event> const& events);
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/answer_event_code.hpp>
#endif
