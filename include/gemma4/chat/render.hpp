// A conversation as the model reads it: the bytes that the checkpoint's chat template gives in Hugging Face
// transformers.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gemma4/chat/chat_request.hpp>
#include <gemma4/chat/chat_segment.hpp>
#include <gemma4/chat/chat_template.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    // argument_error, one sentence, wherever the template itself fails.
    GEMMA4_CODE std::vector<chat_segment> render_segments(chat_template const& format,
                                                          chat_request const& request);

    GEMMA4_CODE std::string render(chat_template const& format, chat_request const& request);

    // Whether the model's answer to this request begins inside a thought that the prompt has opened: what the
    // parser of the answer must be told.
    GEMMA4_CODE bool starts_in_thought(std::span<chat_segment const> prompt) noexcept;
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/render_code.hpp>
#endif
