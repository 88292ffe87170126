// Softmax weights as integers: softmax_weight(x) = 2^40 exp(x - max), to a relative 1e-9 and an absolute 1.
//
// Integers because their sums are exact in any order, and because no libm, instruction set or contraction of
// the compiler can change them: the same logits and the same random number give the same token on every
// machine.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gemma4::inline v0
{
    inline constexpr std::uint64_t softmax_weight_one = std::uint64_t{1} << 40;

    // So many weights cannot overflow a 64-bit sum.
    inline constexpr std::size_t max_softmax_weights = std::size_t{1} << 23;

    namespace detail
    {
        // round(2^31 * 2^(-i/1024))
        inline constexpr std::array<std::uint32_t, 1024> exp2_table = []
        {
            std::array<std::uint32_t, 1024> table{};
            double const step = 0.9993233275026507;    // 2^(-1/1024)
            double power = 1;
            for (auto& entry : table)
            {
                entry = static_cast<std::uint32_t>(power * 0x1p31 + 0.5);
                power *= step;
            }
            return table;
        }();
    }

    // x <= max, neither NaN; max > -inf. Infinities: exp(+inf - +inf) is taken as 1, exp(-inf) as 0.
    inline std::uint64_t softmax_weight(float x, float max) noexcept
    {
        if (x == max) { return softmax_weight_one; }
        double const units = (double(max) - double(x)) * 0x1.71547652b82fep+32;    // log2(e) * 2^32
        if (!(units < 41.5 * 0x1p32)) { return 0; }
        auto const fixed = static_cast<std::uint64_t>(static_cast<std::int64_t>(units));
        auto const low = fixed & 0x3fffff;                                   // 22 bits under the table's 10
        auto const y = (low * 2977044472u) >> 32;                            // times ln 2, in units of 2^-32
        auto const rest = (std::uint64_t{1} << 32) - y + ((y * y) >> 33);    // exp(-y) to y^3/6 < 6e-11
        auto const mantissa = detail::exp2_table[(fixed >> 22) & 1023] * rest;    // in units of 2^-63
        return ((mantissa >> (22 + (fixed >> 32))) + 1) >> 1;
    }

    // The sum of the weights of all logits.
    inline std::uint64_t total_softmax_weight(std::span<float const> logits, float max) noexcept
    {
        std::uint64_t total = 0;
        for (float const x : logits) { total += softmax_weight(x, max); }
        return total;
    }

    // log_softmax(logits)[i] for x = logits[i].
    inline float log_softmax(float x, float max, std::uint64_t total) noexcept
    {
        double const below = x == max ? 0.0 : double(x) - double(max);
        return static_cast<float>(below - std::log(double(total) / double(softmax_weight_one)));
    }
}
