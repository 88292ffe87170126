// The kernels of the matrix unit, on a unit in plain C++ (and on the real one through test_fast.cpp where
// there is one): against the naive product of the weights rounded to bfloat16 with the activations rounded to
// bfloat16.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/fast_activations_of.hpp>
#include <packing/packed_cases.hpp>
#include <reference/values.hpp>

#include <gemma4/core/memory.hpp>
#include <gemma4/kernels/fast_instantiate.hpp>
#include <gemma4/kernels/fast_tiles.hpp>
#include <gemma4/packing/pack_rows.hpp>
#include <gemma4/packing/unpack_rows.hpp>

using namespace gemma4;
using kernels::activation_kind;

namespace
{
    constexpr float untouched = -77.0f;

    kernels::fast_table const& tiles()
    {
        static constexpr auto table =
            kernels::make_fast_tile_table<simd::native_tile_dot, simd::arch::emulated_tiles>(
                "emulated tiles");
        return table;
    }

    // Rows [first, first + count) of `rows`.
    void check(ggml_type source, std::size_t outs, std::size_t ins, std::size_t rows, std::size_t first,
               std::size_t count)
    {
        auto const type = *packed_type_of(source);
        auto const bytes = packed_cases::ordinary_rows(source, outs, ins, 21);
        auto const row_bytes = bytes.size() / outs;
        buffer<std::byte> packed(packed_bytes(type, outs, ins));
        std::vector<float> weights(outs * ins);
        for (std::size_t n = 0; n < outs; n += packed_rows)
        {
            auto const some = std::min(packed_rows, outs - n);
            auto* const block = packed.data() + n / packed_rows * packed_block_bytes(type, ins);
            REQUIRE(pack_rows(source, bytes.data() + n * row_bytes, row_bytes, some, ins, block));
            unpack_rows(type, block, ins, 0, some, weights.data() + n * ins, ins);
        }
        auto const x = reference::values(rows * ins, 5, 2.0f);
        buffer<std::byte> data(tiles().activation_bytes(activation_kind::tiles, rows, ins));
        std::fill_n(data.data(), data.size(), std::byte{0x7f});    // not a number, if any of it were used
        kernels::activations const a{data.data(), activation_kind::tiles, rows, ins};
        tiles().quantise(x.data(), ins, rows / 2, rows - rows / 2, a);
        tiles().quantise(x.data(), ins, 0, rows / 2, a);
        std::vector<float> y(count * (outs + 3), untouched);
        multiply(tiles(), type, a, first, count, packed.data(), outs, y.data(), outs + 3);

        double worst = 0;
        std::size_t touched = 0;
        for (std::size_t m = 0; m != count; ++m)
        {
            for (std::size_t n = 0; n != outs; ++n)
            {
                double sum = 0, magnitude = 0;
                for (std::size_t k = 0; k != ins; ++k)
                {
                    auto const product = double(bf16::from(x[(first + m) * ins + k]).value())
                                         * double(reference::half_up(weights[n * ins + k]));
                    sum += product;
                    magnitude += std::abs(product);
                }
                auto const off = std::abs(double(y[m * (outs + 3) + n]) - sum) / magnitude;
                worst = off <= worst ? worst : off;
            }
            for (auto n = outs; n != outs + 3; ++n) { touched += y[m * (outs + 3) + n] != untouched; }
        }
        std::string const word = name(source);
        CAPTURE(word);
        CAPTURE(outs);
        CAPTURE(ins);
        CAPTURE(rows);
        CAPTURE(first);
        CHECK(touched == 0);
        // float32 sums in one chain; an offset may move a weight to the next bfloat16 now and then.
        bool const has_offset = type == packed_type::q4s || type == packed_type::q4k
                                || type == packed_type::q5s || type == packed_type::q5k
                                || type == packed_type::q8g;
        CHECK(worst <= (has_offset ? 2e-5 : 2e-6));
    }
}

TEST_CASE("fast tiles: every format")
{
    for (auto const source : packed_cases::types) { check(source, 33, 256, 33, 0, 33); }
}

TEST_CASE("fast tiles: panels of k, an odd number of groups, many pairs of blocks")
{
    for (auto const source : {ggml_type::q4_0, ggml_type::bf16, ggml_type::q8_0})
    {
        for (std::size_t const ins : {32u, 96u, 512u, 544u, 1088u}) { check(source, 48, ins, 20, 0, 20); }
        check(source, 16, 64, 17, 0, 17);
        check(source, 200, 64, 520, 0, 520);
    }
}

TEST_CASE("fast tiles: any range of rows")
{
    for (std::size_t const first : {0u, 1u, 16u, 31u, 32u, 40u})
    {
        for (std::size_t const count : {0u, 1u, 15u, 17u, 33u})
        {
            check(ggml_type::q4_0, 32, 64, 75, first, count);
        }
    }
}

TEST_CASE("fast tiles: few rows are left to the instruction set")
{
    CHECK(tiles().wants(packed_type::q4, 1) == activation_kind::int16);
    CHECK(tiles().wants(packed_type::q4, 16) == activation_kind::int8);
    CHECK(tiles().wants(packed_type::q4, 17) == activation_kind::tiles);
    CHECK(tiles().wants(packed_type::bf16, 8) == activation_kind::float32);
    CHECK(tiles().wants(packed_type::bf16, 9) == activation_kind::tiles);
}
