// The chat template of a checkpoint.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <gemma4/chat/chat_template.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    struct chat_format
    {
        chat_template const* form;    // never null: the template itself, or the nearest known one
        std::string warning;          // one sentence where it is not the template itself
    };

    // The text of a checkpoint's template: chat_template.jinja, or chat_template in tokenizer_config.json.
    // Empty: the checkpoint is a base model.
    GEMMA4_CODE std::string read_chat_template(std::filesystem::path const& folder);

    // The format of a template's text; none where it is empty: a base model.
    GEMMA4_CODE std::optional<chat_format> chat_format_of(std::string_view text);

    // The format of a checkpoint's folder; none: a base model.
    GEMMA4_CODE std::optional<chat_format> read_chat_format(std::filesystem::path const& folder);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/chat_format_code.hpp>
#endif
