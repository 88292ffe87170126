// What chat/answer_reader.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <utility>

#include <gemma4/chat/answer_reader.hpp>
#include <gemma4/chat/python_text.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        GEMMA4_CODE void answer_reader::push(std::string_view marked, std::vector<answer_event>& events)
        {
            while (!marked.empty())
            {
                if (m_state == state::stopped) { return; }
                if (m_state == state::call)
                {
                    marked.remove_prefix(take_call(marked, events));
                    continue;
                }
                auto const end = std::min(marked.find(marker_byte), marked.size());
                if (end != 0)
                {
                    text(marked.substr(0, end), events);
                    marked.remove_prefix(end);
                    continue;
                }
                take_marker(marker(marked[1]), events);
                marked.remove_prefix(2);
            }
        }

        GEMMA4_CODE void answer_reader::finish(std::vector<answer_event>& events)
        {
            while (m_state == state::call) { finish_call(events); }
            if (m_state != state::stopped) { stop(turn_end::cut, events); }
        }

        GEMMA4_CODE bool answer_reader::in_thought() const noexcept
        {
            return m_state == state::thought || m_state == state::thought_header;
        }

        GEMMA4_CODE void answer_reader::stop(turn_end how, std::vector<answer_event>& events)
        {
            events.emplace_back(end_of_turn{how});
            m_state = state::stopped;
        }

        GEMMA4_CODE void answer_reader::content(std::string_view piece, std::vector<answer_event>& events)
        {
            if (auto out = m_content.put(piece); !out.empty())
            {
                events.emplace_back(answer_text{std::move(out)});
            }
        }

        GEMMA4_CODE void answer_reader::thought(std::string_view piece, std::vector<answer_event>& events)
        {
            bool const first = !m_thought.any();
            auto out = m_thought.put(piece);
            if (out.empty()) { return; }
            if (first && m_thoughts) { out.insert(0, "\n"); }
            m_thoughts = true;
            events.emplace_back(thought_text{std::move(out)});
        }

        GEMMA4_CODE void answer_reader::text(std::string_view piece, std::vector<answer_event>& events)
        {
            switch (m_state)
            {
            case state::content: return content(piece, events);
            case state::thought: return thought(piece, events);
            case state::turn_header:
            case state::thought_header:
            {
                // One of the two names, which is not text; anything else is.
                bool const is_turn = m_state == state::turn_header;
                auto const name = is_turn ? turn_name : thought_name;
                m_header += piece;
                if (name.starts_with(m_header) && m_header != name) { return; }
                auto const header = std::exchange(m_header, {});
                auto const rest = std::string_view(header).substr(header.starts_with(name) ? name.size() : 0);
                m_state = is_turn ? state::content : state::thought;
                if (is_turn) { return content(rest, events); }
                return thought(rest, events);
            }
            case state::call:
            case state::stopped: return;
            }
        }

        GEMMA4_CODE void answer_reader::take_marker(marker m, std::vector<answer_event>& events)
        {
            end_header(events);
            if (is_stop(m))
            {
                return stop(m == marker::open_response ? turn_end::run_tools : turn_end::turn, events);
            }
            if (m == marker::open_channel)
            {
                m_state = state::thought_header;
                m_thought = {};
            }
            else if (m == marker::open_call)
            {
                m_state = state::call;
                m_call.clear();
                m_open_string = string_kind::none;
            }
            else if (m == marker::close_channel) { m_state = state::content; }
            else if (m == marker::open_turn && m_state == state::content && !m_began && !m_content.any())
            {
                m_state = state::turn_header;
            }
            m_began = true;
        }

        GEMMA4_CODE void answer_reader::end_header(std::vector<answer_event>& events)
        {
            auto const header = std::exchange(m_header, {});
            if (m_state == state::turn_header)
            {
                m_state = state::content;
                if (header != "model") { content(header, events); }
            }
            else if (m_state == state::thought_header)
            {
                m_state = state::thought;
                if (header != "thought") { thought(header, events); }
            }
        }

        GEMMA4_CODE bool answer_reader::is_quote(std::string_view marked, std::size_t at)
        {
            return marker_at(marked, at, marker::quote);
        }

        GEMMA4_CODE std::size_t answer_reader::call_border(std::string_view marked)
        {
            auto at = marked.find(marker_byte);
            while (at != marked.npos && is_quote(marked, at)) { at = marked.find(marker_byte, at + 2); }
            return std::min(at, marked.size());
        }

        GEMMA4_CODE bool answer_reader::may_close_string(std::string_view marked) const
        {
            if (m_open_string == string_kind::json) { return marked.find('"') != marked.npos; }
            if (m_open_string == string_kind::python) { return marked.find('\'') != marked.npos; }
            for (std::size_t at = marked.find(marker_byte); at != marked.npos;
                 at = marked.find(marker_byte, at + 2))
            {
                if (is_quote(marked, at)) { return true; }
            }
            return false;
        }

        GEMMA4_CODE std::size_t answer_reader::take_call(std::string_view marked,
                                                         std::vector<answer_event>& events)
        {
            auto const border = call_border(marked);
            m_call += marked.substr(0, border);
            m_closable = m_closable || may_close_string(marked.substr(0, border));
            if (border == marked.size()) { return border; }
            auto const length = m_call.size();
            m_call += marked.substr(border, 2);
            if (m_open_string != string_kind::none && !m_closable) { return border + 2; }
            if (m_call.size() > m_to_read)
            {
                m_call.resize(length);
                events.emplace_back(malformed_call{spelled(m_call), "too many control tokens in strings"});
                m_state = state::content;
                return border;
            }
            m_to_read -= m_call.size();

            call_reader reader(m_call);
            auto const outcome = reader.read();
            if (outcome == call_reader::outcome::unfinished)
            {
                m_open_string = reader.open_string();
                m_closable = false;
                return border + 2;
            }
            m_call.resize(length);
            end_call(reader, outcome, events);
            return border;
        }

        GEMMA4_CODE void answer_reader::finish_call(std::vector<answer_event>& events)
        {
            call_reader reader(m_call);
            auto const outcome = reader.read();
            if (outcome != call_reader::outcome::unfinished) { return end_call(reader, outcome, events); }
            // A string was never closed, so its data may hold the end of the call: it is taken for that.
            auto const border = call_border(m_call);
            auto const rest = m_call.substr(border);
            events.emplace_back(malformed_call{spelled(std::string_view(m_call).substr(0, border)),
                                               "a string is not closed"});
            m_state = state::content;
            push(rest, events);
        }

        GEMMA4_CODE void answer_reader::end_call(call_reader& reader, call_reader::outcome outcome,
                                                 std::vector<answer_event>& events)
        {
            if (outcome == call_reader::outcome::call) { events.emplace_back(std::move(reader.call())); }
            else { events.emplace_back(malformed_call{spelled(m_call), reader.reason()}); }
            m_state = state::content;
        }
    }

    namespace detail
    {
        GEMMA4_CODE std::string piecewise_strip::put(std::string_view piece)
        {
            auto const end = python::end_of_text(piece);
            if (end == 0)
            {
                if (m_any) { m_blanks += piece; }
                return {};
            }
            auto const begin = m_any ? 0 : python::begin_of_text(piece);
            auto out = std::exchange(m_blanks, std::string(piece.substr(end)));
            out += piece.substr(begin, end - begin);
            m_any = true;
            return out;
        }
    }
}
