#pragma once

#include <cmath>
#include <cstddef>

#include <reference/values.hpp>

namespace reference
{
    struct dot_result
    {
        double sum, magnitude;
    };    // the sum of the products, and of their absolute values

    template <class W>
    dot_result dot(float const* x, W const* w, std::size_t n)
    {
        dot_result r{0, 0};
        for (std::size_t k = 0; k != n; ++k)
        {
            r.sum += double(x[k]) * double(value(w[k]));
            r.magnitude += std::abs(double(x[k]) * double(value(w[k])));
        }
        return r;
    }
}
