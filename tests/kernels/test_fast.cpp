// Every fast kernel against the naive product of the exact weights with the same quantised activations, and
// against the unquantised activations within the error that the kind of activation allows.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/fast_activations_of.hpp>
#include <kernels/fast_tables.hpp>
#include <packing/packed_matrix.hpp>
#include <reference/values.hpp>

using namespace gemma4;
using kernels::activation_kind;
using packed_cases::packed_matrix;

namespace
{
    constexpr float untouched = -77.0f;

    // The largest error in units of the sum of magnitudes; against unquantised x the root mean square, in
    // units of the root of the sum of squared products, which is the size of a sum of as many random numbers.
    struct errors
    {
        double exact = 0, rms = 0;
    };

    errors check(kernels::fast_table const& table, packed_matrix const& w, activation_kind kind,
                 std::size_t rows)
    {
        auto const ldx = w.ins + 5;
        auto const ldy = w.outs + 3;
        auto const x = reference::values(rows * ldx, std::uint32_t(rows + 40), 2.0f);
        auto const a = quantised(table, kind, x.data(), ldx, rows, w.ins);
        std::vector<float> y(rows * ldy, untouched);
        multiply(table, w.type, a.view, 0, rows, w.bytes.data(), w.outs, y.data(), ldy);

        std::vector<double> row(w.ins);
        errors found;
        double error = 0, power = 0;
        std::size_t touched = 0;
        for (std::size_t m = 0; m != rows; ++m)
        {
            for (std::size_t k = 0; k != w.ins; ++k) { row[k] = a.value(m, k); }
            for (std::size_t n = 0; n != w.outs; ++n)
            {
                double sum = 0, magnitude = 0, plain = 0, squares = 0;
                for (std::size_t k = 0; k != w.ins; ++k)
                {
                    auto const weight = double(as_multiplied(table, w.type, kind, w.weights[n * w.ins + k]));
                    sum += weight * row[k];
                    magnitude += std::abs(weight * row[k]);
                    plain += weight * double(x[m * ldx + k]);
                    squares += std::pow(weight * double(x[m * ldx + k]), 2);
                }
                auto const got = double(y[m * ldy + n]);
                auto const off = std::abs(got - sum) / (magnitude > 0 ? magnitude : 1.0);
                found.exact = off <= found.exact ? found.exact : off;    // NaN counts
                error += (got - plain) * (got - plain);
                power += squares;
            }
            for (auto n = w.outs; n != ldy; ++n) { touched += y[m * ldy + n] != untouched; }
        }
        CHECK(touched == 0);
        found.rms = std::sqrt(error / power);
        return found;
    }

    // Root mean square error of the activations' kind on evenly spread x: the rounding of a step of amax /
    // 127 and so on, with room for chance in a single short sum.
    double allowed_rms(activation_kind kind)
    {
        switch (kind)
        {
        case activation_kind::int8: return 1.2e-2;
        case activation_kind::int16: return 1.2e-4;
        case activation_kind::float32: return 2e-6;
        default: return 6e-3;
        }
    }

    void check_all(ggml_type source, std::size_t outs, std::size_t ins,
                   std::vector<std::size_t> const& all_rows)
    {
        packed_matrix const w(source, outs, ins);
        for (auto const* table : all_fast_tables())
        {
            for (auto const rows : all_rows)
            {
                std::vector<activation_kind> kinds{table->wants(w.type, 1), table->wants(w.type, 4),
                                                   table->wants(w.type, rows)};
                std::sort(kinds.begin(), kinds.end());
                kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
                for (auto const kind : kinds)
                {
                    std::string const word = name(source);
                    CAPTURE(table->name);
                    CAPTURE(word);
                    CAPTURE(outs);
                    CAPTURE(ins);
                    CAPTURE(rows);
                    CAPTURE(int(kind));
                    auto const found = check(*table, w, kind, rows);
                    // An offset that is added with a rounding may move a weight to the next bfloat16.
                    CHECK(found.exact <= (kind == activation_kind::tiles ? 2e-5 : 1e-6));
                    CHECK(found.rms <= allowed_rms(kind));
                }
            }
        }
    }
}

TEST_CASE("fast kernels: every format, few and many rows")
{
    for (auto const source : packed_cases::types)
    {
        check_all(source, 33, 512, {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 33, 64, 96, 97});
    }
}

TEST_CASE("fast kernels: widths of one group, of an odd number of groups, and long ones")
{
    for (auto const source : packed_cases::types)
    {
        auto const unit = std::max<std::size_t>(traits_of(source).weights_per_block, 32);
        for (std::size_t const ins : {32u, 64u, 96u, 256u, 768u, 1536u})
        {
            if (ins % unit == 0) { check_all(source, 32, ins, {1, 2, 6, 33}); }
        }
    }
}

TEST_CASE("fast kernels: any number of outputs")
{
    for (auto const source : {ggml_type::q4_0, ggml_type::q5_0, ggml_type::q8_0, ggml_type::bf16})
    {
        for (std::size_t const outs : {1u, 15u, 16u, 17u, 31u, 48u, 49u, 80u})
        {
            check_all(source, outs, 96, {1, 3, 14});
        }
    }
}

TEST_CASE("fast kernels: a range of rows gives the bits of the whole")
{
    // One sum of a group, and two.
    for (auto const source : {ggml_type::q4_0, ggml_type::q6_k})
    {
        packed_matrix const w(source, 40, 512);
        for (auto const* table : all_fast_tables())
        {
            constexpr std::size_t rows = 120;    // more than a panel
            auto const x = reference::values(rows * w.ins, 3);
            auto const a = quantised(*table, activation_kind::int8, x.data(), w.ins, rows, w.ins);
            std::vector<float> whole(rows * w.outs);
            std::vector<float> parts(rows * w.outs);
            auto const run = [&](std::size_t first, std::size_t count, std::vector<float>& y)
            {
                multiply(*table, w.type, a.view, first, count, w.bytes.data(), w.outs,
                         y.data() + first * w.outs, w.outs);
            };
            run(0, rows, whole);
            run(0, 1, parts);
            run(1, 3, parts);
            run(4, 86, parts);
            run(90, 30, parts);
            CAPTURE(table->name);
            CHECK(whole == parts);
        }
    }
}
