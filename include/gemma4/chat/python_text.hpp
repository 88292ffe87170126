// Text as Python makes it: strip, lower, upper, repr. Chat templates run in Python, and their bytes depend on
// these.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/unicode_tables.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0::python
{
    // What str.strip removes. U+200B and U+FEFF are not white space.
    constexpr bool is_space(char32_t c) noexcept
    {
        return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680
               || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f
               || c == 0x3000;
    }

    // The offset of the last character that is no space, plus its length; 0: there is none.
    inline std::size_t end_of_text(std::string_view text) noexcept
    {
        auto end = text.size();
        while (end != 0)
        {
            auto first = end - 1;
            while (first != 0 && end - first < 4 && (static_cast<unsigned char>(text[first]) & 0xc0u) == 0x80)
            {
                --first;
            }
            auto const last = decode_utf8(text.substr(0, end), first);
            if (!last.valid || first + last.length != end || !is_space(last.code_point)) { break; }
            end = first;
        }
        return end;
    }

    inline std::size_t begin_of_text(std::string_view text) noexcept
    {
        std::size_t begin = 0;
        while (begin != text.size())
        {
            auto const next = decode_utf8(text, begin);
            if (!next.valid || !is_space(next.code_point)) { break; }
            begin += next.length;
        }
        return begin;
    }

    inline std::string_view strip(std::string_view text) noexcept
    {
        text = text.substr(0, end_of_text(text));
        return text.substr(begin_of_text(text));
    }

    namespace detail
    {
        template <class Range, std::size_t N>
        Range const* range_of(Range const (&table)[N], char32_t c) noexcept
        {
            auto const* const place = std::lower_bound(
                table, table + N, c, [](Range const& range, char32_t key) { return range.last < key; });
            return place != table + N && c >= place->first ? place : nullptr;
        }

        template <std::size_t N>
        char32_t moved(case_range const (&table)[N], char32_t c) noexcept
        {
            auto const* const range = range_of(table, c);
            if (!range || (c - range->first) % char32_t(range->stride) != 0) { return c; }
            return char32_t(std::int64_t(c) + range->delta);
        }

        inline std::u32string code_points(std::string_view text)
        {
            std::u32string out;
            for (std::size_t at = 0; at != text.size();)
            {
                auto const next = decode_utf8(text, at);
                out += next.code_point;
                at += next.length;
            }
            return out;
        }

        // Whether the capital sigma at text[at] ends a word.
        inline bool is_final_sigma(std::u32string_view text, std::size_t at) noexcept
        {
            auto before = at;
            while (before != 0 && range_of(case_ignorable, text[before - 1])) { --before; }
            if (before == 0 || !range_of(cased, text[before - 1])) { return false; }
            auto after = at + 1;
            while (after != text.size() && range_of(case_ignorable, text[after])) { ++after; }
            return after == text.size() || !range_of(cased, text[after]);
        }

        inline bool is_ascii(std::string_view text) noexcept
        {
            return std::all_of(text.begin(), text.end(),
                               [](char c) { return static_cast<unsigned char>(c) < 0x80; });
        }
    }

    inline std::string lower(std::string_view text)
    {
        std::string out;
        if (detail::is_ascii(text))
        {
            for (char const c : text) { out += c >= 'A' && c <= 'Z' ? char(c + 32) : c; }
            return out;
        }
        auto const source = detail::code_points(text);
        for (std::size_t i = 0; i != source.size(); ++i)
        {
            auto const c = source[i];
            if (c == 0x130) { out += "i\u0307"; }
            else if (c == 0x3a3) { append_utf8(out, detail::is_final_sigma(source, i) ? 0x3c2 : 0x3c3); }
            else { append_utf8(out, detail::moved(lower_ranges, c)); }
        }
        return out;
    }

    inline std::string upper(std::string_view text)
    {
        std::string out;
        for (auto const c : detail::code_points(text))
        {
            auto const* const end = std::end(long_uppers);
            auto const* const place =
                std::lower_bound(std::begin(long_uppers), end, c,
                                 [](long_upper const& row, char32_t key) { return row.from < key; });
            if (place == end || place->from != c)
            {
                append_utf8(out, detail::moved(upper_ranges, c));
                continue;
            }
            for (auto const part : place->to)
            {
                if (part != 0) { append_utf8(out, part); }
            }
        }
        return out;
    }

    // The shortest digits that read back as the same float: 1.0, 1e+16, 1e-05, -0.0, inf, nan.
    inline std::string repr(double value)
    {
        if (std::isnan(value)) { return "nan"; }
        if (std::isinf(value)) { return value < 0 ? "-inf" : "inf"; }
        char buffer[64];
        auto const end =
            std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
        std::string_view text(buffer, std::size_t(end - buffer));
        std::string out;
        if (text.front() == '-')
        {
            out += '-';
            text.remove_prefix(1);
        }
        auto const e = text.find('e');
        int exponent = 0;
        auto const* const exponent_at = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
        std::from_chars(exponent_at, text.data() + text.size(), exponent);
        std::string digits(1, text[0]);
        if (e > 2) { digits += text.substr(2, e - 2); }
        if (exponent < -4 || exponent >= 16)
        {
            out += digits[0];
            if (digits.size() > 1) { (out += '.') += digits.substr(1); }
            auto const size = std::to_string(std::abs(exponent));
            out += exponent < 0 ? "e-" : "e+";
            if (size.size() < 2) { out += '0'; }
            return out + size;
        }
        if (exponent < 0) { return out + "0." + std::string(std::size_t(-exponent - 1), '0') + digits; }
        auto const whole = std::size_t(exponent) + 1;
        if (digits.size() <= whole) { return out + digits + std::string(whole - digits.size(), '0') + ".0"; }
        return out + digits.substr(0, whole) + '.' + digits.substr(whole);
    }

    inline std::string repr(std::string_view text)
    {
        bool const double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
        char const quote = double_quotes ? '"' : '\'';
        std::string out(1, quote);
        for (auto const c : detail::code_points(text))
        {
            if (c == U'\\' || c == char32_t(quote)) { (out += '\\') += char(c); }
            else if (c == U'\n') { out += "\\n"; }
            else if (c == U'\r') { out += "\\r"; }
            else if (c == U'\t') { out += "\\t"; }
            else if (!detail::range_of(unprintable, c)) { append_utf8(out, c); }
            else
            {
                int const width = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
                out += c < 0x100 ? "\\x" : c < 0x10000 ? "\\u" : "\\U";
                for (int i = width - 1; i >= 0; --i) { out += "0123456789abcdef"[(c >> (4 * i)) & 15u]; }
            }
        }
        return out + quote;
    }

    inline std::string repr(json_value const& value)
    {
        if (auto const* const b = value.as_bool()) { return *b ? "True" : "False"; }
        if (auto const* const i = value.as_integer()) { return i->digits; }
        if (auto const* const d = value.as_float()) { return repr(*d); }
        if (auto const* const s = value.as_string()) { return repr(std::string_view(*s)); }
        std::string out;
        if (auto const* const a = value.as_array())
        {
            for (auto const& item : *a) { out += (out.empty() ? "" : ", ") + repr(item); }
            return '[' + out + ']';
        }
        if (auto const* const o = value.as_object())
        {
            for (auto const& member : *o)
            {
                out += (out.empty() ? "" : ", ") + repr(std::string_view(member.name)) + ": "
                       + repr(member.value);
            }
            return '{' + out + '}';
        }
        return "None";
    }

    inline std::string str(json_value const& value)
    {
        auto const* const text = value.as_string();
        return text ? *text : repr(value);
    }
}
