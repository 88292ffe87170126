// What generate/stop_string_matcher.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/generate/stop_string_matcher.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE stop_string_matcher::stop_string_matcher(std::vector<std::string> const& strings)
    {
        for (auto const& text : strings)
        {
            if (text.empty()) { throw argument_error("stop strings: expected text, found an empty string"); }
            m_patterns.push_back({text, borders(text), 0});
        }
    }

    GEMMA4_CODE std::string stop_string_matcher::push(std::string_view piece)
    {
        if (matched()) { return {}; }
        for (std::size_t i = 0; i < piece.size(); ++i)
        {
            if (!step(piece[i])) { continue; }
            m_held.append(piece.substr(0, i + 1));
            m_held.resize(m_held.size() - m_patterns[m_match].text.size());
            return take_held();
        }
        m_held.append(piece);
        std::size_t hold = 0;
        for (auto const& stop : m_patterns) { hold = std::max(hold, stop.have); }
        std::string safe(m_held, m_shown, m_held.size() - hold - m_shown);
        m_shown += safe.size();
        // What is held may be long: it moves only when at least as much has been shown.
        if (m_shown >= hold) { m_held.erase(0, std::exchange(m_shown, 0)); }
        return safe;
    }

    GEMMA4_CODE std::string stop_string_matcher::finish()
    {
        for (auto& stop : m_patterns) { stop.have = 0; }
        return take_held();
    }

    GEMMA4_CODE std::string stop_string_matcher::take_held()
    {
        return std::exchange(m_held, {}).substr(std::exchange(m_shown, 0));
    }

    GEMMA4_CODE void stop_string_matcher::reset()
    {
        finish();
        m_match = none;
    }

    GEMMA4_CODE std::vector<std::size_t> stop_string_matcher::borders(std::string_view text)
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

    GEMMA4_CODE bool stop_string_matcher::step(char byte)
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
}
