#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>
#include <reference/pointwise.hpp>
#include <reference/values.hpp>

#include <gemma4/parallel/executor.hpp>
#include <gemma4/towers/clipped_linear.hpp>

using namespace gemma4;

namespace
{
    constexpr float infinite = std::numeric_limits<float>::infinity();

    struct on_one_thread
    {
        inline_executor here;
        std::vector<float> scratch = std::vector<float>(1 << 16), weights = std::vector<float>(1 << 16);
        compute c{.kernels = &kernels::best(),
                  .threads = &here,
                  .slots = 1,
                  .slot_scratch = scratch.data(),
                  .slot_floats = scratch.size(),
                  .weight_rows = weights.data(),
                  .weight_row_floats = weights.size()};
    };
}

TEST_CASE("outputs are clipped to their bounds, before anyone sees them")
{
    constexpr std::size_t rows = 70, ins = 40, outs = 75;
    auto const x = reference::values(rows * ins, 1);
    auto const w = reference::values(outs * ins, 2);
    clipped_linear<float, true> layer;
    layer.weight.bind(w.data(), weight_type_of(dtype::f32), outs, ins);
    layer.bounds.output = {-0.5f, 1.25f};
    on_one_thread one;
    std::vector<float> y(rows * outs);
    std::size_t seen = 0;
    layer.forward(one.c, view<float const>{x.data(), rows, ins}, y.data(), outs,
                  [&](std::size_t row, std::size_t count, std::size_t out, std::size_t n, std::size_t)
                  {
                      for (auto r = row; r != row + count; ++r)
                      {
                          for (auto o = out; o != out + n; ++o)
                          {
                              seen += y[r * outs + o] >= -0.5f && y[r * outs + o] <= 1.25f;
                          }
                      }
                  });
    CHECK(seen == rows * outs);
    double worst = 0;
    std::size_t low = 0, high = 0;
    for (std::size_t r = 0; r != rows; ++r)
    {
        for (std::size_t o = 0; o != outs; ++o)
        {
            double sum = 0;
            for (std::size_t i = 0; i != ins; ++i) { sum += double(x[r * ins + i]) * double(w[o * ins + i]); }
            worst = std::fmax(worst, std::abs(double(y[r * outs + o]) - std::clamp(sum, -0.5, 1.25)));
            low += sum < -0.5;
            high += sum > 1.25;
        }
    }
    CHECK(worst <= 1e-5);
    CHECK(low > 100);
    CHECK(high > 100);
}

TEST_CASE("readers of the same rows each see their own bounds, and the rows of the residual stay")
{
    constexpr std::size_t rows = 21, width = 50;
    auto const x = reference::values(rows * width, 3, 4.0f);
    auto const gain = reference::values(width, 4);
    clip_bounds const a{-0.5f, 0.75f}, b{-infinite, 0.25f}, open{};
    on_one_thread one;
    auto const check = [&](std::initializer_list<clip_bounds> readers)
    {
        std::vector<float> normed(rows * width), copy(rows * width);
        auto before = x;
        clipped_inputs inputs(one.c, {gain.data(), width}, 1e-6f, {before.data(), rows, width},
                              {normed.data(), rows, width}, copy.data(), readers);
        for (auto const& reader : readers)
        {
            auto const seen = inputs.of(one.c, reader);
            REQUIRE(seen.rows == rows);
            REQUIRE(seen.columns == width);
            double worst = 0;
            for (std::size_t r = 0; r != rows; ++r)
            {
                auto const want = reference::rms_norm(
                    {x.begin() + std::ptrdiff_t(r * width), x.begin() + std::ptrdiff_t((r + 1) * width)},
                    gain.data(), 1e-6);
                for (std::size_t i = 0; i != width; ++i)
                {
                    auto const clipped =
                        std::fmin(std::fmax(want[i], double(reader.low)), double(reader.high));
                    worst = std::fmax(worst, std::abs(double(seen.row(r)[i]) - clipped));
                }
            }
            CHECK(worst <= 1e-6);
        }
        CHECK(before == x);
    };
    check({a, a, a});
    check({a, b, a});
    check({a, b, open, b, b, a});
    check({open, a});
    check({open, open});
}
