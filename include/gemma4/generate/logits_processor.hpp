// What changes logits before a token is chosen: the concept, and a chain of them.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    // logits: (vocab), changed in place; -inf removes a token. history: the prompt's tokens and those made
    // since. A lambda, a std::function and a std::reference_wrapper (to read a processor's state afterwards)
    // are processors too.
    template <class P>
    concept logits_processor = std::move_constructible<P>
                               && requires(P& p, std::span<float> logits, std::span<token_id const> tokens) {
                                      {
                                          p(logits, tokens)
                                      } -> std::same_as<void>;
                                  };

    // Processors applied in order; itself a processor. The empty chain is an empty type and does nothing.
    template <logits_processor... Ps>
    class processor_chain
    {
    public:
        explicit processor_chain(Ps... parts)
            : m_parts(std::move(parts)...)
        {}

        void operator()(std::span<float> logits, std::span<token_id const> history)
        {
            std::apply([&](Ps&... part) { (part(logits, history), ...); }, m_parts);
        }

        template <std::size_t I>
        auto& get() noexcept
        {
            return std::get<I>(m_parts);
        }

    private:
        std::tuple<Ps...> m_parts;
    };

    template <>
    class processor_chain<>
    {
    public:
        void operator()(std::span<float>, std::span<token_id const>) const noexcept {}
    };
}
