// A context-free grammar over bytes and tokens, built from expressions.
//
// A rule is one expression; expressions call rules, also recursively. A terminal is a range of bytes or one
// token id (a marker such as <|"|>, which no bytes can spell).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/grammar/grammar_limits.hpp>

namespace gemma4::inline v0
{
    class grammar
    {
    public:
        enum class part : std::uint32_t
        {
        };    // an expression of this grammar
        enum class rule : std::uint32_t
        {
        };

        static constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

        enum class kind : unsigned char
        {
            bytes,       // one byte of low..high
            literal,     // text, which may be empty
            token,       // one token id
            sequence,    // children in order
            choice,      // one of the children; without children nothing matches
            repeat,      // the child min to max times
            call         // a rule
        };

        struct expression
        {
            kind what = kind::literal;
            unsigned char low = 0;
            unsigned char high = 0;
            std::uint32_t value = 0;    // token: the id; call: the rule
            std::size_t min = 0;
            std::size_t max = 0;
            std::string_view::size_type text_begin = 0;
            std::string_view::size_type text_size = 0;
            std::vector<part> children{};
        };

        // What is added beyond the limits is an argument_error.
        explicit grammar(grammar_limits const& limits = {})
            : m_limits(limits)
        {}

        grammar_limits const& limits() const noexcept { return m_limits; }

        part bytes(unsigned char low, unsigned char high)
        {
            return add({.what = kind::bytes, .low = low, .high = high});
        }
        part byte(char c) { return bytes(static_cast<unsigned char>(c), static_cast<unsigned char>(c)); }

        part literal(std::string_view text)
        {
            auto const begin = m_text.size();
            if (text.size() > m_limits.states || begin > m_limits.states - text.size()) { fail_at_size(); }
            m_text += text;
            return add({.what = kind::literal, .text_begin = begin, .text_size = text.size()});
        }
        part empty() { return literal({}); }
        part never() { return choice({}); }

        part token(token_id id) { return add({.what = kind::token, .value = std::uint32_t(id)}); }

        part sequence(std::vector<part> parts)
        {
            return add({.what = kind::sequence, .children = std::move(parts)});
        }
        part choice(std::vector<part> parts)
        {
            return add({.what = kind::choice, .children = std::move(parts)});
        }
        part repeat(part one, std::size_t min, std::size_t max = unbounded)
        {
            return add({.what = kind::repeat, .min = min, .max = max, .children = {one}});
        }
        part optional(part one) { return repeat(one, 0, 1); }
        part call(rule r) { return add({.what = kind::call, .value = std::uint32_t(r)}); }

        // A rule that is called before it is known what it is; define() it before the grammar is used.
        rule declare()
        {
            m_rules.push_back(std::nullopt);
            return rule(m_rules.size() - 1);
        }
        void define(rule r, part body) { m_rules[std::size_t(r)] = body; }
        rule add_rule(part body)
        {
            auto const r = declare();
            define(r, body);
            return r;
        }

        // What the whole text is. Nothing matches before it is set.
        void set_root(part body) { m_root = body; }
        std::optional<part> root() const noexcept { return m_root; }

        expression const& operator[](part p) const noexcept { return m_parts[std::size_t(p)]; }
        std::string_view text(expression const& e) const noexcept
        {
            return std::string_view(m_text).substr(e.text_begin, e.text_size);
        }
        // Expressions; children come before those that they are part of.
        std::size_t parts() const noexcept { return m_parts.size(); }
        std::size_t rules() const noexcept { return m_rules.size(); }
        std::optional<part> body(rule r) const noexcept { return m_rules[std::size_t(r)]; }

        // What has been added so far, to come back to after an error: what was added since is forgotten.
        struct extent
        {
            std::size_t parts;
            std::size_t rules;
            std::size_t text;
        };
        extent size() const noexcept { return {m_parts.size(), m_rules.size(), m_text.size()}; }
        void shrink(extent to)
        {
            m_parts.resize(to.parts);
            m_rules.resize(to.rules);
            m_text.resize(to.text);
        }

    private:
        part add(expression e)
        {
            if (m_parts.size() / parts_per_state >= m_limits.states) { fail_at_size(); }
            m_parts.push_back(std::move(e));
            return part(m_parts.size() - 1);
        }

        [[noreturn]] void fail_at_size() const { throw argument_error(too_many_states(m_limits)); }

        static constexpr std::size_t parts_per_state = 3;

        grammar_limits m_limits;
        std::vector<expression> m_parts;
        std::vector<std::optional<part>> m_rules;
        std::string m_text;    // of all literals
        std::optional<part> m_root;
    };
}
