#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/tables.hpp>
#include <reference/pointwise.hpp>
#include <reference/values.hpp>

using namespace gemma4;

TEST_CASE("layer_norm is (x - mean) / sqrt(variance + eps) * weight, in place and out of place")
{
    for (std::size_t const n : {1u, 7u, 16u, 17u, 32u, 128u, 333u})
    {
        for (float const offset : {0.0f, 3.0f})
        {
            auto x = reference::values(n, 9);
            for (auto& v : x) { v += offset; }
            auto const weight = reference::values(n, 10, 4.0f);
            auto const want = reference::layer_norm(x, weight.data(), 1e-6);
            for (auto const table : all_tables())
            {
                std::vector<float> y(n);
                table->layer_norm(x.data(), weight.data(), y.data(), n, 1e-6f);
                auto in_place = x;
                table->layer_norm(in_place.data(), weight.data(), in_place.data(), n, 1e-6f);
                CAPTURE(table->name);
                CAPTURE(n);
                CHECK(in_place == y);
                // The mean is off by its chain of additions; against a spread of about 1 that is the error.
                double const bound = 4 * (1 + double(offset)) * (double(n) / 16 + 8) * half_ulp * 4;
                bool close = true;
                for (std::size_t i = 0; i != n; ++i)
                {
                    close = close && std::abs(double(y[i]) - want[i]) <= bound;
                }
                CHECK(close);
            }
        }
    }
}

TEST_CASE("layer_norm of equal values is zero")
{
    for (auto const table : all_tables())
    {
        std::vector<float> x(48, 2.5f);
        std::vector<float> const weight(48, 3.0f);
        table->layer_norm(x.data(), weight.data(), x.data(), x.size(), 1e-6f);
        CHECK(x == std::vector<float>(48, 0.0f));
    }
}
