// What api/chat_format.hpp declares (core/separate.hpp).
#pragma once

#include <utility>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/json.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::string read_chat_template(std::filesystem::path const& folder)
    {
        if (auto const path = folder / "chat_template.jinja"; is_there(path))
        {
            return std::string(file_bytes(path).text());
        }
        if (auto const path = folder / "tokenizer_config.json"; is_there(path))
        {
            auto const root = read_json(path);
            if (root.is_object() && root.contains("chat_template") && root["chat_template"].is_string())
            {
                return root["chat_template"].get<std::string>();
            }
        }
        return {};
    }

    GEMMA4_CODE std::optional<chat_format> chat_format_of(std::string_view text)
    {
        if (text.empty()) { return std::nullopt; }
        auto found = recognise_chat_template(text);
        return chat_format{found.nearest, std::move(found.warning)};
    }

    GEMMA4_CODE std::optional<chat_format> read_chat_format(std::filesystem::path const& folder)
    {
        return chat_format_of(read_chat_template(folder));
    }
}
