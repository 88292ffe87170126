// Repeatable values for kernel tests.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace reference
{
    // n values in [-factor, factor): integer arithmetic and exact steps only, so the same everywhere.
    inline std::vector<float> values(std::size_t n, std::uint32_t seed, float factor = 1.0f)
    {
        std::vector<float> v(n);
        std::uint32_t state = seed * 2654435761u + 1u;
        for (auto& x : v)
        {
            state = state * 1664525u + 1013904223u;
            x = (float(state >> 8) / 8388608.0f - 1.0f) * factor;
        }
        return v;
    }

    template <class T>
    std::vector<T> narrowed(std::vector<float> const& source)
    {
        std::vector<T> v;
        for (float const x : source)
        {
            if constexpr (sizeof(T) == 4) { v.push_back(x); }
            else { v.push_back(T::from(x)); }
        }
        return v;
    }

    // x rounded to bfloat16, to nearest with halves up, as fast kernels round.
    inline float half_up(float x)
    {
        return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) + 0x8000u) & 0xffff0000u);
    }

    inline float value(float x) { return x; }
    template <class T>
    float value(T x)
    {
        return x.value();
    }
}
