// Keys and values on their way into a page.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/core/types.hpp>

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
            for (std::size_t i = 0; i != n; ++i)
            {
                auto const bits = __builtin_bit_cast(std::uint32_t, x[i]);
                y[i].bits = std::uint16_t((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
            }
        }

        static void to_int8(float const* x, void* to, float* scale, std::size_t n)
        {
            auto const y = static_cast<std::int8_t*>(to);
            float most = 0;
            for (std::size_t i = 0; i != n; ++i)
            {
                float const size = __builtin_fabsf(x[i]);
                most = size > most ? size : most;
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
