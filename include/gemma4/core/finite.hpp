// Whether numbers are finite.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline constexpr std::uint32_t float_exponent = 0x7f800000u;

        // All ones where x is infinite or NaN, else zero.
        inline std::uint32_t not_finite(float x) noexcept
        {
            return (std::bit_cast<std::uint32_t>(x) & float_exponent) == float_exponent ? ~std::uint32_t(0)
                                                                                        : 0;
        }
    }

    // No value is infinite or NaN. As fast as memory.
    inline bool all_finite(std::span<float const> values) noexcept
    {
        constexpr std::size_t lanes = 16;    // so that the compiler can use whole vectors
        std::array<std::uint32_t, lanes> found{};
        auto const whole = values.size() - values.size() % lanes;
        for (std::size_t i = 0; i < whole; i += lanes)
        {
            for (std::size_t lane = 0; lane < lanes; ++lane)
            {
                found[lane] |= detail::not_finite(values[i + lane]);
            }
        }
        std::uint32_t any = 0;
        for (auto const lane : found) { any |= lane; }
        for (float const x : values.subspan(whole)) { any |= detail::not_finite(x); }
        return any == 0;
    }

    // The index of the first value that is infinite or NaN; values.size() where there is none.
    inline std::size_t first_not_finite(std::span<float const> values) noexcept
    {
        if (all_finite(values)) { return values.size(); }
        std::size_t at = 0;
        while (detail::not_finite(values[at]) == 0) { ++at; }
        return at;
    }
}
