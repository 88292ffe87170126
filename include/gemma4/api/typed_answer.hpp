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
    // An answer that is to be a value has ended before it was one. The conversation holds it as it is.
    class incomplete_error : public error
    {
    public:
        incomplete_error(std::string const& what, stop_reason reason, answer said)
            : error(what)
            , m_reason(reason)
            , m_said(std::make_shared<answer const>(std::move(said)))
        {}

        stop_reason reason() const noexcept { return m_reason; }

        // What was written: content is the beginning of the value.
        answer const& said() const noexcept { return *m_said; }

    private:
        stop_reason m_reason;
        std::shared_ptr<answer const> m_said;    // so that copying does not throw
    };

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
        if (auto const& why = run.said().incomplete; !why.empty())
        {
            throw incomplete_error(why, run.reason(), run.said());
        }
        return read_value<T>(run.said().content);
    }
}
