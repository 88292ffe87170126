// Random numbers that are a function of (seed, step): no state to carry, share or lose.
#pragma once

#include <cstdint>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits.
        constexpr std::uint64_t mix(std::uint64_t x) noexcept
        {
            x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
            x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
            return x ^ (x >> 31);
        }
    }

    // 64 uniform bits. The seed is mixed first, so that seeds that are close or a multiple of the step apart
    // share nothing.
    constexpr std::uint64_t random_bits(std::uint64_t seed, std::uint64_t step) noexcept
    {
        constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;
        return detail::mix(detail::mix(seed + golden) + (step + 1) * golden);
    }

    // floor(bits * bound / 2^64): uniform in [0, bound) for uniform bits, to within bound / 2^64.
    constexpr std::uint64_t scale_to(std::uint64_t bits, std::uint64_t bound) noexcept
    {
        std::uint64_t const low = (bits & 0xffffffffu) * (bound & 0xffffffffu);
        std::uint64_t const middle = (bits >> 32) * (bound & 0xffffffffu) + (low >> 32);
        std::uint64_t const other = (bits & 0xffffffffu) * (bound >> 32) + (middle & 0xffffffffu);
        return (bits >> 32) * (bound >> 32) + (middle >> 32) + (other >> 32);
    }
}
