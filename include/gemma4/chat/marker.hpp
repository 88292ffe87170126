// The control tokens of an answer, found in decoded text.
//
// Both sources of an answer, text and token ids, are brought to one form: valid UTF-8 in which a marker is
// two bytes, 0xff (never part of UTF-8) and its number. What follows reads only that form, so a marker cannot
// be confused with text.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    enum class marker : unsigned char
    {
        quote,    // <|"|>
        open_channel,
        close_channel,
        open_call,
        close_call,
        open_response,    // a stop: the model waits for results
        close_response,
        open_turn,
        close_turn,    // a stop
        eos,           // a stop
        think,
        open_tool,
        close_tool
    };

    inline constexpr std::array<std::string_view, 13> marker_names{
        "<|\"|>",           "<|channel>",       "<channel|>", "<|tool_call>", "<tool_call|>",
        "<|tool_response>", "<tool_response|>", "<|turn>",    "<turn|>",      "<eos>",
        "<|think|>",        "<|tool>",          "<tool|>"};

    constexpr std::string_view name_of(marker m) noexcept { return marker_names[std::size_t(m)]; }

    constexpr bool is_stop(marker m) noexcept
    {
        return m == marker::open_response || m == marker::close_turn || m == marker::eos;
    }

    namespace detail
    {
        inline constexpr char marker_byte = '\xff';

        inline void append_marker(std::string& marked, marker m)
        {
            marked += marker_byte;
            marked += char(m);
        }

        inline bool marker_at(std::string_view marked, std::size_t at) noexcept
        {
            return at + 1 < marked.size() && marked[at] == marker_byte;
        }

        inline bool marker_at(std::string_view marked, std::size_t at, marker m) noexcept
        {
            return marker_at(marked, at) && marked[at + 1] == char(m);
        }

        // Markers spelled as the model's tokens are.
        inline std::string spelled(std::string_view marked)
        {
            std::string out;
            for (std::size_t i = 0; i != marked.size(); ++i)
            {
                if (marker_at(marked, i)) { out += name_of(marker(marked[++i])); }
                else { out += marked[i]; }
            }
            return out;
        }
    }

    // Decoded text in chunks cut anywhere -> marked text. Holds back an incomplete UTF-8 sequence and what
    // may become a marker; ill-formed bytes become U+FFFD.
    class marker_finder
    {
    public:
        std::string push(std::string_view chunk)
        {
            m_held += chunk;
            return take(false);
        }

        std::string finish() { return take(true); }

    private:
        std::string take(bool at_end)
        {
            std::string out;
            std::size_t at = 0;
            while (at != m_held.size())
            {
                auto const rest = std::string_view(m_held).substr(at);
                if (rest.front() == '<')
                {
                    auto const [found, may_become] = match(rest);
                    if (found != marker_names.size())
                    {
                        detail::append_marker(out, marker(found));
                        at += marker_names[found].size();
                        continue;
                    }
                    if (may_become && !at_end) { break; }
                }
                auto const next = decode_utf8(rest, 0);
                if (!next.complete && !at_end) { break; }
                if (next.valid) { out += rest.substr(0, next.length); }
                else { append_utf8(out, replacement_character); }
                at += next.length;
            }
            m_held.erase(0, at);
            return out;
        }

        // The marker that text begins with, and whether text is the beginning of one. No marker begins
        // another.
        static std::pair<std::size_t, bool> match(std::string_view text)
        {
            bool may_become = false;
            for (std::size_t i = 0; i != marker_names.size(); ++i)
            {
                if (text.starts_with(marker_names[i])) { return {i, false}; }
                may_become |= marker_names[i].starts_with(text);
            }
            return {marker_names.size(), may_become};
        }

        std::string m_held;
    };
}
