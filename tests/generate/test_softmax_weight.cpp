#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/generate/softmax_weight.hpp>

using namespace gemma4;

TEST_CASE("weight is 2^40 exp(x - max)")
{
    double worst = 0;
    for (int i = 0; i <= 400000; ++i)
    {
        float const x = -float(i) * 1e-4f;
        double const exact = std::exp(double(x)) * 0x1p40;
        worst = std::max(worst, std::abs(double(softmax_weight(x, 0)) - exact) / (1 + exact * 1e-9));
    }
    CHECK(worst <= 1);
    CHECK(softmax_weight(12, 12) == softmax_weight_one);
    CHECK(softmax_weight(-1e30f, 12) == 0);
}

TEST_CASE("weight at the ends of float32")
{
    constexpr float inf = std::numeric_limits<float>::infinity();
    constexpr float most = std::numeric_limits<float>::max();
    CHECK(softmax_weight(inf, inf) == softmax_weight_one);
    CHECK(softmax_weight(3, inf) == 0);
    CHECK(softmax_weight(-inf, 3) == 0);
    CHECK(softmax_weight(-most, most) == 0);
    CHECK(softmax_weight(0, std::numeric_limits<float>::denorm_min()) == softmax_weight_one);
}

TEST_CASE("weight does not grow as x falls, but for its rounding")
{
    std::uint64_t last = softmax_weight_one;
    for (float x = -1e-6f; x > -30; x = std::nextafter(x * 1.00001f, -40.0f))
    {
        auto const now = softmax_weight(x, 0);
        CHECK_MESSAGE(double(now) <= double(last) * (1 + 1e-9) + 1, x);
        last = now;
    }
}

TEST_CASE("log_softmax equals the definition in double")
{
    std::mt19937_64 random(11);
    std::normal_distribution<float> normal(0, 5);
    for (std::size_t n : {1u, 2u, 50u, 4096u, 262144u})
    {
        std::vector<float> x(n);
        for (auto& v : x) { v = normal(random); }
        auto const max = *std::max_element(x.begin(), x.end());
        double sum = 0;
        for (float v : x) { sum += std::exp(double(v) - max); }
        auto const total = total_softmax_weight(x, max);
        for (std::size_t i = 0; i < n; i += 1 + n / 50)
        {
            double const exact = double(x[i]) - max - std::log(sum);
            CHECK(log_softmax(x[i], max, total) == doctest::Approx(exact).epsilon(1e-6));
        }
    }
}
