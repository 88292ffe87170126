// Answers that are values of C++ types: the definition of session::ask<T>.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gemma4/api/session.hpp>
#include <gemma4/grammar/typed_mask.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // A grammar of T's documents for one vocabulary: what its masks find out is shared by all answers.
        template <class T>
        struct kept_grammar
        {
            std::shared_ptr<token_grammar> rules;
        };
    }

    template <class Engine>
    template <class T>
        requires(!logits_processor<T>)
    T session<Engine>::ask(turn said, generation_options options)
    {
        auto const grammar = m_engine.template kept<detail::kept_grammar<T>>(
            [&]
            {
                return std::make_shared<detail::kept_grammar<T>>(
                    detail::kept_grammar<T>{typed_grammar<T>(trie_of(m_engine))});
            });
        options.mask = std::make_shared<grammar_mask>(grammar->rules, options.stop.tokens);
        auto run = send(std::move(said), std::move(options));
        while (run.next_event()) {}
        if (auto const& why = run.said().incomplete; !why.empty()) { throw argument_error(why); }
        return read_value<T>(run.said().content);
    }
}
