// LayerNorm without bias: y = (x - mean) (variance + eps)^(-1/2) w. The variance is that of the population.
#pragma once

#include <cstddef>

#include <gemma4/simd/f32x16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct layer_norm_kernel
    {
        using f32x16 = simd::f32x16<Arch>;

        static void run(float const* x, float const* weight, float* y, std::size_t n, float eps)
        {
            auto sum = f32x16::zero();
            std::size_t i = 0;
            for (; i + simd::width <= n; i += simd::width) { sum = sum + f32x16::load(x + i); }
            if (i != n) { sum = sum + f32x16::load_partial(x + i, n - i); }
            float const average = reduce_add(sum) / float(n);
            auto const mean = f32x16::broadcast(average);

            auto squares = f32x16::zero();
            for (i = 0; i + simd::width <= n; i += simd::width)
            {
                auto const a = f32x16::load(x + i) - mean;
                squares = fma(a, a, squares);
            }
            if (i != n)
            {
                auto const a = f32x16::load_partial(x + i, n - i, average) - mean;
                squares = fma(a, a, squares);
            }
            auto const inverse =
                f32x16::broadcast(1.0f / __builtin_sqrtf(reduce_add(squares) / float(n) + eps));

            for (i = 0; i + simd::width <= n; i += simd::width)
            {
                ((f32x16::load(x + i) - mean) * inverse * f32x16::load(weight + i)).store(y + i);
            }
            if (i != n)
            {
                ((f32x16::load_partial(x + i, n - i) - mean) * inverse
                 * f32x16::load_partial(weight + i, n - i))
                    .store_partial(y + i, n - i);
            }
        }
    };
}
