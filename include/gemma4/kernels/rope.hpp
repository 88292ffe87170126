// Rotary position embedding of one head, halves paired as the reference pairs them:
// x cos + rotate_half(x) sin with rotate_half(a, b) = (-b, a).
#pragma once

#include <cstddef>

#include <gemma4/simd/f32x16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct rope_kernel
    {
        using f32x16 = simd::f32x16<Arch>;

        static void run(float* x, float const* cosine, float const* sine, std::size_t head_dim,
                        std::size_t rotated)
        {
            float* const low = x;
            float* const high = x + head_dim / 2;
            std::size_t i = 0;
            for (; i + simd::width <= rotated; i += simd::width)
            {
                auto const a = f32x16::load(low + i);
                auto const b = f32x16::load(high + i);
                auto const c = f32x16::load(cosine + i);
                auto const s = f32x16::load(sine + i);
                (a * c - b * s).store(low + i);
                (b * c + a * s).store(high + i);
            }
            if (i != rotated)
            {
                std::size_t const n = rotated - i;
                auto const a = f32x16::load_partial(low + i, n);
                auto const b = f32x16::load_partial(high + i, n);
                auto const c = f32x16::load_partial(cosine + i, n);
                auto const s = f32x16::load_partial(sine + i, n);
                (a * c - b * s).store_partial(low + i, n);
                (b * c + a * s).store_partial(high + i, n);
            }
        }
    };
}
