#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/tables.hpp>
#include <reference/pointwise.hpp>
#include <reference/values.hpp>

using namespace gemma4;

TEST_CASE("softmax is exp(x - max) / sum, also where all values are far below zero")
{
    for (std::size_t const n : {1u, 2u, 15u, 16u, 17u, 31u, 128u, 1000u})
    {
        for (float const shift : {0.0f, -500.0f, 500.0f})
        {
            auto x = reference::values(n, 13, 20.0f);
            for (float& v : x) { v += shift; }
            auto const want = reference::softmax(x);
            for (auto const table : all_tables())
            {
                auto y = x;
                table->softmax(y.data(), n);
                CAPTURE(table->name);
                CAPTURE(n);
                bool close = true;
                for (std::size_t i = 0; i != n; ++i)
                {
                    // x - max is rounded to half an ulp of at most 64 (2^-19 absolute, so that in the
                    // exponential), exp is within 2 ulp, the sum's chain has n / 16 + 5 additions.
                    double const bound = 0x1p-19 + (double(n) / 16 + 12) * half_ulp;
                    close = close && std::abs(double(y[i]) - want[i]) <= bound * want[i];
                }
                CHECK(close);
            }
        }
    }
}
