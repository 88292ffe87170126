#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>
#include <reference/values.hpp>

#include <gemma4/simd/f32x16.hpp>

using namespace gemma4;

namespace
{
    template <class Arch>
    std::vector<float> lanes_of(simd::f32x16<Arch> const& a)
    {
        std::vector<float> v(simd::width);
        a.store(v.data());
        return v;
    }
}

TEST_CASE_TEMPLATE("lanes are computed one by one", Arch, simd::native, simd::portable)
{
    using f32x16 = simd::f32x16<Arch>;
    auto const x = reference::values(17, 1, 8.0f);
    auto const y = reference::values(17, 2, 8.0f);
    auto const z = reference::values(17, 3, 8.0f);
    auto const a = f32x16::load(x.data() + 1);    // unaligned
    auto const b = f32x16::load(y.data() + 1);
    auto const c = f32x16::load(z.data() + 1);
    auto const sum = lanes_of(a + b), difference = lanes_of(a - b), product = lanes_of(a * b),
               quotient = lanes_of(a / b);
    auto const fused = lanes_of(fma(a, b, c)), larger = lanes_of(max(a, b));
    auto const power = lanes_of(exp(a)), tangent = lanes_of(tanh(a));
    for (std::size_t i = 0; i != simd::width; ++i)
    {
        float const p = x[i + 1], q = y[i + 1], r = z[i + 1];
        CHECK(sum[i] == p + q);
        CHECK(difference[i] == p - q);
        CHECK(product[i] == p * q);
        CHECK(quotient[i] == p / q);
        CHECK(larger[i] == std::fmax(p, q));
        // Two roundings where there is no fused operation.
        CHECK(std::abs(double(fused[i]) - (double(p) * double(q) + double(r)))
              <= 0x1p-24 * (std::abs(double(p) * double(q)) + 128));
        CHECK(std::abs(double(power[i]) - std::exp(double(p))) <= 4 * 0x1p-24 * std::exp(double(p)));
        CHECK(std::abs(double(tangent[i]) - std::tanh(double(p)))
              <= 6 * 0x1p-24 * std::abs(std::tanh(double(p))));
    }
}

TEST_CASE_TEMPLATE("sums over the lanes follow one tree", Arch, simd::native, simd::portable)
{
    for (std::uint32_t seed = 0; seed != 200; ++seed)
    {
        auto const x = reference::values(simd::width, seed, 1000.0f);
        auto tree = x;
        for (std::size_t half = 8; half != 0; half /= 2)
        {
            for (std::size_t i = 0; i != half; ++i) { tree[i] += tree[i + half]; }
        }
        CHECK(reduce_add(simd::f32x16<Arch>::load(x.data())) == tree[0]);
        float most = x[0];
        for (float const v : x) { most = std::fmax(most, v); }
        CHECK(reduce_max(simd::f32x16<Arch>::load(x.data())) == most);
    }
}

TEST_CASE_TEMPLATE("exp is exactly 1 at zero and exactly 0 at minus infinity", Arch, simd::native,
                   simd::portable)
{
    using f32x16 = simd::f32x16<Arch>;
    CHECK(lanes_of(exp(f32x16::zero())) == std::vector<float>(simd::width, 1.0f));
    CHECK(lanes_of(exp(f32x16::broadcast(-INFINITY))) == std::vector<float>(simd::width, 0.0f));
}

TEST_CASE_TEMPLATE("16-bit floats widen exactly", Arch, simd::native, simd::portable)
{
    auto const check = []<class T>(T)
    {
        std::size_t wrong = 0;
        for (std::uint32_t first = 0; first != 65536; first += 16)
        {
            T narrow[simd::width];
            for (std::uint32_t i = 0; i != 16; ++i) { narrow[i].bits = std::uint16_t(first + i); }
            auto const wide = lanes_of(simd::f32x16<Arch>::load(narrow));
            for (std::size_t i = 0; i != simd::width; ++i)
            {
                float const want = narrow[i].value();
                wrong += std::isnan(want)
                             ? !std::isnan(wide[i])
                             : std::bit_cast<std::uint32_t>(wide[i]) != std::bit_cast<std::uint32_t>(want);
            }
        }
        CHECK(wrong == 0);
    };
    check(bf16{});
    check(f16{});
}

TEST_CASE_TEMPLATE("partial loads and stores touch n elements only", Arch, simd::native, simd::portable)
{
    using f32x16 = simd::f32x16<Arch>;
    for (std::size_t n = 0; n != simd::width; ++n)
    {
        std::vector<float> const x(n, 3.0f);    // exactly n: a sanitizer sees a longer read
        auto const loaded = lanes_of(f32x16::load_partial(x.data(), n));
        auto const filled = lanes_of(f32x16::load_partial(x.data(), n, -1.0f));
        std::vector<float> stored(simd::width, 9.0f);
        f32x16::broadcast(4.0f).store_partial(stored.data(), n);
        for (std::size_t i = 0; i != simd::width; ++i)
        {
            CHECK(loaded[i] == (i < n ? 3.0f : 0.0f));
            CHECK(filled[i] == (i < n ? 3.0f : -1.0f));
            CHECK(stored[i] == (i < n ? 4.0f : 9.0f));
        }
    }
}
