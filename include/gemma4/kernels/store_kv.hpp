// Keys and values on their way into a page.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/core/types.hpp>
#include <gemma4/kernels/bfloat16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct store_kv_kernel
    {
        static void to_f32(float const* x, void* to, float*, std::size_t n)
        {
            auto const y = static_cast<float*>(to);
            for (std::size_t i = 0; i != n; ++i) { y[i] = x[i]; }
        }

        static void to_bf16(float const* x, void* to, float*, std::size_t n)
        {
            auto const y = static_cast<bf16*>(to);
            for (std::size_t i = 0; i != n; ++i) { y[i].bits = bfloat16_of(x[i]); }
        }

        static void to_int8(float const* x, void* to, float* scale, std::size_t n)
        {
            auto const y = static_cast<std::int8_t*>(to);
            std::uint32_t magnitude = 0;    // of their bits: of what is not finite it is the largest
            for (std::size_t i = 0; i != n; ++i)
            {
                auto const bits = __builtin_bit_cast(std::uint32_t, x[i]) & 0x7fffffffu;
                magnitude = bits > magnitude ? bits : magnitude;
            }
            auto const most = __builtin_bit_cast(float, magnitude);
            if (!(most < __builtin_inff()))
            {
                *scale = __builtin_nanf("");
                for (std::size_t i = 0; i != n; ++i) { y[i] = 0; }
                return;
            }
            *scale = most / 127;
            float const inverse = most == 0 ? 0.0f : 127 / most;
            constexpr float rounding = 12582912.0f;    // 1.5 * 2^23: adding it rounds to nearest even
            for (std::size_t i = 0; i != n; ++i)
            {
                y[i] = std::int8_t(std::int32_t((x[i] * inverse + rounding) - rounding));
            }
        }
    };
}
