// What api/session.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include <gemma4/api/session.hpp>
#include <gemma4/chat/jinja_value.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE bool has_user_message(std::span<json_value const> messages)
    {
        return std::ranges::any_of(messages,
                                   [](json_value const& m) { return jinja::equals(m.find("role"), "user"); });
    }

    GEMMA4_CODE void set_system_message(std::vector<json_value>& messages, std::string_view text)
    {
        auto const is_system = [](json_value const& m)
        { return jinja::equals(m.find("role"), "system") || jinja::equals(m.find("role"), "developer"); };
        if (!messages.empty() && is_system(messages.front())) { messages.erase(messages.begin()); }
        if (!text.empty()) { messages.insert(messages.begin(), chat_message("system", text)); }
    }

    GEMMA4_CODE turn user_turn(std::string_view text, std::vector<medium> media)
    {
        if (media.empty()) { return {chat_message("user", text)}; }
        json_value::array parts;
        for (auto const& m : media)
        {
            constexpr std::string_view types[] = {"image", "audio", "video"};
            parts.push_back(json_value::object{{"type", std::string(types[std::size_t(m->item.kind)])}});
        }
        parts.push_back(json_value::object{{"type", "text"}, {"text", std::string(text)}});
        return {std::vector<json_value>{json_value::object{{"role", "user"}, {"content", std::move(parts)}}},
                std::move(media)};
    }
}
