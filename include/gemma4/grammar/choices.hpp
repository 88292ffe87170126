// One of several texts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/literals.hpp>

namespace gemma4::inline v0
{
    // argument_error: no choices, an empty one, or more than the limits allow.
    inline grammar choice_grammar(std::span<std::string const> choices, grammar_limits const& limits = {})
    {
        if (choices.empty()) { throw argument_error("choices: expected at least one, found none"); }
        grammar out(limits);
        std::vector<std::string_view> texts;
        for (auto const& choice : choices)
        {
            if (choice.empty()) { throw argument_error("choices: expected texts, found an empty one"); }
            texts.push_back(choice);
        }
        out.set_root(one_of_literals(out, std::move(texts)));
        return out;
    }
}
