// One of several texts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_limits.hpp>

namespace gemma4::inline v0
{
    // argument_error: no choices, an empty one, or more than the limits allow.
    inline grammar choice_grammar(std::span<std::string const> choices, grammar_limits const& limits = {})
    {
        if (choices.empty()) { throw argument_error("choices: expected at least one, found none"); }
        grammar out(limits);
        std::vector<grammar::part> parts;
        for (auto const& choice : choices)
        {
            if (choice.empty()) { throw argument_error("choices: expected texts, found an empty one"); }
            parts.push_back(out.literal(choice));
        }
        out.set_root(out.choice(std::move(parts)));
        return out;
    }
}
