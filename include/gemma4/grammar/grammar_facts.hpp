// Which expressions of a grammar match nothing at all, and which may match the empty text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <gemma4/grammar/grammar.hpp>

namespace gemma4::inline v0
{
    class grammar_facts
    {
    public:
        explicit grammar_facts(grammar const& source)
            : m_matches(source.parts())
            , m_may_be_empty(source.parts())
        {
            // Both only grow, so that they settle; children come first, so that only calls need another pass.
            for (bool changed = true; changed;)
            {
                changed = false;
                for (std::size_t i = 0; i != source.parts(); ++i)
                {
                    auto const& e = source[grammar::part(i)];
                    bool const is_empty = e.what == grammar::kind::literal && e.text_size == 0;
                    changed |= settle(m_matches[i], follows(source, e, m_matches, true));
                    changed |= settle(m_may_be_empty[i], follows(source, e, m_may_be_empty, is_empty));
                }
            }
        }

        // Some text.
        bool matches(grammar::part p) const noexcept { return m_matches[std::size_t(p)] != 0; }
        bool may_be_empty(grammar::part p) const noexcept { return m_may_be_empty[std::size_t(p)] != 0; }

    private:
        static bool settle(char& fact, bool now) noexcept
        {
            bool const changes = now && fact == 0;
            if (changes) { fact = 1; }
            return changes;
        }

        // A fact of an expression: of one without children `leaf`, of others it follows from the children's.
        static bool follows(grammar const& source, grammar::expression const& e,
                            std::vector<char> const& facts, bool leaf)
        {
            auto const one = [&](grammar::part p) { return facts[std::size_t(p)] != 0; };
            switch (e.what)
            {
            case grammar::kind::bytes:
            case grammar::kind::literal:
            case grammar::kind::token: return leaf;
            case grammar::kind::sequence: return std::ranges::all_of(e.children, one);
            case grammar::kind::choice: return std::ranges::any_of(e.children, one);
            case grammar::kind::repeat: return e.min == 0 || one(e.children.front());
            case grammar::kind::call:
            {
                auto const body = source.body(grammar::rule(e.value));
                return body && one(*body);
            }
            }
            return false;
        }

        std::vector<char> m_matches;    // by part
        std::vector<char> m_may_be_empty;
    };
}
