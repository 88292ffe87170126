// Quantised activations against what their contract says of them.
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/fast_activations_of.hpp>
#include <kernels/fast_tables.hpp>
#include <reference/values.hpp>

using namespace gemma4;
using kernels::activation_kind;

TEST_CASE("fast activations: codes are the nearest steps of the group's largest value")
{
    for (auto const* table : all_fast_tables())
    {
        CAPTURE(table->name);
        for (auto const kind : {activation_kind::int8, activation_kind::int16})
        {
            constexpr std::size_t rows = 3, ins = 84, ldx = 90;
            auto x = reference::values(rows * ldx, 7, 3.0f);
            for (std::size_t k = 0; k != 32; ++k) { x[ldx + k] = 0.0f; }
            auto const a = quantised(*table, kind, x.data(), ldx, rows, ins);
            auto const levels = kind == activation_kind::int8 ? 127.0f : 16256.0f;
            for (std::size_t r = 0; r != rows; ++r)
            {
                for (std::size_t g = 0; g != 3; ++g)
                {
                    float amax = 0;
                    for (auto k = 32 * g; k != std::min(ins, 32 * g + 32); ++k)
                    {
                        amax = std::max(amax, std::abs(x[r * ldx + k]));
                    }
                    auto const step = double(amax) / double(levels);
                    for (auto k = 32 * g; k != 32 * g + 32; ++k)
                    {
                        auto const want = k < ins ? double(x[r * ldx + k]) : 0.0;
                        CHECK(std::abs(a.value(r, k) - want) <= step * 0.5001);
                    }
                }
            }
            // The largest value of a group is exact but for the rounding of the step.
            CHECK(a.value(1, 3) == 0.0);
        }
    }
}

TEST_CASE("fast activations: float32 stays and bfloat16 is rounded to nearest even")
{
    for (auto const* table : all_fast_tables())
    {
        constexpr std::size_t rows = 2, ins = 40;
        auto const x = reference::values(rows * ins, 8, 5.0f);
        auto const exact = quantised(*table, activation_kind::float32, x.data(), ins, rows, ins);
        auto const rounded = quantised(*table, activation_kind::bfloat16, x.data(), ins, rows, ins);
        for (std::size_t r = 0; r != rows; ++r)
        {
            for (std::size_t k = 0; k != 64; ++k)
            {
                auto const want = k < ins ? x[r * ins + k] : 0.0f;
                CHECK(exact.value(r, k) == double(want));
                CHECK(rounded.value(r, k) == double(bf16::from(want).value()));
            }
        }
    }
}

TEST_CASE("fast activations: rows can be quantised in parts")
{
    auto const& table = kernels::fast_best();
    constexpr std::size_t rows = 5, ins = 96;
    auto const x = reference::values(rows * ins, 9);
    for (auto const kind : {activation_kind::int8, activation_kind::int16, activation_kind::float32})
    {
        auto const whole = quantised(table, kind, x.data(), ins, rows, ins);
        buffer<std::byte> parts(table.activation_bytes(kind, rows, ins));
        kernels::activations const to{parts.data(), kind, rows, ins};
        table.quantise(x.data(), ins, 3, 2, to);
        table.quantise(x.data(), ins, 0, 3, to);
        CHECK(std::memcmp(parts.data(), whole.bytes.data(), parts.size()) == 0);
    }
}
