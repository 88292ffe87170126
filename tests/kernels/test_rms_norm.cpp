#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/tables.hpp>
#include <reference/pointwise.hpp>
#include <reference/values.hpp>

using namespace gemma4;

TEST_CASE("rms_norm is x / sqrt(mean(x^2) + eps) * weight, in place and out of place")
{
    for (std::size_t const n : {1u, 7u, 16u, 32u, 63u, 64u, 65u, 96u, 224u, 256u, 1536u, 5376u})
    {
        for (float const size : {1e-4f, 1.0f, 300.0f})
        {
            auto const x = reference::values(n, 9, size);
            auto const weight = reference::values(n, 10, 4.0f);
            for (float const* const w : {weight.data(), static_cast<float const*>(nullptr)})
            {
                auto const want = reference::rms_norm(x, w, 1e-6);
                for (auto const table : all_tables())
                {
                    std::vector<float> y(n);
                    table->rms_norm(x.data(), w, y.data(), n, 1e-6f);
                    auto in_place = x;
                    table->rms_norm(in_place.data(), w, in_place.data(), n, 1e-6f);
                    CAPTURE(table->name);
                    CAPTURE(n);
                    CHECK(in_place == y);
                    // All squares are positive: the sum is off by its chain (n / 64 + 7 roundings), its root
                    // by half of it.
                    double const bound = (double(n) / 128 + 8) * half_ulp;
                    bool close = true;
                    for (std::size_t i = 0; i != n; ++i)
                    {
                        close = close && std::abs(double(y[i]) - want[i]) <= bound * std::abs(want[i]);
                    }
                    CHECK(close);
                }
            }
        }
    }
}

TEST_CASE("rms_norm of zeros is zeros")
{
    for (auto const table : all_tables())
    {
        std::vector<float> x(48, 0.0f);
        table->rms_norm(x.data(), nullptr, x.data(), x.size(), 1e-6f);
        CHECK(x == std::vector<float>(48, 0.0f));
    }
}
