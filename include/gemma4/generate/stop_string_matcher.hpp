// Streams text up to the first stop string.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    // Pieces of text go in, text that is safe to show comes out: everything but the longest suffix that may
    // yet become a stop string. The match that is complete first wins (the longest of several that end at the
    // same byte), so the output does not depend on how the text is cut into pieces. The stop string and what
    // follows it are never shown. Works on bytes; with UTF-8 in and UTF-8 stop strings, no character is cut.
    // One step per byte and stop string.
    class stop_string_matcher
    {
    public:
        stop_string_matcher() = default;

        // Throws argument_error when a stop string is empty.
        explicit stop_string_matcher(std::vector<std::string> const& strings)
        {
            for (auto const& text : strings)
            {
                if (text.empty())
                {
                    throw argument_error("stop strings: expected text, found an empty string");
                }
                m_patterns.push_back({text, borders(text), 0});
            }
        }

        // The text that became safe to show. Nothing after a match.
        std::string push(std::string_view piece)
        {
            if (matched()) { return {}; }
            for (std::size_t i = 0; i < piece.size(); ++i)
            {
                if (!step(piece[i])) { continue; }
                m_held.append(piece.substr(0, i + 1));
                m_held.resize(m_held.size() - m_patterns[m_match].text.size());
                return std::exchange(m_held, {});
            }
            m_held.append(piece);
            std::size_t hold = 0;
            for (auto const& stop : m_patterns) { hold = std::max(hold, stop.have); }
            std::string safe(m_held, 0, m_held.size() - hold);
            m_held.erase(0, safe.size());
            return safe;
        }

        // The end of the text: what was held back, unless a stop string was found.
        std::string finish()
        {
            for (auto& stop : m_patterns) { stop.have = 0; }
            return std::exchange(m_held, {});
        }

        bool matched() const noexcept { return m_match != none; }

        // Index of the stop string that was found. Only when matched().
        std::size_t match() const noexcept { return m_match; }

        // The matcher as it was when made.
        void reset()
        {
            finish();
            m_match = none;
        }

    private:
        static constexpr auto none = static_cast<std::size_t>(-1);

        struct pattern
        {
            std::string text;
            std::vector<std::size_t> border;    // (text) Knuth, Morris, Pratt 1977
            std::size_t have;    // the longest suffix of the text so far that begins this stop string
        };

        // borders(t)[i]: length of the longest proper prefix of t[0..i] that is also its suffix.
        static std::vector<std::size_t> borders(std::string_view text)
        {
            std::vector<std::size_t> out(text.size(), 0);
            for (std::size_t i = 1, have = 0; i < text.size(); ++i)
            {
                while (have != 0 && text[i] != text[have]) { have = out[have - 1]; }
                have += text[i] == text[have];
                out[i] = have;
            }
            return out;
        }

        // True when byte completes a stop string.
        bool step(char byte)
        {
            std::size_t longest = 0;
            for (std::size_t p = 0; p < m_patterns.size(); ++p)
            {
                auto& [text, border, have] = m_patterns[p];
                while (have != 0 && byte != text[have]) { have = border[have - 1]; }
                have += byte == text[have];
                if (have == text.size() && have > longest)
                {
                    longest = have;
                    m_match = p;
                }
            }
            return longest != 0;
        }

        std::vector<pattern> m_patterns;
        std::string m_held;    // text not shown yet
        std::size_t m_match = none;
    };
}
