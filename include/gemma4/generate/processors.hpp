// Logits processors that change single values: repetition penalty, temperature, bias, banned tokens.
//
// Numbers are double where transformers has a Python float, and become float32 where torch makes them
// float32.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/math.hpp>
#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    // transformers' RepetitionPenaltyLogitsProcessor: each token of the history (the prompt included), once
    // however often it occurs, has its logit multiplied by penalty when negative and divided otherwise. Ids
    // outside the vocabulary (place holders of images) are passed over. Of the last `window` tokens only,
    // where it is not 0 (llama.cpp's penalty_last_n).
    class repetition_penalty
    {
    public:
        explicit repetition_penalty(double penalty, std::size_t window = 0)
            : m_penalty(static_cast<float>(penalty))
            , m_window(window)
        {
            if (!(penalty > 0) || !std::isfinite(penalty))
            {
                throw argument_error(sentence("repetition_penalty: expected a number > 0, found ", penalty));
            }
        }

        void operator()(std::span<float> logits, std::span<token_id const> history)
        {
            if (m_penalty == 1) { return; }
            if (m_window != 0 && m_window < history.size()) { history = history.last(m_window); }
            m_seen.assign(ceil_div(logits.size(), 64), 0);
            for (auto const id : history)
            {
                if (id < 0 || static_cast<std::size_t>(id) >= logits.size() || seen(id)) { continue; }
                m_seen[static_cast<std::size_t>(id) / 64] |= bit(id);
                auto& x = logits[static_cast<std::size_t>(id)];
                x = x < 0 ? x * m_penalty : x / m_penalty;
            }
        }

    private:
        static std::uint64_t bit(token_id id) noexcept { return std::uint64_t{1} << (id % 64); }
        bool seen(token_id id) const noexcept
        {
            return (m_seen[static_cast<std::size_t>(id) / 64] & bit(id)) != 0;
        }

        float m_penalty;
        std::size_t m_window;
        std::vector<std::uint64_t> m_seen;    // one bit per token, all zero between calls
    };

    // transformers' TemperatureLogitsWarper: logits / value.
    class temperature
    {
    public:
        explicit temperature(double value)
            : m_value(static_cast<float>(value))
        {
            if (!(m_value > 0) || !std::isfinite(m_value))
            {
                throw argument_error(sentence("temperature: expected a number > 0, found ", value));
            }
        }

        void operator()(std::span<float> logits, std::span<token_id const>) const noexcept
        {
            if (m_value == 1) { return; }
            for (auto& x : logits) { x /= m_value; }
        }

    private:
        float m_value;
    };

    // Adds a number to the logits of some tokens. Throws argument_error for an id outside the vocabulary.
    class logit_bias
    {
    public:
        explicit logit_bias(std::vector<std::pair<token_id, float>> bias)
            : m_bias(std::move(bias))
        {}

        void operator()(std::span<float> logits, std::span<token_id const>) const
        {
            for (auto const& [id, value] : m_bias)
            {
                if (id < 0 || static_cast<std::size_t>(id) >= logits.size())
                {
                    throw argument_error(sentence("logit_bias: expected token ids in 0 to ",
                                                  logits.size() - 1, ", found ", id));
                }
                logits[static_cast<std::size_t>(id)] += value;
            }
        }

    private:
        std::vector<std::pair<token_id, float>> m_bias;
    };

    // transformers' SuppressTokensLogitsProcessor: these tokens become -inf. Ids outside the vocabulary
    // cannot be made anyway.
    class banned_tokens
    {
    public:
        explicit banned_tokens(std::vector<token_id> tokens)
            : m_tokens(std::move(tokens))
        {}

        void operator()(std::span<float> logits, std::span<token_id const>) const noexcept
        {
            for (auto const id : m_tokens)
            {
                if (id >= 0 && static_cast<std::size_t>(id) < logits.size())
                {
                    logits[static_cast<std::size_t>(id)] = -std::numeric_limits<float>::infinity();
                }
            }
        }

    private:
        std::vector<token_id> m_tokens;
    };
}
