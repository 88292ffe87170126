// A grammar without counters: every repetition is written out, as its definition says.
#pragma once

#include <cstddef>
#include <vector>

#include <gemma4/grammar/grammar.hpp>

namespace gemma4_test
{
    inline gemma4::grammar written_out(gemma4::grammar const& source)
    {
        using gemma4::grammar;
        grammar out;
        for (std::size_t r = 0; r != source.rules(); ++r) { out.declare(); }
        std::vector<grammar::part> made;
        for (std::size_t i = 0; i != source.parts(); ++i)
        {
            auto const& e = source[grammar::part(i)];
            std::vector<grammar::part> children;
            for (auto const child : e.children) { children.push_back(made[std::size_t(child)]); }
            switch (e.what)
            {
            case grammar::kind::bytes: made.push_back(out.bytes(e.low, e.high)); break;
            case grammar::kind::literal: made.push_back(out.literal(source.text(e))); break;
            case grammar::kind::token: made.push_back(out.token(gemma4::token_id(e.value))); break;
            case grammar::kind::sequence: made.push_back(out.sequence(children)); break;
            case grammar::kind::choice: made.push_back(out.choice(children)); break;
            case grammar::kind::call: made.push_back(out.call(grammar::rule(e.value))); break;
            case grammar::kind::repeat:
            {
                auto const one = children.front();
                auto rest = e.max == grammar::unbounded ? out.repeat(one, 0) : out.empty();
                for (auto i_of_max = e.min; e.max != grammar::unbounded && i_of_max != e.max; ++i_of_max)
                {
                    rest = out.choice({out.empty(), out.sequence({one, rest})});
                }
                std::vector<grammar::part> parts(e.min, one);
                parts.push_back(rest);
                made.push_back(out.sequence(parts));
                break;
            }
            }
        }
        for (std::size_t r = 0; r != source.rules(); ++r)
        {
            if (auto const body = source.body(grammar::rule(r)))
            {
                out.define(grammar::rule(r), made[std::size_t(*body)]);
            }
        }
        if (source.root()) { out.set_root(made[std::size_t(*source.root())]); }
        return out;
    }
}
