// Float rows against ggml's reference quantisers, written out naively.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>
#include <reference/values.hpp>

#include <gemma4/packing/quantise_rows.hpp>
#include <gemma4/packing/unpack_rows.hpp>

using namespace gemma4;

namespace
{
    // The weight that Q8_0 or Q4_0 makes of x[k] in its group of 32.
    float reference_weight(packed_type type, std::vector<float> const& x, std::size_t k)
    {
        float amax = 0, extreme = 0;
        for (auto i = k / 32 * 32; i != k / 32 * 32 + 32; ++i)
        {
            if (std::abs(x[i]) > amax) { amax = std::abs(x[i]), extreme = x[i]; }
        }
        if (type == packed_type::bf16) { return bf16::from(x[k]).value(); }
        auto const d = type == packed_type::q8 ? amax / 127.0f : extreme / -8.0f;
        auto const inverse = d != 0 ? 1.0f / d : 0.0f;
        auto const stored = f16::from(d).value();
        if (type == packed_type::q8) { return stored * std::round(x[k] * inverse); }
        return stored * float(std::min(15, int(x[k] * inverse + 8.5f)) - 8);
    }
}

TEST_CASE("packing: float rows become what ggml's reference makes of them")
{
    for (auto const type : {packed_type::q8, packed_type::q4, packed_type::bf16})
    {
        for (std::size_t const ins : {32u, 96u, 52u, 512u})
        {
            for (std::size_t const rows : {16u, 5u})
            {
                auto const width = (ins + 31) / 32 * 32;
                auto const x = reference::values(rows * (ins + 3), 3, 0.1f);
                std::vector<std::byte> block(packed_block_bytes(type, ins), std::byte{0x5a});
                REQUIRE(quantise_rows(type, x.data(), ins + 3, rows, ins, block.data()));
                std::vector<float> found(16 * width);
                unpack_rows(type, block.data(), width, 0, 16, found.data(), width);
                std::size_t different = 0;
                for (std::size_t r = 0; r != 16; ++r)
                {
                    std::vector<float> row(width);
                    if (r < rows) { std::copy_n(x.data() + r * (ins + 3), ins, row.data()); }
                    for (std::size_t k = 0; k != width; ++k)
                    {
                        different += found[r * width + k] != reference_weight(type, row, k);
                    }
                }
                CAPTURE(name(type));
                CAPTURE(ins);
                CHECK(different == 0);
            }
        }
    }
}

TEST_CASE("packing: a group of zeros stays zero and other types are refused")
{
    std::vector<float> const zeros(64);
    for (auto const type : {packed_type::q8, packed_type::q4, packed_type::bf16})
    {
        std::vector<std::byte> block(packed_block_bytes(type, 64));
        REQUIRE(quantise_rows(type, zeros.data(), 64, 1, 64, block.data()));
        std::vector<float> found(64, 1.0f);
        unpack_rows(type, block.data(), 64, 0, 1, found.data(), 64);
        for (auto const w : found) { CHECK(w == 0.0f); }
    }
    std::byte none{};
    CHECK(!quantise_rows(packed_type::q6, zeros.data(), 64, 1, 64, &none));
}
