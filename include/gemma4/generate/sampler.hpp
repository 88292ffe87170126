// Logits in, a token out.
//
// Order, as transformers' generate: repetition_penalty, suppress_tokens, the host's own processors, and, when
// sampling, temperature, top_k, top_p, min_p, softmax, one random number. Greedy takes the largest logit (the
// lowest index among equals).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/guards.hpp>
#include <gemma4/generate/logits_processor.hpp>
#include <gemma4/generate/processors.hpp>
#include <gemma4/generate/random.hpp>
#include <gemma4/generate/sampling_options.hpp>
#include <gemma4/generate/scan.hpp>
#include <gemma4/generate/softmax_weight.hpp>
#include <gemma4/generate/truncation.hpp>

namespace gemma4::inline v0
{
    struct scored_token
    {
        token_id id = 0;
        float log_probability = 0;
    };

    // Log-probabilities are the model's own: log_softmax of the logits as they came, before any processor
    // (OpenAI's logprobs, vLLM's raw_logprobs; transformers' output_logits, not its output_scores).
    struct choice
    {
        token_id id = 0;
        float log_probability = std::numeric_limits<float>::quiet_NaN();    // NaN when not asked for
        std::vector<scored_token> best{};    // the likeliest, descending, the lower id first among equals
    };

    // The n likeliest tokens with log_softmax of their logits; max = scan(logits).max,
    // total = total_softmax_weight(logits, max).
    inline std::vector<scored_token> best_tokens(std::span<float const> logits, std::size_t n, float max,
                                                 std::uint64_t total)
    {
        n = std::min(n, logits.size());
        std::vector<scored_token> best;
        if (n == 0) { return best; }
        std::vector<std::uint32_t> scratch;
        auto const bound = n == logits.size() ? 0 : detail::kth_largest(logits, n, scratch);
        for (std::size_t i = 0; i < logits.size(); ++i)
        {
            if (detail::order(logits[i]) >= bound)
            {
                best.push_back({static_cast<token_id>(i), log_softmax(logits[i], max, total)});
            }
        }
        std::stable_sort(
            best.begin(), best.end(),
            [&](scored_token const& a, scored_token const& b)
            { return logits[static_cast<std::size_t>(a.id)] > logits[static_cast<std::size_t>(b.id)]; });
        best.resize(n);
        return best;
    }

    // One conversation's way of choosing. The k-th pick is a function of (options, logits, history, k) alone:
    // no global state, the same on every machine. Copying a sampler forks it.
    template <logits_processor Extra = processor_chain<>>
    class basic_sampler
    {
    public:
        explicit basic_sampler(sampling_options options, Extra extra = Extra{})
            : m_options((validate(options), std::move(options)))
            , m_extra(std::move(extra))
            , m_penalty(m_options.repetition_penalty, m_options.repetition_window)
            , m_suppress(m_options.suppress_tokens)
        {
            if (m_options.greedy()) { return; }
            if (m_options.temperature != 1) { m_temperature.emplace(m_options.temperature); }
            if (m_options.top_k != 0) { m_top_k.emplace(m_options.top_k); }
            if (m_options.top_p < 1) { m_top_p.emplace(m_options.top_p); }
            if (m_options.min_p > 0) { m_min_p.emplace(m_options.min_p); }
        }

        // logits: (vocab), changed. history: the prompt's tokens and those made since. Throws numeric_error
        // when a logit is NaN or none is left, argument_error when vocab is 0 or above 2^23; whatever the
        // host's processors throw passes through.
        choice pick(std::span<float> logits, std::span<token_id const> history)
        {
            if (logits.empty() || logits.size() > max_softmax_weights)
            {
                throw argument_error(sentence("logits: expected 1 to ", max_softmax_weights,
                                              " of them, found ", logits.size()));
            }
            bool const score = m_options.log_probability || m_options.top_log_probabilities != 0;
            if (score)
            {
                nan_guard::check(logits);
                m_raw.assign(logits.begin(), logits.end());
            }
            process(logits, history);
            auto const found = scan(logits);
            if (!found.usable()) { nan_guard::check(logits); }

            auto const at = m_options.greedy() ? first_at(logits, found.max) : draw(logits, found.max);
            ++m_step;
            choice out{.id = static_cast<token_id>(at)};
            if (score) { report(out); }
            return out;
        }

        // The logits that the token is drawn from: every processor in order. Part of pick().
        void process(std::span<float> logits, std::span<token_id const> history)
        {
            m_penalty(logits, history);
            m_suppress(logits, history);
            m_extra(logits, history);
            if (m_temperature) { (*m_temperature)(logits, history); }
            if (m_top_k) { (*m_top_k)(logits, history); }
            if (m_top_p) { (*m_top_p)(logits, history); }
            if (m_min_p) { (*m_min_p)(logits, history); }
        }

        sampling_options const& options() const noexcept { return m_options; }
        Extra& extra() noexcept { return m_extra; }

        // Picks made so far; setting it back replays the same random numbers.
        std::uint64_t step() const noexcept { return m_step; }
        void set_step(std::uint64_t step) noexcept { m_step = step; }

    private:
        // Inverse cumulative distribution in index order.
        std::size_t draw(std::span<float const> logits, float max)
        {
            m_survivors.clear();
            std::uint64_t total = 0;
            for (std::size_t i = 0; i < logits.size(); ++i)
            {
                if (logits[i] == -std::numeric_limits<float>::infinity()) { continue; }
                total += softmax_weight(logits[i], max);
                m_survivors.push_back({i, total});
            }
            auto const target = scale_to(random_bits(m_options.seed, m_step), total);
            return std::upper_bound(m_survivors.begin(), m_survivors.end(), target,
                                    [](std::uint64_t t, survivor const& s) { return t < s.cumulative; })
                ->index;
        }

        void report(choice& out) const
        {
            auto const max = scan(m_raw).max;
            auto const total = total_softmax_weight(m_raw, max);
            out.log_probability = log_softmax(m_raw[static_cast<std::size_t>(out.id)], max, total);
            out.best = best_tokens(m_raw, m_options.top_log_probabilities, max, total);
        }

        struct survivor
        {
            std::size_t index;
            std::uint64_t cumulative;
        };

        sampling_options m_options;
        [[no_unique_address]] Extra m_extra;
        repetition_penalty m_penalty;
        banned_tokens m_suppress;
        std::optional<temperature> m_temperature;
        std::optional<top_k> m_top_k;
        std::optional<top_p> m_top_p;
        std::optional<min_p> m_min_p;
        std::uint64_t m_step = 0;
        // (vocab) logits before the processors, when log-probabilities are wanted.
        std::vector<float> m_raw;
        std::vector<survivor> m_survivors;    // tokens not at -inf, in index order
    };

    using sampler = basic_sampler<>;
}
