// What chat/answer_event.hpp declares (core/separate.hpp).
#pragma once

#include <gemma4/chat/answer_event.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE void answer::add(answer_event const& event)
    {
        if (auto const* const thought = std::get_if<thought_text>(&event)) { thinking += thought->text; }
        else if (auto const* const text = std::get_if<answer_text>(&event)) { content += text->text; }
        else if (auto const* const call = std::get_if<tool_call>(&event)) { tool_calls.push_back(*call); }
        else if (auto const* const bad = std::get_if<malformed_call>(&event)) { malformed.push_back(*bad); }
        else if (auto const* const half = std::get_if<incomplete_answer>(&event))
        {
            incomplete = half->reason;
        }
        else { end = std::get<end_of_turn>(event).how; }
    }

    GEMMA4_CODE void answer::add(std::vector<answer_event> const& events)
    {
        for (auto const& event : events) { add(event); }
    }
}
