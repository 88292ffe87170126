// Logits processors that keep the likely tokens and set the rest to -inf: top-k, top-p, min-p.
//
// Meaning as transformers 5 (TopKLogitsWarper, TopPLogitsWarper, MinPLogitsWarper, min_tokens_to_keep 1).
// None sorts the vocabulary. NaN are ranked above everything and stay, so that the sampler sees and reports
// them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/scan.hpp>
#include <gemma4/generate/softmax_weight.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Unsigned integers in the order of the floats: -0 equals +0, NaN is the largest.
        inline std::uint32_t order(float x) noexcept
        {
            if (x != x) { return 0xffffffffu; }
            auto const u = std::bit_cast<std::uint32_t>(x + 0.0f);
            return u & 0x80000000u ? ~u : u | 0x80000000u;
        }

        inline float value_of(std::uint32_t order) noexcept
        {
            return std::bit_cast<float>(order & 0x80000000u ? order ^ 0x80000000u : ~order);
        }

        // The order of values; among equals the lower index is the larger key.
        inline std::uint64_t rank_key(float x, std::size_t index) noexcept
        {
            return std::uint64_t{order(x)} << 32 | (0xffffffffu - index);
        }

        // order() of the k-th largest logit, 1 <= k <= logits.size(). The k best so far wait in a short list;
        // a logit joins it only when above the k-th of the last tidying, which few are.
        inline std::uint32_t kth_largest(std::span<float const> logits, std::size_t k,
                                         std::vector<std::uint32_t>& best)
        {
            auto const tidy = [&]
            {
                std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(k - 1), best.end(),
                                 std::greater<>{});
                best.resize(k);
                return best.back();
            };
            auto const capacity = std::max<std::size_t>(4 * k, 1024);
            best.clear();
            best.reserve(std::min(capacity, logits.size()));
            std::uint32_t floor = 0;    // 0 is the order of no float
            float bound = 0;            // its value
            for (float const x : logits)
            {
                if (floor != 0 && x <= bound) { continue; }
                best.push_back(order(x));
                if (best.size() == capacity)
                {
                    floor = tidy();
                    bound = value_of(floor);
                }
            }
            return tidy();
        }
    }

    // Keeps every token whose logit is not below the k-th largest: ties with it stay, so more than k may.
    class top_k
    {
    public:
        explicit top_k(std::size_t k)
            : m_k(k)
        {
            if (k == 0) { throw argument_error("top_k: expected a number >= 1, found 0"); }
        }

        void operator()(std::span<float> logits, std::span<token_id const>)
        {
            if (m_k >= logits.size()) { return; }
            auto const kth = detail::kth_largest(logits, m_k, m_best);
            auto const bound = detail::value_of(kth);
            for (auto& x : logits) { x = x < bound ? -std::numeric_limits<float>::infinity() : x; }
        }

    private:
        std::size_t m_k;
        std::vector<std::uint32_t> m_best;
    };

    // Keeps the fewest likeliest tokens whose probabilities add up to p or more, at least one. From the least
    // likely upwards those go whose cumulative probability, rounded to float32, is <= 1 - p. Among equal
    // logits at the border the lower indices stay, so that a small p agrees with greedy (transformers leaves
    // them to an unstable sort).
    class top_p
    {
    public:
        explicit top_p(double p)
            : m_p(p)
        {
            if (!(p >= 0 && p <= 1))
            {
                throw argument_error(sentence("top_p: expected a number in 0 to 1, found ", p));
            }
        }

        void operator()(std::span<float> logits, std::span<token_id const>)
        {
            auto const found = scan(logits);
            if (m_p >= 1 || !found.usable() || logits.size() > max_softmax_weights) { return; }
            constexpr float removed = -std::numeric_limits<float>::infinity();
            m_tokens.clear();
            std::uint64_t total = 0;
            for (std::size_t i = 0; i < logits.size(); ++i)
            {
                if (logits[i] == removed) { continue; }
                auto const w = softmax_weight(logits[i], found.max);
                total += w;
                m_tokens.push_back({detail::rank_key(logits[i], i), w});
            }
            // Probabilities are float32, as in the reference, and summed exactly: in units of 2^-60.
            std::uint64_t sum = 0;
            for (auto& token : m_tokens)
            {
                auto const probability = static_cast<float>(double(token.weight) / double(total));
                token.weight = static_cast<std::uint64_t>(double(probability) * 0x1p60);
                sum += token.weight;
            }
            auto const threshold = static_cast<float>(1 - m_p);
            auto const goes = [&](std::uint64_t cumulative)
            { return static_cast<float>(double(cumulative) * 0x1p-60) <= threshold; };

            // A token that would go were all tokens as heavy as itself goes in any case: what is left is
            // short.
            auto const certain =
                static_cast<std::uint64_t>(double(threshold) * 0x1p60 / double(m_tokens.size()));
            std::erase_if(m_tokens,
                          [&](entry const& token)
                          {
                              auto& x = logits[token.index()];
                              bool const out = token.weight < certain && x != found.max;
                              if (out) { x = removed; }
                              return out;
                          });

            // Binary search for the border among the ranks, each half selected, not sorted.
            auto first = m_tokens.begin();    // all before it stay
            auto last = m_tokens.end();       // it and all after it go
            std::uint64_t above = 0;          // the weight before first
            while (first != last)
            {
                auto const middle = first + (last - first) / 2;
                std::nth_element(first, middle, last,
                                 [](entry const& a, entry const& b) { return a.key > b.key; });
                auto before = above;
                for (auto at = first; at != middle; ++at) { before += at->weight; }
                if (middle != m_tokens.begin() && goes(sum - before)) { last = middle; }
                else
                {
                    above = before + middle->weight;
                    first = middle + 1;
                }
            }
            for (; first != m_tokens.end(); ++first) { logits[first->index()] = removed; }
        }

    private:
        struct entry
        {
            std::uint64_t key;       // detail::rank_key
            std::uint64_t weight;    // of softmax
            std::size_t index() const noexcept
            {
                return static_cast<std::size_t>(0xffffffffu - (key & 0xffffffffu));
            }
        };

        double m_p;
        std::vector<entry> m_tokens;
    };

    // Keeps the tokens at least p times as likely as the likeliest: logit - max >= log(p).
    class min_p
    {
    public:
        explicit min_p(double p)
            : m_log_p(std::log(p))
        {
            if (!(p >= 0 && p <= 1))
            {
                throw argument_error(sentence("min_p: expected a number in 0 to 1, found ", p));
            }
        }

        void operator()(std::span<float> logits, std::span<token_id const>) const noexcept
        {
            auto const found = scan(logits);
            if (!found.usable()) { return; }
            for (auto& x : logits)
            {
                if (x != found.max && double(x) - double(found.max) < m_log_p)
                {
                    x = -std::numeric_limits<float>::infinity();
                }
            }
        }

    private:
        double m_log_p;
    };
}
