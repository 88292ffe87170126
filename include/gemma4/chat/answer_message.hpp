// Answers and the results of tools as messages of a conversation.
#pragma once

#include <span>
#include <vector>

#include <gemma4/chat/answer_event.hpp>
#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    // The messages that an answer becomes. Their ids of calls are unique among `history`. Text beside calls
    // becomes a message of its own before them, as the model wrote it, where the template joins the two;
    // where it does not, that text is left out, because the turn would end before the results.
    GEMMA4_CODE std::vector<json_value>
    answer_messages(answer const& said, std::span<json_value const> history, template_rules const& rules);

    // The result of one call. Of any kind: with_tool_responses() makes it what the template can write.
    GEMMA4_CODE json_value tool_message(json_value const& call, json_value result);

    // The calls at the end of a conversation that nobody has answered; none: empty.
    GEMMA4_CODE json_value::array unanswered_calls(std::span<json_value const> messages);

    // Moves tool messages into `tool_responses` of the calls they answer, where the template could not write
    // them as the model knows them: results that are objects, numbers or the like, and every result for
    // templates that write tool messages as turns.
    GEMMA4_CODE std::vector<json_value> with_tool_responses(std::span<json_value const> messages,
                                                            template_rules const& rules);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/answer_message_code.hpp>
#endif
