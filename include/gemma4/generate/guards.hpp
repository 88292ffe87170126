// Logits processors that change nothing and look for trouble: NaN, and text that repeats itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <gemma4/core/error.hpp>
#include <gemma4/core/math.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/scan.hpp>

namespace gemma4::inline v0
{
    // Throws numeric_error when a logit is NaN or when none is above -inf: there is no token to choose. The
    // sampler does the same at the end of its chain; in a chain this names the trouble before other
    // processors run.
    struct nan_guard
    {
        static void check(std::span<float const> logits)
        {
            if (scan(logits).usable()) { return; }
            auto const at = std::find_if(logits.begin(), logits.end(), [](float x) { return x != x; });
            if (at == logits.end())
            {
                throw numeric_error(sentence(
                    "logits: expected a token that may be chosen, found -inf for all ", logits.size()));
            }
            throw numeric_error(sentence("logits: expected numbers, found NaN for token ",
                                         at - logits.begin(), " (weights or activations are out of range)"));
        }

        void operator()(std::span<float> logits, std::span<token_id const>) const { check(logits); }
    };

    // True when tokens end with one n-gram of n tokens that stands times times in a row.
    inline bool ends_with_repeated(std::span<token_id const> tokens, std::size_t n,
                                   std::size_t times) noexcept
    {
        if (n == 0 || times == 0 || n > tokens.size() / times) { return false; }
        auto const tail = tokens.last(n * times);
        return std::equal(tail.begin() + static_cast<std::ptrdiff_t>(n), tail.end(), tail.begin());
    }

    // Watches for collapse: collapsed() is true when, at the last call, the history ended with one n-gram
    // repeated. It never changes logits. A generation ends by it where stop_options::repetition is set;
    // beside a sampler of its own a host hands it over with std::ref and asks after each token.
    class repetition_guard
    {
    public:
        struct limits
        {
            std::size_t longest = 64;         // tokens of an n-gram
            std::size_t times = 8;            // repetitions that count as collapse, at least 2
            std::size_t least_tokens = 32;    // in all, so that "----------------" is not yet collapse
            std::size_t skip = 0;             // leading tokens not looked at: the prompt

            bool operator==(limits const&) const = default;
        };

        repetition_guard()
            : repetition_guard(limits{})
        {}
        explicit repetition_guard(limits options)
            : m_options(options)
        {
            if (options.times < 2)
            {
                throw argument_error(
                    sentence("repetition_guard: expected times >= 2, found ", options.times));
            }
        }

        void operator()(std::span<float>, std::span<token_id const> history) noexcept
        {
            auto const made = history.subspan(std::min(m_options.skip, history.size()));
            m_length = 0;
            for (std::size_t n = 1; n <= m_options.longest && m_length == 0; ++n)
            {
                auto const times = std::max(m_options.times, ceil_div(m_options.least_tokens, n));
                if (ends_with_repeated(made, n, times)) { m_length = n; }
            }
        }

        bool collapsed() const noexcept { return m_length != 0; }
        std::size_t length() const noexcept
        {
            return m_length;
        }    // tokens of the n-gram, 0 when not collapsed

    private:
        limits m_options;
        std::size_t m_length = 0;
    };
}
