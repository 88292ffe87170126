#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace reference
{
    inline double gelu(double x)
    {
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    }

    inline std::vector<double> rms_norm(std::vector<float> const& x, float const* weight, double eps)
    {
        double sum = 0;
        for (float const v : x) { sum += double(v) * double(v); }
        double const inverse = 1 / std::sqrt(sum / double(x.size()) + eps);
        std::vector<double> y;
        for (std::size_t i = 0; i != x.size(); ++i)
        {
            y.push_back(double(x[i]) * inverse * (weight ? double(weight[i]) : 1));
        }
        return y;
    }

    inline std::vector<double> layer_norm(std::vector<float> const& x, float const* weight, double eps)
    {
        double mean = 0, variance = 0;
        for (float const v : x) { mean += double(v) / double(x.size()); }
        for (float const v : x) { variance += (double(v) - mean) * (double(v) - mean) / double(x.size()); }
        std::vector<double> y;
        for (std::size_t i = 0; i != x.size(); ++i)
        {
            y.push_back((double(x[i]) - mean) / std::sqrt(variance + eps) * double(weight[i]));
        }
        return y;
    }

    inline std::vector<double> softmax(std::vector<float> const& x)
    {
        double most = x[0], sum = 0;
        for (float const v : x) { most = std::fmax(most, double(v)); }
        for (float const v : x) { sum += std::exp(double(v) - most); }
        std::vector<double> y;
        for (float const v : x) { y.push_back(std::exp(double(v) - most) / sum); }
        return y;
    }

    // x cos + rotate_half(x) sin on the first `rotated` pairs.
    inline std::vector<double> rope(std::vector<float> const& x, float const* cosine, float const* sine,
                                    std::size_t rotated)
    {
        std::vector<double> y(x.begin(), x.end());
        std::size_t const half = x.size() / 2;
        for (std::size_t i = 0; i != rotated; ++i)
        {
            y[i] = double(x[i]) * double(cosine[i]) - double(x[half + i]) * double(sine[i]);
            y[half + i] = double(x[half + i]) * double(cosine[i]) + double(x[i]) * double(sine[i]);
        }
        return y;
    }
}
