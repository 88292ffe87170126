// What chat/call_reader.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <optional>

#include <gemma4/chat/call_reader.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/python_text.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        GEMMA4_CODE call_reader::outcome call_reader::read()
        {
            try
            {
                skip_space();
                if (!take("call:")) { fail("expected call:"); }
                auto const brace = scan("{");
                m_call.name = python::strip(m_text.substr(m_at, brace - m_at));
                m_at = brace;
                if (m_at == m_text.size() || m_text[m_at] != '{') { fail("expected { after the name"); }
                if (m_call.name.empty()) { fail("expected a name"); }
                m_call.arguments = read_object(1);
                skip_space();
                if (m_at != m_text.size() && !marker_at(m_text, m_at)) { fail("text after the arguments"); }
                return outcome::call;
            }
            catch (stop const& s)
            {
                return s.result;
            }
        }

        GEMMA4_CODE void call_reader::fail(std::string_view reason)
        {
            m_reason = reason;
            throw stop{outcome::malformed};
        }

        GEMMA4_CODE void call_reader::unfinished(string_kind open)
        {
            m_open_string = open;
            throw stop{outcome::unfinished};
        }

        GEMMA4_CODE bool call_reader::take(std::string_view word)
        {
            if (!m_text.substr(m_at).starts_with(word)) { return false; }
            m_at += word.size();
            return true;
        }

        GEMMA4_CODE std::size_t call_reader::after_space(std::size_t at) const
        {
            return at + python::begin_of_text(m_text.substr(at));
        }

        GEMMA4_CODE std::size_t call_reader::scan(std::string_view characters, std::size_t at) const
        {
            while (at != m_text.size() && m_text[at] != marker_byte
                   && characters.find(m_text[at]) == characters.npos)
            {
                ++at;
            }
            return at;
        }

        GEMMA4_CODE bool call_reader::ends_value(std::size_t at) const
        {
            at = after_space(at);
            return at == m_text.size() || std::string_view(",}]").find(m_text[at]) != std::string_view::npos
                   || (marker_at(m_text, at) && !is_quote(at));
        }

        GEMMA4_CODE json_value call_reader::read_object(std::size_t depth)
        {
            enter(depth);
            json_value::object members;
            if (take("}")) { return members; }
            for (;;)
            {
                auto key = read_key();
                members.push_back({std::move(key), read_value(depth, true)});
                skip_space();
                if (take("}")) { return members; }
                if (!take(",")) { fail("expected , or } after a value"); }
            }
        }

        GEMMA4_CODE json_value call_reader::read_array(std::size_t depth)
        {
            enter(depth);
            json_value::array items;
            if (take("]")) { return items; }
            for (;;)
            {
                items.push_back(read_value(depth, false));
                skip_space();
                if (take("]")) { return items; }
                if (!take(",")) { fail("expected , or ] after a value"); }
            }
        }

        GEMMA4_CODE void call_reader::enter(std::size_t depth)
        {
            if (depth > max_chat_json_depth) { fail("nested too deep"); }
            ++m_at;
            skip_space();
        }

        GEMMA4_CODE std::string call_reader::read_key()
        {
            skip_space();
            std::string key;
            if (m_at != m_text.size() && m_text[m_at] == '"')
            {
                auto const [text, end] = json_string(":");
                key = text;
                m_at = end;
            }
            else if (is_quote(m_at))
            {
                auto const end = scan("", m_at + 2);
                if (!is_quote(end)) { fail("expected a key"); }
                key = m_text.substr(m_at + 2, end - m_at - 2);
                m_at = end + 2;
            }
            else
            {
                auto const end = scan(":,{}[]");
                key = python::strip(m_text.substr(m_at, end - m_at));
                if (key.empty()) { fail("expected a key"); }
                m_at = end;
            }
            skip_space();
            if (!take(":")) { fail("expected : after a key"); }
            return key;
        }

        GEMMA4_CODE json_value call_reader::read_value(std::size_t depth, bool in_object)
        {
            skip_space();
            if (m_at == m_text.size()) { fail("expected a value"); }
            if (is_quote(m_at)) { return read_quoted(); }
            switch (m_text[m_at])
            {
            case '{': return read_object(depth + 1);
            case '[': return read_array(depth + 1);
            case '"':
            {
                auto [text, end] = json_string(",}]");
                m_at = end;
                return text;
            }
            default: return read_bare(in_object);
            }
        }

        GEMMA4_CODE json_value call_reader::read_quoted()
        {
            std::string text;
            for (auto at = m_at + 2;;)
            {
                auto const end = scan("", at);
                text += m_text.substr(at, end - at);
                if (end == m_text.size()) { unfinished(string_kind::quoted); }
                if (is_quote(end) && ends_value(end + 2))
                {
                    m_at = end + 2;
                    return text;
                }
                text += is_quote(end) ? "\"" : name_of(marker(m_text[end + 1]));
                at = end + 2;
            }
        }

        GEMMA4_CODE std::pair<std::string, std::size_t> call_reader::json_string(std::string_view followers)
        {
            std::string text;
            for (auto at = m_at + 1; at != m_text.size();)
            {
                if (marker_at(m_text, at))
                {
                    text += name_of(marker(m_text[at + 1]));
                    at += 2;
                }
                else if (m_text[at] == '\\')
                {
                    auto const next = json_escape(m_text, at + 1, text);
                    if (next == m_text.npos) { text += '\\'; }
                    at = next == m_text.npos ? at + 1 : next;
                }
                else if (m_text[at] != '"') { text += m_text[at++]; }
                else
                {
                    auto const next = after_space(++at);
                    if (next == m_text.size() || marker_at(m_text, next)
                        || followers.find(m_text[next]) != followers.npos)
                    {
                        return {text, at};
                    }
                    text += '"';
                }
            }
            unfinished(string_kind::json);
        }

        GEMMA4_CODE json_value call_reader::read_bare(bool in_object)
        {
            auto const begin = m_at;
            auto end = scan(",}]");
            if (in_object)
            {
                // A string without its opening quote may hold commas, unless what follows one is the next
                // key.
                auto far = end;
                while (far != m_text.size() && m_text[far] == ',')
                {
                    auto const next = scan(":,{}[]", far + 1);
                    if (next != m_text.size() && m_text[next] == ':') { break; }
                    far = scan(",}]", far + 1);
                }
                if (is_quote(far)) { end = far; }
            }
            if (is_quote(end))
            {
                if (!ends_value(end + 2)) { fail("a quote inside a value that has no opening quote"); }
                m_at = end + 2;
                return m_text.substr(begin, end - begin);
            }
            auto const word = python::strip(m_text.substr(begin, end - begin));
            m_at = end;
            if (word.empty()) { fail("expected a value"); }
            if (end == m_text.size() || marker_at(m_text, end)) { fail("the arguments are not closed"); }
            if (word == "true" || word == "True") { return true; }
            if (word == "false" || word == "False") { return false; }
            if (word == "null" || word == "None") { return {}; }
            if (auto number = json_number(word)) { return *number; }
            return word;
        }
    }
}
