// softmax of one row: exp(x - max) / sum.
#pragma once

#include <cstddef>
#include <limits>

#include <gemma4/simd/f32x16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct softmax_kernel
    {
        using f32x16 = simd::f32x16<Arch>;

        static float most_of(float const* x, std::size_t n)
        {
            constexpr float lowest = -std::numeric_limits<float>::infinity();
            auto most = f32x16::broadcast(lowest);
            std::size_t i = 0;
            for (; i + simd::width <= n; i += simd::width) { most = max(most, f32x16::load(x + i)); }
            if (i != n) { most = max(most, f32x16::load_partial(x + i, n - i, lowest)); }
            return reduce_max(most);
        }

        static void run(float* x, std::size_t n)
        {
            auto const most = f32x16::broadcast(most_of(x, n));
            auto sum = f32x16::zero();
            std::size_t i = 0;
            for (; i + simd::width <= n; i += simd::width)
            {
                auto const p = exp(f32x16::load(x + i) - most);
                p.store(x + i);
                sum = sum + p;
            }
            if (i != n)
            {
                exp(f32x16::load_partial(x + i, n - i) - most).store_partial(x + i, n - i);
                sum = sum + f32x16::load_partial(x + i, n - i);
            }
            auto const total = f32x16::broadcast(reduce_add(sum));
            for (i = 0; i + simd::width <= n; i += simd::width)
            {
                (f32x16::load(x + i) / total).store(x + i);
            }
            if (i != n) { (f32x16::load_partial(x + i, n - i) / total).store_partial(x + i, n - i); }
        }
    };
}
