// float32 to bfloat16 in kernels, where no function may be shared between instruction sets.
#pragma once

#include <cstdint>

namespace gemma4::inline v0::kernels
{
    // As bf16::from: rounded to nearest even, a NaN stays one (of all ones the sum would be a zero).
    [[gnu::always_inline]] inline std::uint16_t bfloat16_of(float x)
    {
        auto const u = __builtin_bit_cast(std::uint32_t, x);
        bool const is_nan = (u & 0x7fffffffu) > 0x7f800000u;
        return std::uint16_t((is_nan ? u | 0x400000u : u + 0x7fffu + (u >> 16 & 1u)) >> 16);
    }
}
