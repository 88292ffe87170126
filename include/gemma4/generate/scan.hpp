// One pass over logits: the largest value and whether any is NaN.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>

namespace gemma4::inline v0
{
    struct logits_scan
    {
        float max = -std::numeric_limits<float>::infinity();    // of those that are numbers
        bool has_nan = false;

        // True when a token can be chosen.
        bool usable() const noexcept { return !has_nan && max != -std::numeric_limits<float>::infinity(); }
    };

    inline logits_scan scan(std::span<float const> logits) noexcept
    {
        constexpr std::size_t lanes = 16;    // independent maxima, so that the compiler can use whole vectors
        std::array<float, lanes> max;
        std::array<int, lanes> nan{};
        max.fill(-std::numeric_limits<float>::infinity());
        auto const whole = logits.size() - logits.size() % lanes;
        for (std::size_t i = 0; i < whole; i += lanes)
        {
            for (std::size_t lane = 0; lane < lanes; ++lane)
            {
                float const x = logits[i + lane];
                max[lane] = x > max[lane] ? x : max[lane];
                nan[lane] |= x != x;
            }
        }
        logits_scan out;
        for (std::size_t lane = 0; lane < lanes; ++lane)
        {
            out.max = std::max(out.max, max[lane]);
            out.has_nan = out.has_nan || nan[lane] != 0;
        }
        for (float const x : logits.subspan(whole))
        {
            out.max = x > out.max ? x : out.max;
            out.has_nan = out.has_nan || x != x;
        }
        return out;
    }

    // The lowest index of the largest value, as torch.argmax; max is scan(logits).max.
    inline std::size_t first_at(std::span<float const> logits, float max) noexcept
    {
        return static_cast<std::size_t>(std::find(logits.begin(), logits.end(), max) - logits.begin());
    }
}
