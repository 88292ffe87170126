#include <cmath>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/tables.hpp>
#include <reference/pointwise.hpp>
#include <reference/values.hpp>

using namespace gemma4;

TEST_CASE("rope turns the first pairs and leaves the others alone")
{
    struct shape
    {
        std::size_t head_dim, rotated;
    };
    for (auto const [head_dim, rotated] :
         {shape{32, 16}, {64, 8}, {64, 16}, {256, 128}, {512, 64}, {48, 24}, {32, 0}, {96, 37}})
    {
        auto const x = reference::values(head_dim, 11, 5.0f);
        auto const angle = reference::values(rotated, 12, 3.0f);
        std::vector<float> cosine, sine;
        for (float const a : angle)
        {
            cosine.push_back(std::cos(a));
            sine.push_back(std::sin(a));
        }
        auto const want = reference::rope(x, cosine.data(), sine.data(), rotated);
        for (auto const table : all_tables())
        {
            auto y = x;
            table->rope(y.data(), cosine.data(), sine.data(), head_dim, rotated);
            CAPTURE(table->name);
            CAPTURE(head_dim);
            CAPTURE(rotated);
            bool close = true;
            for (std::size_t i = 0; i != head_dim; ++i)
            {
                // Two products and a sum, each rounded; no term exceeds 5, no sum 5 sqrt 2.
                bool const turned = i % (head_dim / 2) < rotated;
                close = close && std::abs(double(y[i]) - want[i]) <= (turned ? 20 * half_ulp : 0.0);
            }
            CHECK(close);
        }
    }
}
