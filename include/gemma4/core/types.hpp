// Vocabulary types: token ids, positions, and the 16-bit floats of checkpoints.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace gemma4::inline v0
{
    using token_id = std::int32_t;
    using position = std::uint64_t;    // index of a token in its conversation

    // bfloat16: the upper half of a float32.
    struct bf16
    {
        std::uint16_t bits = 0;

        constexpr float value() const noexcept { return std::bit_cast<float>(std::uint32_t(bits) << 16); }

        // Round to nearest even; a NaN stays a (quiet) NaN.
        static constexpr bf16 from(float x) noexcept
        {
            auto const u = std::bit_cast<std::uint32_t>(x);
            if ((u & 0x7fffffffu) > 0x7f800000u) { return {std::uint16_t((u >> 16) | 0x40u)}; }
            return {std::uint16_t((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
        }
    };

    // IEEE 754 binary16.
    struct f16
    {
        std::uint16_t bits = 0;

        constexpr float value() const noexcept
        {
            std::uint32_t const sign = std::uint32_t(bits & 0x8000u) << 16;
            std::uint32_t const exponent = (bits >> 10) & 0x1fu;
            std::uint32_t const mantissa = bits & 0x3ffu;
            if (exponent == 0)    // zero or subnormal: mantissa * 2^-24, exact in float32
            {
                auto const magnitude = float(mantissa) * 0x1p-24f;
                return sign ? -magnitude : magnitude;
            }
            if (exponent == 31) { return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13)); }
            return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
        }

        // Round to nearest even; beyond the largest finite value it becomes infinite.
        static constexpr f16 from(float x) noexcept
        {
            auto const u = std::bit_cast<std::uint32_t>(x);
            auto const sign = std::uint16_t((u >> 16) & 0x8000u);
            auto const magnitude = u & 0x7fffffffu;
            if (magnitude > 0x7f800000u) { return {std::uint16_t(sign | 0x7e00u)}; }
            if (magnitude >= 0x477ff000u) { return {std::uint16_t(sign | 0x7c00u)}; }
            if (magnitude < 0x38800000u)    // below 2^-14: count units of 2^-24, rounded by the float adder
            {
                auto const units = std::bit_cast<float>(magnitude) + 0.5f;    // 0.5 = 2^23 units of 2^-24
                return {std::uint16_t(sign | (std::bit_cast<std::uint32_t>(units) - 0x3f000000u))};
            }
            auto const rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
            return {std::uint16_t(sign | ((rounded - 0x38000000u) >> 13))};
        }
    };
}
