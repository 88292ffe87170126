// The weights of Pillow's antialiased bicubic filter along one side, in its fixed point of 22 bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gemma4::inline v0
{
    // Output i is the sum over j < counts[i] of weights[i * stride + j] * input[firsts[i] + j].
    struct bicubic_taps
    {
        // Bits after the point: 32 less 8 of a pixel less 2 of headroom.
        static constexpr int precision = 22;

        std::size_t stride = 0;
        std::vector<std::size_t> firsts, counts;    // (outputs)
        std::vector<std::int32_t> weights;          // (outputs, stride)
    };

    namespace detail
    {
        // Keys' cubic convolution, a = -1/2.
        inline double bicubic(double x)
        {
            constexpr double a = -0.5;
            x = std::abs(x);
            if (x < 1) { return ((a + 2) * x - (a + 3)) * x * x + 1; }
            if (x < 2) { return (((x - 5) * x + 8) * x - 4) * a; }
            return 0;
        }
    }

    // Weights from `in` to `out` pixels (both at least 1). Shrinking widens the filter, growing does not
    // narrow it. The order of the operations is that of Pillow's Resample.c (precompute_coeffs,
    // normalize_coeffs_8bpc).
    inline bicubic_taps make_bicubic_taps(std::size_t in, std::size_t out)
    {
        auto const scale = double(in) / double(out);
        auto const filter_scale = std::max(scale, 1.0);
        auto const support = 2.0 * filter_scale;
        auto const inverse = 1.0 / filter_scale;

        bicubic_taps taps;
        taps.stride = std::size_t(std::ceil(support)) * 2 + 1;
        taps.firsts.resize(out);
        taps.counts.resize(out);
        taps.weights.resize(out * taps.stride);
        std::vector<double> exact(taps.stride);
        for (std::size_t i = 0; i != out; ++i)
        {
            auto const center = (double(i) + 0.5) * scale;
            // Conversion cuts towards zero, so the negative starts of the first outputs become 0 by the
            // maximum.
            auto const first = std::size_t(std::max(center - support + 0.5, 0.0));
            auto const count = std::min(std::size_t(center + support + 0.5), in) - first;
            double sum = 0;
            for (std::size_t j = 0; j != count; ++j)
            {
                exact[j] = detail::bicubic((double(j + first) - center + 0.5) * inverse);
                sum += exact[j];
            }
            taps.firsts[i] = first;
            taps.counts[i] = count;
            for (std::size_t j = 0; j != count; ++j)
            {
                auto const weight =
                    (sum != 0 ? exact[j] / sum : exact[j]) * double(1 << bicubic_taps::precision);
                taps.weights[i * taps.stride + j] = std::int32_t(weight + (weight < 0 ? -0.5 : 0.5));
            }
        }
        return taps;
    }
}
