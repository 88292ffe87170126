#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/generate/scan.hpp>

using namespace gemma4;

namespace
{
    constexpr float inf = std::numeric_limits<float>::infinity();
    constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
}

TEST_CASE("scan finds the maximum and NaN at every place and size")
{
    std::mt19937 random(5);
    for (std::size_t n = 1; n < 70; ++n)
    {
        for (std::size_t at = 0; at < n; ++at)
        {
            std::vector<float> x(n);
            for (auto& v : x) { v = -float(random() % 1000) - 1; }
            x[at] = -0.5f;
            CHECK(scan(x).max == -0.5f);
            CHECK(scan(x).usable());
            CHECK(first_at(x, -0.5f) == at);
            x[at] = not_a_number;
            CHECK(scan(x).has_nan);
            CHECK_FALSE(scan(x).usable());
        }
    }
}

TEST_CASE("scan of nothing, of -inf and of +inf")
{
    CHECK_FALSE(scan({}).usable());
    std::vector<float> x(40, -inf);
    CHECK_FALSE(scan(x).usable());
    CHECK_FALSE(scan(x).has_nan);
    x[39] = inf;
    CHECK(scan(x).usable());
    CHECK(scan(x).max == inf);
}
