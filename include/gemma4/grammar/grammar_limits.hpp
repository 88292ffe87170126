// How large a grammar may become, and how much one token may cost.
#pragma once

#include <cstddef>
#include <string>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    // What goes beyond is an argument_error that names the limit. States and steps do not depend on the
    // machine or its speed; what an earlier mask of the same token_grammar has found out costs no steps
    // again.
    struct grammar_limits
    {
        // Of the automaton: one for each byte of literal text, and for each part of an expression. With its
        // expressions one takes about 500 bytes while the grammar is made, so that the default is 130 MB.
        std::size_t states = std::size_t(1) << 18;

        // Of the work for one token: making its mask, or going on with it. One step follows one of the
        // meanings that the text so far may have, or one place of the vocabulary's tree of bytes; it takes 5
        // to 100 ns.
        std::size_t steps = std::size_t(1) << 24;

        // Kept by a token_grammar of masks and of places that answers have been in.
        std::size_t bytes = std::size_t(1) << 27;

        bool operator==(grammar_limits const&) const = default;
    };

    inline std::string too_many_states(grammar_limits const& limits)
    {
        return sentence("grammar: expected at most ", limits.states,
                        " states (grammar_limits::states), found more");
    }

    inline std::string too_many_bytes(grammar_limits const& limits)
    {
        return sentence("grammar: expected at most ", limits.bytes,
                        " bytes of places in it (grammar_limits::bytes), found more");
    }
}
