#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/generate/truncation.hpp>

using namespace gemma4;

namespace
{
    constexpr float inf = std::numeric_limits<float>::infinity();
    constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

    std::vector<float> naive_top_k(std::vector<float> x, std::size_t k)
    {
        auto sorted = x;
        std::sort(sorted.begin(), sorted.end(), std::greater<>{});
        for (auto& v : x) { v = v < sorted[std::min(k, x.size()) - 1] ? -inf : v; }
        return x;
    }

    // All sorted, all summed, in double.
    std::vector<float> naive_top_p(std::vector<float> x, double p)
    {
        std::vector<std::size_t> order(x.size());
        std::iota(order.rbegin(), order.rend(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
        double const max = x[order.back()];
        double total = 0;
        for (auto i : order) { total += std::exp(x[i] - max); }
        double sum = 0;
        auto const last = order.back();
        auto const before = x;
        for (auto i : order)
        {
            sum += std::exp(before[i] - max) / total;
            if (float(sum) <= float(1 - p) && i != last) { x[i] = -inf; }
        }
        return x;
    }

    std::vector<float> draw(std::size_t n, float spread, unsigned seed, bool ties)
    {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal(0, spread);
        std::vector<float> x(n);
        for (auto& v : x)
        {
            v = normal(random);
            if (ties) { v = std::round(v * 2) / 2; }
        }
        return x;
    }
}

TEST_CASE("order keeps the order of floats, equals for both zeros, NaN on top")
{
    std::vector<float> const rising{-inf, -3e38f, -1, -1e-45f, 0, 1e-45f, 1, 3e38f, inf, not_a_number};
    for (std::size_t i = 1; i < rising.size(); ++i)
    {
        CHECK(detail::order(rising[i - 1]) < detail::order(rising[i]));
    }
    CHECK(detail::order(-0.0f) == detail::order(0.0f));
    CHECK(detail::order(-not_a_number) == detail::order(not_a_number));
    for (float const x : rising)
    {
        if (x == x) { CHECK(detail::value_of(detail::order(x)) == x); }
    }
}

TEST_CASE("top_k equals sorting everything")
{
    unsigned seed = 0;
    for (std::size_t n : {1u, 2u, 31u, 300u, 5000u, 70000u})
    {
        for (std::size_t k : {1u, 2u, 7u, 64u, 299u, 300u, 2000u, 60000u})
        {
            for (bool const ties : {false, true})
            {
                auto x = draw(n, 3, ++seed, ties);
                auto const expected = naive_top_k(x, k);
                top_k{k}(x, {});
                CHECK(x == expected);
                std::sort(x.begin(), x.end());    // rising: every logit is a new best
                auto const sorted = naive_top_k(x, k);
                top_k{k}(x, {});
                CHECK(x == sorted);
            }
        }
    }
    CHECK_THROWS_AS(top_k(0), argument_error);
}

TEST_CASE("top_p equals sorting everything")
{
    unsigned seed = 100;
    for (std::size_t n : {1u, 2u, 31u, 300u, 5000u, 262144u})
    {
        for (double p : {0.0, 0.1, 0.5, 0.9, 0.95, 0.999})
        {
            for (float const spread : {0.2f, 3.0f})
            {
                auto x = draw(n, spread, ++seed, false);
                auto const expected = naive_top_p(x, p);
                top_p{p}(x, {});
                // each side rounds its sums: at most one token may fall on the other side of the border
                std::size_t differing = 0;
                for (std::size_t i = 0; i < n; ++i) { differing += x[i] != expected[i]; }
                CHECK(differing <= (n > 100000 ? 1u : 0u));
                CHECK(std::count(x.begin(), x.end(), -inf) < std::ptrdiff_t(n));
            }
        }
    }
}

TEST_CASE("top_p among equals keeps the lower indices, and always one token")
{
    std::vector<float> x(8, 1.0f);
    top_p{0.5}(x, {});
    CHECK(x == std::vector<float>{1, 1, 1, 1, -inf, -inf, -inf, -inf});
    top_p{0}(x, {});
    CHECK(x == std::vector<float>{1, -inf, -inf, -inf, -inf, -inf, -inf, -inf});
    std::vector<float> y{2, -inf, 2};
    top_p{1}(y, {});
    CHECK(y == std::vector<float>{2, -inf, 2});
    CHECK_THROWS_WITH_AS(top_p(1.5), "top_p: expected a number in 0 to 1, found 1.5", argument_error);
    CHECK_THROWS_AS(top_p(-0.1), argument_error);
    CHECK_THROWS_AS(top_p(double(not_a_number)), argument_error);
}

TEST_CASE("min_p keeps what is p times as likely as the best")
{
    std::vector<float> x{0, std::log(0.5f) + 1e-3f, std::log(0.5f) - 1e-3f, -inf, 0};
    min_p{0.5}(x, {});
    CHECK(x[0] == 0);
    CHECK(x[1] > -1);
    CHECK(x[2] == -inf);
    CHECK(x[4] == 0);
    min_p{1}(x, {});
    CHECK(x == std::vector<float>{0, -inf, -inf, -inf, 0});
    std::vector<float> far{0, -1e30f, inf};
    min_p{0}(far, {});
    CHECK(far == std::vector<float>{0, -1e30f, inf});
    min_p{0.1}(far, {});
    CHECK(far == std::vector<float>{-inf, -inf, inf});
    CHECK_THROWS_AS(min_p(-0.1), argument_error);
    CHECK_THROWS_AS(min_p(double(not_a_number)), argument_error);
}

TEST_CASE("NaN and all -inf pass through unharmed, to be reported by the sampler")
{
    for (auto base :
         {std::vector<float>(300, not_a_number), std::vector<float>(300, -inf), draw(300, 2, 9, false)})
    {
        base[17] = base[18] == -inf ? -inf : not_a_number;
        auto x = base;
        top_k{5}(x, {});
        top_p{0.5}(x, {});
        min_p{0.5}(x, {});
        CHECK((x[17] != x[17]) == (base[17] != base[17]));
    }
}
