// RMS norms over rows (Gemma4RMSNorm): y = x * (mean(x²) + eps)^-½ * weight, in float32.
#pragma once

#include <cstddef>

#include <gemma4/core/view.hpp>
#include <gemma4/layers/compute.hpp>

namespace gemma4::inline v0
{
    // A float32 vector that was bound at load: the gain of a norm, a scale. null = not there.
    struct vector_weight
    {
        float const* data = nullptr;
        std::size_t size = 0;
    };

    // y[r] = norm(x[r]). y may be x.
    inline void norm_row(compute const& c, vector_weight const& weight, float eps, view<float const> x,
                         view<float> y, std::size_t r)
    {
        c.kernels->rms_norm(x.row(r), weight.data, y.row(r), x.columns, eps);
    }

    // x[r] += norm(h[r]); h[r] is overwritten.
    inline void add_normed_row(compute const& c, vector_weight const& weight, float eps, view<float> h,
                               view<float> x, std::size_t r)
    {
        c.kernels->rms_norm(h.row(r), weight.data, h.row(r), h.columns, eps);
        c.kernels->add(h.row(r), x.row(r), x.columns);
    }

    // The same of all rows.
    inline void norm(compute const& c, vector_weight const& weight, float eps, view<float const> x,
                     view<float> y)
    {
        c.for_each_row(x.rows, [&](std::size_t r, std::size_t) { norm_row(c, weight, eps, x, y, r); });
    }

    inline void add_normed(compute const& c, vector_weight const& weight, float eps, view<float> h,
                           view<float> x)
    {
        c.for_each_row(x.rows, [&](std::size_t r, std::size_t) { add_normed_row(c, weight, eps, h, x, r); });
    }
}
