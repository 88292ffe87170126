// log_softmax in double precision, and what two of them differ by.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace gemma4::inline v0
{
    // to[i] = log softmax(logits)[i]; `to` may be `logits`.
    inline void log_probabilities(std::span<float const> logits, std::span<float> to) noexcept
    {
        auto const max = double(*std::ranges::max_element(logits));
        double sum = 0;
        for (float const x : logits) { sum += std::exp(double(x) - max); }
        auto const shift = max + std::log(sum);
        for (std::size_t i = 0; i != logits.size(); ++i) { to[i] = float(double(logits[i]) - shift); }
    }

    // The sum of exp(p) * (p - q): how far the distribution q is from p, both as log-probabilities.
    inline double kl_divergence(std::span<float const> p, std::span<float const> q) noexcept
    {
        double sum = 0;
        for (std::size_t i = 0; i != p.size(); ++i)
        {
            if (p[i] > -60.0f) { sum += std::exp(double(p[i])) * (double(p[i]) - double(q[i])); }
        }
        return sum;
    }
}
