// What chat/json_text.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/python_text.hpp>
#include <gemma4/core/byte_order_mark.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        GEMMA4_CODE std::optional<json_value> json_number(std::string_view text)
        {
            std::size_t at = 0;
            auto const digits = [&]
            {
                auto const begin = at;
                while (at != text.size() && text[at] >= '0' && text[at] <= '9') { ++at; }
                return at - begin;
            };
            if (at != text.size() && text[at] == '-') { ++at; }
            auto const first = at;
            auto const whole = digits();
            if (whole == 0 || (whole > 1 && text[first] == '0')) { return std::nullopt; }
            if (at == text.size())
            {
                return json_value(json_value::integer{text == "-0" ? std::string("0") : std::string(text)});
            }
            if (text[at] == '.')
            {
                ++at;
                if (digits() == 0) { return std::nullopt; }
            }
            if (at != text.size() && (text[at] == 'e' || text[at] == 'E'))
            {
                ++at;
                if (at != text.size() && (text[at] == '+' || text[at] == '-')) { ++at; }
                if (digits() == 0) { return std::nullopt; }
            }
            if (at != text.size()) { return std::nullopt; }
            double value = 0;
            auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
            if (result.ec == std::errc::result_out_of_range)
            {
                // from_chars does not say which end: a negative exponent, or zeros only before the first
                // digit, is small.
                auto const exponent = text.find_first_of("eE");
                bool const negative_exponent = exponent != text.npos && text[exponent + 1] == '-';
                bool const zero_whole = text[first] == '0';
                value = negative_exponent || (zero_whole && exponent == text.npos) ? 0.0 : HUGE_VAL;
                if (text.front() == '-') { value = -value; }
            }
            return json_value(value);
        }

        GEMMA4_CODE std::size_t json_escape(std::string_view text, std::size_t at, std::string& out)
        {
            constexpr std::string_view names = "\"\\/bfnrt";
            constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
            if (at == text.size()) { return text.npos; }
            if (auto const known = names.find(text[at]); known != names.npos)
            {
                out += meanings[known];
                return at + 1;
            }
            auto const unit = [&](std::size_t place) -> std::optional<char32_t>
            {
                if (place + 5 > text.size() || text[place] != 'u') { return std::nullopt; }
                unsigned value = 0;
                auto const* const begin = text.data() + place + 1;
                auto const result = std::from_chars(begin, begin + 4, value, 16);
                if (result.ec != std::errc() || result.ptr != begin + 4) { return std::nullopt; }
                return char32_t(value);
            };
            auto const first = unit(at);
            if (!first || (*first >= 0xdc00 && *first < 0xe000)) { return text.npos; }
            if (*first < 0xd800 || *first >= 0xe000)
            {
                append_utf8(out, *first);
                return at + 5;
            }
            auto const second = at + 5 < text.size() && text[at + 5] == '\\' ? unit(at + 6) : std::nullopt;
            if (!second || *second < 0xdc00 || *second >= 0xe000) { return text.npos; }
            append_utf8(out, 0x10000 + ((*first - 0xd800) << 10) + (*second - 0xdc00));
            return at + 11;
        }
    }

    namespace detail
    {
        class json_text_reader
        {
        public:
            json_text_reader(std::string_view text, std::string_view where)
                : m_text(text)
                , m_where(where)
            {}

            json_value document()
            {
                if (auto const good = well_formed_prefix(m_text); good != m_text.size())
                {
                    m_at = good;
                    fail("UTF-8");
                }
                auto value = read(0);
                skip_space();
                if (m_at != m_text.size()) { fail("the end"); }
                return value;
            }

        private:
            [[noreturn]] void fail(std::string_view expected) const
            {
                throw argument_error(sentence(m_where, ": not JSON: at byte ", m_at, ": expected ", expected,
                                              ", found ", found()));
            }

            std::string found() const
            {
                if (m_at >= m_text.size()) { return "the end"; }
                auto const c = static_cast<unsigned char>(m_text[m_at]);
                return c > ' ' && c < 0x7f ? sentence("'", char(c), "'") : sentence("byte ", unsigned(c));
            }

            void skip_space()
            {
                while (m_at != m_text.size()
                       && std::string_view(" \t\n\r").find(m_text[m_at]) != std::string_view::npos)
                {
                    ++m_at;
                }
            }

            bool take(std::string_view word)
            {
                if (!m_text.substr(m_at).starts_with(word)) { return false; }
                m_at += word.size();
                return true;
            }

            json_value read(std::size_t depth)
            {
                skip_space();
                if (m_at == m_text.size()) { fail("a value"); }
                switch (m_text[m_at])
                {
                case '{': return read_object(depth + 1);
                case '[': return read_array(depth + 1);
                case '"': return json_value(read_string());
                default: break;
                }
                if (take("null")) { return {}; }
                if (take("true")) { return true; }
                if (take("false")) { return false; }
                if (take("NaN")) { return std::nan(""); }
                if (take("Infinity")) { return HUGE_VAL; }
                if (take("-Infinity")) { return -HUGE_VAL; }
                auto const end = m_text.find_first_not_of("+-.0123456789eE", m_at);
                auto const number = json_number(m_text.substr(m_at, end == m_text.npos ? end : end - m_at));
                if (!number) { fail("a value"); }
                m_at = end == m_text.npos ? m_text.size() : end;
                return *number;
            }

            std::string read_string()
            {
                std::string out;
                for (++m_at;;)
                {
                    auto const end =
                        m_at + std::min(m_text.substr(m_at).find_first_of("\"\\"), m_text.size() - m_at);
                    for (auto i = m_at; i != end; ++i)
                    {
                        if (static_cast<unsigned char>(m_text[i]) < 0x20)
                        {
                            m_at = i;
                            fail("no control character in a string");
                        }
                    }
                    out += m_text.substr(m_at, end - m_at);
                    m_at = end;
                    if (m_at == m_text.size()) { fail("the end of a string"); }
                    if (m_text[m_at] == '"')
                    {
                        ++m_at;
                        return out;
                    }
                    auto const next = json_escape(m_text, m_at + 1, out);
                    if (next == m_text.npos) { fail("an escape that stands for a character"); }
                    m_at = next;
                }
            }

            void enter(std::size_t depth)
            {
                if (depth > max_chat_json_depth)
                {
                    throw argument_error(
                        sentence(m_where, ": JSON nested deeper than ", max_chat_json_depth, " levels"));
                }
                ++m_at;
                skip_space();
            }

            json_value read_array(std::size_t depth)
            {
                enter(depth);
                json_value::array items;
                if (take("]")) { return items; }
                for (;;)
                {
                    items.push_back(read(depth));
                    skip_space();
                    if (take("]")) { return items; }
                    if (!take(",")) { fail("',' or ']'"); }
                }
            }

            json_value read_object(std::size_t depth)
            {
                enter(depth);
                json_value::object members;
                if (take("}")) { return members; }
                for (;;)
                {
                    skip_space();
                    if (m_at == m_text.size() || m_text[m_at] != '"') { fail("a name in quotes"); }
                    auto name = read_string();
                    skip_space();
                    if (!take(":")) { fail("':'"); }
                    members.push_back({std::move(name), read(depth)});
                    skip_space();
                    if (take("}")) { return members; }
                    if (!take(",")) { fail("',' or '}'"); }
                }
            }

            std::string_view m_text;
            std::string_view m_where;
            std::size_t m_at = 0;
        };
    }

    GEMMA4_CODE json_value read_json_value(std::string_view text, std::string_view where)
    {
        return detail::json_text_reader(detail::without_bom(text), where).document();
    }

    GEMMA4_CODE void append_json_string(std::string& out, std::string_view text)
    {
        out += '"';
        for (char const c : is_utf8(text) ? std::string(text) : with_replacements(text))
        {
            constexpr std::string_view named = "\"\\\b\f\n\r\t";
            constexpr std::string_view names = "\"\\bfnrt";
            if (auto const known = named.find(c); known != named.npos)
            {
                out += '\\';
                out += names[known];
            }
            else if (static_cast<unsigned char>(c) < 0x20)
            {
                constexpr std::string_view hex = "0123456789abcdef";
                out += "\\u00";
                out += hex[static_cast<unsigned char>(c) >> 4];
                out += hex[static_cast<unsigned char>(c) & 15u];
            }
            else { out += c; }
        }
        out += '"';
    }

    GEMMA4_CODE void append_json(std::string& out, json_value const& value)
    {
        if (auto const* const b = value.as_bool()) { out += *b ? "true" : "false"; }
        else if (auto const* const i = value.as_integer()) { out += i->digits; }
        else if (auto const* const d = value.as_float())
        {
            out += std::isfinite(*d) ? python::repr(*d)
                   : std::isnan(*d)  ? "NaN"
                   : *d < 0          ? "-1e999"
                                     : "1e999";
        }
        else if (auto const* const s = value.as_string()) { append_json_string(out, *s); }
        else if (auto const* const a = value.as_array())
        {
            out += '[';
            for (auto const& item : *a)
            {
                if (&item != a->data()) { out += ", "; }
                append_json(out, item);
            }
            out += ']';
        }
        else if (auto const* const o = value.as_object())
        {
            out += '{';
            for (auto const& member : *o)
            {
                if (&member != o->data()) { out += ", "; }
                append_json_string(out, member.name);
                out += ": ";
                append_json(out, member.value);
            }
            out += '}';
        }
        else { out += "null"; }
    }

    GEMMA4_CODE std::string to_json(json_value const& value)
    {
        std::string out;
        append_json(out, value);
        return out;
    }
}
