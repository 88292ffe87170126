// What chat/call_reader.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <charconv>
#include <system_error>

#include <gemma4/chat/call_reader.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/python_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The escapes of a Python string, as json_escape has those of JSON.
        inline std::size_t python_escape(std::string_view text, std::size_t at, std::string& out)
        {
            constexpr std::string_view names = "\n\\'\"abfnrtv";
            constexpr std::string_view meanings = "\\'\"\a\b\f\n\r\t\v";
            if (at == text.size()) { return text.npos; }
            if (auto const known = names.find(text[at]); known != names.npos)
            {
                if (known != 0) { out += meanings[known - 1]; }    // a line that goes on
                return at + 1;
            }
            auto const code = [&](std::size_t begin, std::size_t most, std::size_t least,
                                  unsigned base) -> std::size_t
            {
                unsigned value = 0;
                auto const* const first = text.data() + begin;
                auto const count = std::min(most, text.size() - begin);
                auto const [end, failed] = std::from_chars(first, first + count, value, int(base));
                bool const is_point = value < 0xd800 || (value >= 0xe000 && value <= 0x10ffff);
                if (failed != std::errc() || std::size_t(end - first) < least || !is_point)
                {
                    return text.npos;
                }
                append_utf8(out, char32_t(value));
                return begin + std::size_t(end - first);
            };
            switch (text[at])
            {
            case 'x': return code(at + 1, 2, 2, 16);
            case 'U': return code(at + 1, 8, 8, 16);
            case 'u': return json_escape(text, at, out);
            default: return text[at] >= '0' && text[at] <= '7' ? code(at, 3, 1, 8) : text.npos;
            }
        }

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
            if (auto const quoted = string_in_quotes(":"))
            {
                key = quoted->first;
                m_at = quoted->second;
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
                refuse_quotes(key);
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
            if (m_text[m_at] == '{') { return read_object(depth + 1); }
            if (m_text[m_at] == '[') { return read_array(depth + 1); }
            if (auto quoted = string_in_quotes(",}]"))
            {
                m_at = quoted->second;
                return std::move(quoted->first);
            }
            return read_bare(in_object);
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
                    // \' is Python's, and no backslash there either
                    bool const apostrophe = m_text.substr(at + 1, 1) == "'";
                    if (next == m_text.npos && !apostrophe) { text += '\\'; }
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

        GEMMA4_CODE std::optional<std::pair<std::string, std::size_t>>
        call_reader::string_in_quotes(std::string_view followers)
        {
            if (m_at == m_text.size()) { return std::nullopt; }
            auto const quote = m_text[m_at];
            if (quote != '"' && quote != '\'') { return std::nullopt; }
            bool const triple = m_text.substr(m_at, 3) == std::string(3, quote);
            return quote == '"' && !triple ? json_string(followers) : python_string(followers);
        }

        GEMMA4_CODE std::pair<std::string, std::size_t> call_reader::python_string(std::string_view followers)
        {
            auto const quote = m_text[m_at];
            bool const triple = m_text.substr(m_at, 3) == std::string(3, quote);
            auto const closing = m_text.substr(m_at, triple ? 3 : 1);
            auto const is_letter = [&](std::size_t at)
            {
                auto const c = static_cast<unsigned char>(at < m_text.size() ? m_text[at] : ' ');
                return (c >= 0x80 && m_text[at] != marker_byte) || (c >= '0' && c <= '9')
                       || ((c | 0x20u) >= 'a' && (c | 0x20u) <= 'z');
            };
            std::string text;
            for (auto at = m_at + closing.size(); at != m_text.size();)
            {
                if (marker_at(m_text, at))
                {
                    text += name_of(marker(m_text[at + 1]));
                    at += 2;
                }
                else if (m_text[at] == '\\')
                {
                    auto const next = python_escape(m_text, at + 1, text);
                    if (next == m_text.npos) { text += '\\'; }
                    at = next == m_text.npos ? at + 1 : next;
                }
                else if (!m_text.substr(at).starts_with(closing)) { text += m_text[at++]; }
                else
                {
                    auto const end = at + closing.size();
                    auto const next = after_space(end);
                    if (next == m_text.size() || marker_at(m_text, next)
                        || followers.find(m_text[next]) != followers.npos)
                    {
                        return {text, end};
                    }
                    if (triple || !is_letter(at - 1) || !is_letter(end))
                    {
                        fail("a quote inside a string in quotes");
                    }
                    text += m_text[at++];
                }
            }
            unfinished(quote == '"' ? string_kind::json : string_kind::python);
        }

        GEMMA4_CODE void call_reader::refuse_quotes(std::string_view word)
        {
            auto const is_quote_mark = [](char c) { return c == '\'' || c == '"'; };
            auto const mark = word.find_first_of("'\"");
            if (mark == word.npos) { return; }
            // ('a', 'b')
            bool const tuple = word.front() == '(' && python::strip(word.substr(1, mark - 1)).empty();
            // u'text', rb"text"
            bool const prefix = mark != 0 && mark <= 2
                                && word.substr(0, mark).find_first_not_of("bBfFrRuU") == word.npos
                                && is_quote_mark(word.back()) && word.size() > mark + 1;
            // text' whose other quote is missing; 27" is a size
            bool const open = is_quote_mark(word.back()) && mark == word.size() - 1 && mark != 0
                              && (word[mark - 1] < '0' || word[mark - 1] > '9');
            if (tuple || prefix || open) { fail("a quote in a value that does not begin with one"); }
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
            refuse_quotes(word);
            return word;
        }
    }
}
