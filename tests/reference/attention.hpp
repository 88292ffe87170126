#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace reference
{
    // softmax(q . keys) values over the keys [first, last); keys and values (positions, head_dim).
    inline std::vector<double> attention(float const* q, float const* keys, float const* values,
                                         std::size_t head_dim, std::size_t first, std::size_t last)
    {
        std::vector<double> out(head_dim), p(last);
        double most = -INFINITY, sum = 0;
        for (std::size_t j = first; j != last; ++j)
        {
            for (std::size_t d = 0; d != head_dim; ++d)
            {
                p[j] += double(q[d]) * double(keys[j * head_dim + d]);
            }
            most = std::fmax(most, p[j]);
        }
        for (std::size_t j = first; j != last; ++j) { sum += p[j] = std::exp(p[j] - most); }
        for (std::size_t j = first; j != last; ++j)
        {
            for (std::size_t d = 0; d != head_dim; ++d)
            {
                out[d] += p[j] / sum * double(values[j * head_dim + d]);
            }
        }
        return out;
    }
}
