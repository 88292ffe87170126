// Regular expressions as ECMAScript writes them, over Unicode characters.
//
// Supported: literals, . (not a line end), [classes] with ranges and ^, (groups), (?:groups),
// (?<names>groups),
// |, * + ? {n} {n,} {n,m} (also lazy: the texts are the same), \d \w \s \D \W \S (ASCII; \s also Unicode's
// blanks), \t \n \r \f \v \0 \xHH \uHHHH \u{H}, escaped punctuation, ^ and $ at the ends of an alternative.
// Everything else (lookaround, back references, \b, \p, inline flags) is an argument_error that names it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/code_points.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    enum class pattern_match
    {
        whole,      // the text is what the expression says
        anywhere    // it holds it somewhere, unless ^ or $ ties it to an end (JSON Schema's pattern)
    };

    namespace detail
    {
        class regular_expression_reader
        {
        public:
            // How one character of a set is written.
            using writer = std::function<grammar::part(code_point_set const&)>;

            regular_expression_reader(grammar& g, std::string_view pattern, pattern_match match, writer write)
                : m_grammar(g)
                , m_pattern(pattern)
                , m_match(match)
                , m_write(std::move(write))
            {}

            grammar::part read()
            {
                if (auto const good = well_formed_prefix(m_pattern); good != m_pattern.size())
                {
                    m_at = good;
                    fail("bytes that are not UTF-8");
                }
                auto const out = alternatives(0);
                if (!at_end()) { fail(") without ("); }
                return out;
            }

        private:
            static constexpr std::size_t max_depth = 100;
            static constexpr std::size_t max_count = 10000;

            [[noreturn]] void fail(std::string_view what) const
            {
                throw argument_error(sentence("pattern ", beginning_of(m_pattern, 200), ": at byte ", m_at,
                                              ": not supported: ", what));
            }

            bool at_end() const noexcept { return m_at == m_pattern.size(); }
            bool next_is(std::string_view text) const { return m_pattern.substr(m_at).starts_with(text); }

            bool take(std::string_view text)
            {
                if (!next_is(text)) { return false; }
                m_at += text.size();
                return true;
            }

            char32_t character()
            {
                auto const c = decode_utf8(m_pattern, m_at);
                m_at += c.length;
                return c.code_point;
            }

            grammar::part alternatives(std::size_t depth)
            {
                if (depth > max_depth) { fail(sentence("groups deeper than ", max_depth)); }
                std::vector<grammar::part> ways;
                do {
                    ways.push_back(alternative(depth));
                }
                while (take("|"));
                return ways.size() == 1 ? ways.front() : m_grammar.choice(std::move(ways));
            }

            grammar::part alternative(std::size_t depth)
            {
                bool const open = depth == 0 && m_match == pattern_match::anywhere;
                std::vector<grammar::part> parts;
                bool const tied_begin = depth == 0 && take("^");
                if (open && !tied_begin) { parts.push_back(anything()); }
                bool tied_end = false;
                while (!at_end() && !next_is("|") && !next_is(")"))
                {
                    if (depth == 0 && take("$"))
                    {
                        tied_end = true;
                        if (!at_end() && !next_is("|")) { fail("$ that is not the end of an alternative"); }
                        break;
                    }
                    parts.push_back(piece(depth));
                }
                if (open && !tied_end) { parts.push_back(anything()); }
                return m_grammar.sequence(std::move(parts));
            }

            grammar::part anything() { return m_grammar.repeat(m_write(code_point_set::all()), 0); }

            grammar::part piece(std::size_t depth)
            {
                auto const one = atom(depth);
                auto const [min, max] = quantifier();
                if (min == 1 && max == 1) { return one; }
                return m_grammar.repeat(one, min, max);
            }

            std::pair<std::size_t, std::size_t> quantifier()
            {
                std::pair<std::size_t, std::size_t> out{1, 1};
                if (take("*")) { out = {0, grammar::unbounded}; }
                else if (take("+")) { out = {1, grammar::unbounded}; }
                else if (take("?")) { out = {0, 1}; }
                else if (take("{"))
                {
                    out.first = out.second = count();
                    if (take(",")) { out.second = next_is("}") ? grammar::unbounded : count(); }
                    if (!take("}")) { fail("{ that is not {n}, {n,} or {n,m}"); }
                    if (out.first > out.second) { fail("{n,m} with n above m"); }
                }
                else { return out; }
                take("?");
                if (next_is("+")) { fail("a possessive quantifier"); }
                if (next_is("*") || next_is("?") || next_is("{")) { fail("a quantifier of a quantifier"); }
                return out;
            }

            std::size_t count()
            {
                std::size_t value = 0;
                bool any = false;
                while (!at_end() && m_pattern[m_at] >= '0' && m_pattern[m_at] <= '9')
                {
                    value = 10 * value + std::size_t(m_pattern[m_at++] - '0');
                    any = true;
                    if (value > max_count) { fail(sentence("a count above ", max_count)); }
                }
                if (!any) { fail("{ without a count"); }
                return value;
            }

            grammar::part atom(std::size_t depth)
            {
                if (take("(")) { return group(depth); }
                if (take("[")) { return m_write(character_class()); }
                if (take(".")) { return m_write(line_ends().complement()); }
                if (take("\\")) { return m_write(escape(false)); }
                if (next_is("^")) { fail("^ that is not the beginning of an alternative"); }
                if (next_is("$")) { fail("$ inside a group"); }
                for (auto const* const quantifier : {"*", "+", "?", "{"})
                {
                    if (next_is(quantifier)) { fail(sentence(quantifier, " with nothing before it")); }
                }
                auto const c = character();
                return m_write(code_point_set({{c, c}}));
            }

            grammar::part group(std::size_t depth)
            {
                if (take("?"))
                {
                    if (take("<") && !next_is("=") && !next_is("!"))
                    {
                        auto const end = m_pattern.find('>', m_at);
                        if (end == m_pattern.npos) { fail("a group name without its end"); }
                        m_at = end + 1;
                    }
                    else if (!take(":"))
                    {
                        fail(next_is("=") || next_is("!") ? "lookaround" : "(? with flags");
                    }
                }
                auto const out = alternatives(depth + 1);
                if (!take(")")) { fail("( without )"); }
                return out;
            }

            code_point_set character_class()
            {
                bool const inverted = take("^");
                std::vector<code_point_range> ranges;
                auto const add = [&](code_point_set const& some)
                { ranges.insert(ranges.end(), some.ranges().begin(), some.ranges().end()); };
                while (!take("]"))
                {
                    if (at_end()) { fail("[ without ]"); }
                    bool const is_escape = take("\\");
                    auto const first = is_escape ? escape(true) : single();
                    if (next_is("-") && !next_is("-]"))
                    {
                        take("-");
                        auto const last = take("\\") ? escape(true) : single();
                        auto const low = only(first);
                        auto const high = only(last);
                        if (!low || !high) { fail("a range to or from a class"); }
                        if (*low > *high) { fail("a range that ends before it begins"); }
                        ranges.push_back({*low, *high});
                    }
                    else { add(first); }
                }
                code_point_set const out(std::move(ranges));
                return inverted ? out.complement() : out;
            }

            code_point_set single()
            {
                if (at_end()) { fail("[ without ]"); }
                auto const c = character();
                return code_point_set({{c, c}});
            }

            static std::optional<char32_t> only(code_point_set const& set)
            {
                auto const ranges = set.ranges();
                if (ranges.size() != 1 || ranges[0].first != ranges[0].last) { return std::nullopt; }
                return ranges[0].first;
            }

            // What follows a backslash.
            code_point_set escape(bool in_class)
            {
                if (at_end()) { fail("a backslash at the end"); }
                auto const begin = m_at;
                auto const c = character();
                auto const one = [](char32_t x) { return code_point_set({{x, x}}); };
                switch (c)
                {
                case 'd': return digits();
                case 'D': return digits().complement();
                case 'w': return word();
                case 'W': return word().complement();
                case 's': return space();
                case 'S': return space().complement();
                case 't': return one('\t');
                case 'n': return one('\n');
                case 'r': return one('\r');
                case 'f': return one('\f');
                case 'v': return one('\v');
                case 'x': return one(hex(2));
                case 'u': return one(unicode());
                case '0':
                    if (at_end() || m_pattern[m_at] < '0' || m_pattern[m_at] > '9') { return one(0); }
                    break;
                case 'b':
                    if (in_class) { return one('\b'); }
                    break;
                default:
                    if (c < 0x80
                        && !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
                    {
                        return one(c);
                    }
                }
                auto const end = m_at;
                m_at = begin - 1;
                fail(m_pattern.substr(begin - 1, end - begin + 1));
            }

            char32_t hex(std::size_t digits)
            {
                char32_t value = 0;
                for (std::size_t i = 0; i != digits; ++i)
                {
                    auto const c = at_end() ? '!' : m_pattern[m_at];
                    auto const digit = c >= '0' && c <= '9'   ? c - '0'
                                       : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                       : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                              : -1;
                    if (digit < 0) { fail("an escape without its hexadecimal digits"); }
                    value = value * 16 + char32_t(digit);
                    ++m_at;
                }
                return value;
            }

            char32_t unicode()
            {
                char32_t value = 0;
                if (take("{"))
                {
                    while (!take("}"))
                    {
                        value = value * 16 + hex(1);
                        if (value > code_point_set::greatest) { fail("a character above U+10FFFF"); }
                    }
                }
                else { value = hex(4); }
                if (value >= 0xd800 && value < 0xe000) { fail("a surrogate"); }
                return value;
            }

            static code_point_set digits() { return code_point_set({{'0', '9'}}); }
            static code_point_set word()
            {
                return code_point_set({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
            }
            static code_point_set space()
            {
                return code_point_set({{'\t', '\r'},
                                       {' ', ' '},
                                       {0xa0, 0xa0},
                                       {0x1680, 0x1680},
                                       {0x2000, 0x200a},
                                       {0x2028, 0x2029},
                                       {0x202f, 0x202f},
                                       {0x205f, 0x205f},
                                       {0x3000, 0x3000},
                                       {0xfeff, 0xfeff}});
            }
            static code_point_set line_ends()
            {
                return code_point_set({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});
            }

            grammar& m_grammar;
            std::string_view m_pattern;
            pattern_match m_match;
            writer m_write;
            std::size_t m_at = 0;
        };
    }

    // Texts that match the pattern as a whole. argument_error names what is not supported, or the limit that
    // it is beyond.
    inline grammar regular_expression_grammar(std::string_view pattern, grammar_limits const& limits = {})
    {
        grammar out(limits);
        detail::regular_expression_reader reader(
            out, pattern, pattern_match::whole, [&](code_point_set const& set) { return utf8_of(out, set); });
        out.set_root(reader.read());
        return out;
    }
}
