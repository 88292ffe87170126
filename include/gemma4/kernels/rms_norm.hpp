// RMSNorm(x; w) = x (mean(x^2) + eps)^(-1/2) w, in the reference's order of roundings: first x times the
// inverse root, then times the weight.
#pragma once

#include <cstddef>

#include <gemma4/simd/f32x16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct rms_norm_kernel
    {
        using f32x16 = simd::f32x16<Arch>;

        // Four sums of 16 lanes, so that chains are short: sum s takes the vectors s, s + 4, ...
        static float sum_of_squares(float const* x, std::size_t n)
        {
            f32x16 sum[4] = {f32x16::zero(), f32x16::zero(), f32x16::zero(), f32x16::zero()};
            std::size_t i = 0;
            for (; i + 4 * simd::width <= n; i += 4 * simd::width)
            {
                for (std::size_t s = 0; s != 4; ++s)
                {
                    auto const a = f32x16::load(x + i + s * simd::width);
                    sum[s] = fma(a, a, sum[s]);
                }
            }
            for (std::size_t s = 0; i < n; i += simd::width, ++s)
            {
                auto const a = n - i < simd::width ? f32x16::load_partial(x + i, n - i) : f32x16::load(x + i);
                sum[s] = fma(a, a, sum[s]);
            }
            return reduce_add((sum[0] + sum[2]) + (sum[1] + sum[3]));
        }

        static void run(float const* x, float const* weight, float* y, std::size_t n, float eps)
        {
            auto const inverse =
                f32x16::broadcast(1.0f / __builtin_sqrtf(sum_of_squares(x, n) / float(n) + eps));
            for (std::size_t i = 0; i < n; i += simd::width)
            {
                if (n - i >= simd::width)
                {
                    auto const a = f32x16::load(x + i) * inverse;
                    (weight ? a * f32x16::load(weight + i) : a).store(y + i);
                }
                else
                {
                    auto const a = f32x16::load_partial(x + i, n - i) * inverse;
                    (weight ? a * f32x16::load_partial(weight + i, n - i) : a).store_partial(y + i, n - i);
                }
            }
        }
    };
}
