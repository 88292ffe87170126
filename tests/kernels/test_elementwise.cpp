#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/tables.hpp>
#include <reference/pointwise.hpp>
#include <reference/values.hpp>

using namespace gemma4;

namespace
{
    std::size_t const sizes[] = {0, 1, 15, 16, 17, 40, 333};

    template <class T>
    void check_all_widened(kernels::table const& table)
    {
        std::vector<T> all(65536);
        for (std::size_t i = 0; i != all.size(); ++i) { all[i].bits = std::uint16_t(i); }
        std::vector<float> y(all.size());
        table.widen[std::size_t(weight_type_of(dtype_of<T>))](all.data(), 1.0f, y.data(), y.size());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i != all.size(); ++i)
        {
            float const want = all[i].value();
            bool const right = std::isnan(want)
                                   ? std::isnan(y[i])
                                   : std::bit_cast<std::uint32_t>(y[i]) == std::bit_cast<std::uint32_t>(want);
            wrong += !right;
        }
        CAPTURE(table.name);
        CHECK(wrong == 0);
    }

    // f(table, y) works in place on a copy of `y`; want(i) is what it must give within `bound` units of half
    // an ulp.
    template <class F, class Want>
    void check_map(std::vector<float> const& y, double bound, F f, Want want)
    {
        for (auto const table : all_tables())
        {
            auto got = y;
            f(*table, got);
            CAPTURE(table->name);
            std::size_t wrong = 0;
            for (std::size_t i = 0; i != y.size(); ++i)
            {
                wrong += !(std::abs(double(got[i]) - want(i)) <= bound * half_ulp * std::abs(want(i)));
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("widening is exact for all 65536 values of bf16 and f16")
{
    for (auto const table : all_tables())
    {
        check_all_widened<bf16>(*table);
        check_all_widened<f16>(*table);
    }
}

TEST_CASE("widening multiplies with one rounding and handles ragged ends")
{
    for (std::size_t const n : sizes)
    {
        auto const source = reference::values(n, 3);
        auto const narrow = reference::narrowed<bf16>(source);
        for (auto const table : all_tables())
        {
            std::vector<float> y(n + 1, 5.0f);
            table->widen[std::size_t(weight_type_of(dtype::bf16))](narrow.data(), 39.1f, y.data(), n);
            bool same = y[n] == 5.0f;
            for (std::size_t i = 0; i != n; ++i) { same = same && y[i] == 39.1f * narrow[i].value(); }
            table->widen[std::size_t(weight_type_of(dtype::f32))](source.data(), 39.1f, y.data(), n);
            for (std::size_t i = 0; i != n; ++i) { same = same && y[i] == 39.1f * source[i]; }
            CAPTURE(table->name);
            CAPTURE(n);
            CHECK(same);
        }
    }
}

TEST_CASE("add, scale and multiply round once; add_scaled at most twice")
{
    for (std::size_t const n : sizes)
    {
        auto const x = reference::values(n, 4, 3.0f);
        auto const y = reference::values(n, 5);
        check_map(
            y, 1, [&](auto& t, auto& v) { t.add(x.data(), v.data(), n); },
            [&](std::size_t i) { return double(y[i]) + double(x[i]); });
        check_map(
            y, 1, [&](auto& t, auto& v) { t.scale(0.3f, v.data(), n); },
            [&](std::size_t i) { return double(0.3f) * double(y[i]); });
        check_map(
            y, 1, [&](auto& t, auto& v) { t.multiply(x.data(), v.data(), n); },
            [&](std::size_t i) { return double(x[i]) * double(y[i]); });
        for (auto const table : all_tables())
        {
            auto got = y;
            table->add_scaled(0.7f, x.data(), got.data(), n);
            bool close = true;
            for (std::size_t i = 0; i != n; ++i)
            {
                double const product = double(0.7f) * double(x[i]);
                double const bound =
                    half_ulp * (std::abs(product) + std::abs(product + double(y[i])) + 1e-30);
                close = close && std::abs(double(got[i]) - (product + double(y[i]))) <= 1.01 * bound;
            }
            CAPTURE(table->name);
            CHECK(close);
        }
    }
}

TEST_CASE("gelu_multiply is gelu's tanh form times the other factor")
{
    for (std::size_t const n : sizes)
    {
        auto const gate = reference::values(n, 6, 12.0f);
        auto const up = reference::values(n, 7, 2.0f);
        for (auto const table : all_tables())
        {
            auto y = gate;
            table->gelu_multiply(y.data(), up.data(), y.data(), n);
            double worst = 0;
            for (std::size_t i = 0; i != n; ++i)
            {
                // 2u is rounded to 2^-24 |2u| and goes through exp: absolute 3 * 2^-24 * |x| near 0, less
                // elsewhere.
                double const want = reference::gelu(double(gate[i])) * double(up[i]);
                worst = std::fmax(worst, std::abs(double(y[i]) - want)
                                             / (std::abs(double(gate[i] * up[i])) + 1e-30));
            }
            CAPTURE(table->name);
            CHECK(worst <= 8 * half_ulp);
        }
    }
}

TEST_CASE("gelu at the ends of the range: the number itself, or zero")
{
    for (auto const table : all_tables())
    {
        std::vector<float> const one(6, 1.0f);
        std::vector<float> gate{0.0f, -0.0f, 50.0f, -50.0f, 3e30f, -3e30f};
        table->gelu_multiply(gate.data(), one.data(), gate.data(), gate.size());
        CAPTURE(table->name);
        CHECK(gate == std::vector<float>{0.0f, 0.0f, 50.0f, 0.0f, 3e30f, 0.0f});
    }
}

TEST_CASE("softcap is cap * tanh(x / cap)")
{
    for (std::size_t const n : sizes)
    {
        auto const x = reference::values(n, 8, 90.0f);
        // One rounding in x / cap, 2 ulp in tanh, one in the product.
        check_map(
            x, 8, [&](auto& t, auto& v) { t.softcap(v.data(), n, 30.0f); },
            [&](std::size_t i) { return 30.0 * std::tanh(double(x[i]) / 30.0); });
    }
}

TEST_CASE("clip is exact, in place and beside, with bounds that may be infinite or the same")
{
    constexpr float infinite = std::numeric_limits<float>::infinity();
    struct bounds
    {
        float low, high;
    };
    for (std::size_t const n : sizes)
    {
        auto x = reference::values(n, 9, 5.0f);
        if (n > 2) { x[1] = infinite, x[2] = -infinite; }
        for (auto const [low, high] :
             {bounds{-1.5f, 2.25f}, bounds{-infinite, 0.5f}, bounds{0.125f, infinite},
              bounds{-infinite, infinite}, bounds{1.0f, 1.0f}, bounds{2.0f, 1.0f}})
        {
            std::vector<float> want;
            for (float const v : x) { want.push_back(std::fmin(std::fmax(v, low), high)); }
            for (auto const table : all_tables())
            {
                std::vector<float> beside(n + 1, 7.0f);
                table->clip(x.data(), low, high, beside.data(), n);
                bool const end_stays = beside[n] == 7.0f;
                beside.resize(n);
                auto inside = x;
                table->clip(inside.data(), low, high, inside.data(), n);
                CAPTURE(table->name);
                CHECK(end_stays);
                CHECK(beside == want);
                CHECK(inside == want);
            }
        }
    }
}

TEST_CASE("silu and glu are x times the logistic function, of itself or of the gate, far out too")
{
    auto const logistic = [](float g) { return 1 / (1 + std::exp(-double(g))); };
    for (auto const n : sizes)
    {
        for (float const size : {1.0f, 20.0f, 80.0f})
        {
            auto const x = reference::values(n, 31, size);
            auto const gate = reference::values(n, 32, size);
            check_map(
                x, 10, [](auto const& table, auto& y) { table.silu(y.data(), y.data(), y.size()); },
                [&](std::size_t i) { return double(x[i]) * logistic(x[i]); });
            check_map(
                x, 10,
                [&](auto const& table, auto& y) { table.glu(y.data(), gate.data(), y.data(), y.size()); },
                [&](std::size_t i) { return double(x[i]) * logistic(gate[i]); });
        }
    }
    for (auto const table : all_tables())
    {
        std::vector<float> y{-1e30f, -200.0f, 0.0f, 200.0f, 1e30f};
        table->silu(y.data(), y.data(), y.size());
        CHECK(y == std::vector<float>{0.0f, 0.0f, 0.0f, 200.0f, 1e30f});
    }
}

TEST_CASE("multiply_add rounds at most twice")
{
    for (auto const n : sizes)
    {
        auto const a = reference::values(n, 33), b = reference::values(n, 34), y = reference::values(n, 35);
        for (auto const table : all_tables())
        {
            auto got = y;
            table->multiply_add(a.data(), b.data(), got.data(), n);
            std::size_t wrong = 0;
            for (std::size_t i = 0; i != n; ++i)
            {
                auto const product = double(a[i]) * double(b[i]);
                auto const bound = half_ulp * (std::abs(product) + std::abs(double(y[i]) + product)) * 1.0001;
                wrong += !(std::abs(double(got[i]) - (double(y[i]) + product)) <= bound);
            }
            CAPTURE(table->name);
            CHECK(wrong == 0);
        }
    }
}
