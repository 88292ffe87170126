// What is packed from GGUF rows unpacks to the bits that formats/ dequantises.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <packing/packed_cases.hpp>

#include <gemma4/packing/pack_rows.hpp>
#include <gemma4/packing/unpack_rows.hpp>

using namespace gemma4;

namespace
{
    // Bits, or both no number.
    bool same(float a, float b)
    {
        return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b)
               || (std::isnan(a) && std::isnan(b));
    }

    void check_rows(ggml_type type, std::vector<std::byte> const& source, std::size_t rows, std::size_t ins)
    {
        std::string const word = name(type);
        CAPTURE(word);
        CAPTURE(rows);
        CAPTURE(ins);
        auto const row_bytes = source.size() / rows;
        auto const packed = *packed_type_of(type);
        std::vector<std::byte> block(packed_block_bytes(packed, ins), std::byte{0x5a});
        REQUIRE(pack_rows(type, source.data(), row_bytes, rows, ins, block.data()));

        std::vector<float> expected(ins);
        std::vector<float> found(packed_rows * ins);
        unpack_rows(packed, block.data(), ins, 0, packed_rows, found.data(), ins);
        std::size_t different = 0;
        for (std::size_t r = 0; r != packed_rows; ++r)
        {
            if (r < rows) { REQUIRE(dequantise(type, source.data() + r * row_bytes, ins, expected.data())); }
            for (std::size_t k = 0; k != ins; ++k)
            {
                auto const x = found[r * ins + k];
                different += r < rows ? !same(x, expected[k]) : x != 0.0f;
            }
        }
        CHECK(different == 0);
    }
}

TEST_CASE("packing: packed weights have the bits of the source, whatever its bytes")
{
    for (auto const type : packed_cases::types)
    {
        for (std::size_t const blocks : {1u, 2u, 3u, 5u})
        {
            auto const [unused, weights, size] = traits_of(type);
            auto const ins = weights == 1 ? 32 * blocks : weights * blocks;
            auto const row_bytes = ins / weights * size;
            for (std::size_t const rows : {16u, 1u, 11u})
            {
                check_rows(type, packed_cases::any_bytes(rows * row_bytes, std::uint32_t(blocks + rows)),
                           rows, ins);
                check_rows(type, packed_cases::ordinary_rows(type, rows, ins, 9), rows, ins);
            }
        }
    }
}

TEST_CASE("packing: sources of five bits have layouts of five bits")
{
    CHECK(packed_type_of(ggml_type::q5_0) == packed_type::q5);
    CHECK(packed_type_of(ggml_type::q5_1) == packed_type::q5s);
    CHECK(packed_type_of(ggml_type::q5_k) == packed_type::q5k);
}

TEST_CASE("packing: a plain width that is no multiple of the group is padded with zeros")
{
    constexpr std::size_t ins = 52;
    auto const source = packed_cases::ordinary_rows(ggml_type::bf16, 16, ins, 4);
    check_rows(ggml_type::bf16, source, 16, ins);
    std::vector<std::byte> block(packed_block_bytes(packed_type::bf16, ins), std::byte{0x5a});
    REQUIRE(pack_rows(ggml_type::bf16, source.data(), 2 * ins, 16, ins, block.data()));
    std::vector<float> all(16 * 64);
    unpack_rows(packed_type::bf16, block.data(), 64, 0, 16, all.data(), 64);
    for (std::size_t r = 0; r != 16; ++r)
    {
        for (std::size_t k = ins; k != 64; ++k) { CHECK(all[r * 64 + k] == 0.0f); }
    }
}

TEST_CASE("packing: rows of a block can be unpacked alone")
{
    constexpr std::size_t ins = 256;
    auto const source = packed_cases::ordinary_rows(ggml_type::q6_k, 16, ins, 5);
    std::vector<std::byte> block(packed_block_bytes(packed_type::q6, ins));
    REQUIRE(pack_rows(ggml_type::q6_k, source.data(), 210, 16, ins, block.data()));
    std::vector<float> expected(3 * ins);
    std::vector<float> found(3 * (ins + 7), -1.0f);
    REQUIRE(dequantise(ggml_type::q6_k, source.data() + 4 * 210, 3 * ins, expected.data()));
    unpack_rows(packed_type::q6, block.data(), ins, 4, 3, found.data(), ins + 7);
    for (std::size_t r = 0; r != 3; ++r)
    {
        CHECK(std::memcmp(&expected[r * ins], &found[r * (ins + 7)], ins * sizeof(float)) == 0);
        CHECK(found[r * (ins + 7) + ins] == -1.0f);
    }
}

TEST_CASE("packing: codes lie where packed_type.hpp says")
{
    // One row, codes that are their own index: q8 takes any.
    std::vector<std::byte> source(34);
    for (std::size_t k = 0; k != 32; ++k) { source[2 + k] = std::byte(k); }
    std::vector<std::byte> block(packed_block_bytes(packed_type::q8, 32));
    REQUIRE(pack_rows(ggml_type::q8_0, source.data(), 34, 1, 32, block.data()));
    for (std::size_t k = 0; k != 32; ++k)
    {
        std::size_t place = 0;
        while (packed_order[place] != k % 8) { ++place; }
        auto const at = 64 + 64 * (2 * (k / 8) + place / 4) + place % 4;
        CHECK(std::to_integer<unsigned>(block[at]) == (k | 0x80u));
    }
}

TEST_CASE("packing: fifth bits lie where packed_type.hpp says")
{
    // One row of Q5_0 whose only fifth bit is that of code k.
    for (std::size_t k = 0; k != 32; ++k)
    {
        std::vector<std::byte> source(22);
        source[2 + k / 8] = std::byte(1u << (k % 8));
        std::vector<std::byte> block(packed_block_bytes(packed_type::q5, 32));
        REQUIRE(pack_rows(ggml_type::q5_0, source.data(), 22, 1, 32, block.data()));
        std::size_t place = 0;
        while (packed_order[place] != k % 8) { ++place; }
        auto const dword = 2 * (k / 8) + place / 4;
        std::vector<std::byte> expected(block.size());
        expected[64 + 256 + place % 4] = std::byte(1u << dword);
        CAPTURE(k);
        CHECK(block == expected);
    }
}

TEST_CASE("packing: sizes are whole cache lines and types without a home say so")
{
    for (std::size_t t = 0; t != packed_type_count; ++t)
    {
        for (std::size_t const ins : {32u, 96u, 256u, 768u, 1536u})
        {
            CHECK(packed_block_bytes(packed_type(t), ins) % 64 == 0);
            CHECK(packed_bytes(packed_type(t), 17, ins) == 2 * packed_block_bytes(packed_type(t), ins));
        }
    }
    CHECK(packed_block_bytes(packed_type::q4, 1536) * 8 == 16 * 1536 * 9 / 2);       // 4.5 bits
    CHECK(packed_block_bytes(packed_type::q6, 1536) * 16 == 16 * 1536 * 105 / 8);    // 6.5625 bits
    CHECK(packed_block_bytes(packed_type::q4k, 1536) * 8 == 16 * 1536 * 37 / 8);     // 4.625 bits
    CHECK(packed_block_bytes(packed_type::q5, 1536) * 8 == 16 * 1536 * 11 / 2);      // 5.5 bits
    CHECK(packed_block_bytes(packed_type::q5s, 1536) * 8 == 16 * 1536 * 6);          // 6 bits
    CHECK(packed_block_bytes(packed_type::q5k, 1536) * 8 == 16 * 1536 * 45 / 8);     // 5.625 bits
    CHECK(!packed_type_of(ggml_type::f32));
    CHECK(!packed_type_of(ggml_type::iq2_xxs));
    std::byte none{};
    CHECK(!pack_rows(ggml_type::iq2_xxs, &none, 0, 0, 0, &none));
}
