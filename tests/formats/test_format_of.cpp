// Every format against what the Python package gguf makes of the same blocks
// (tools/reference/make_format_cases.py): bit by bit.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/formats/format_of.hpp>

namespace
{
    using gemma4::ggml_type;

    std::vector<char> bytes_of(std::string const& file)
    {
        std::ifstream in(std::filesystem::path(GEMMA4_TEST_DATA) / "formats" / file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }

    constexpr ggml_type stored[] = {ggml_type::f16,    ggml_type::bf16,   ggml_type::q4_0,  ggml_type::q4_1,
                                    ggml_type::q5_0,   ggml_type::q5_1,   ggml_type::q8_0,  ggml_type::q2_k,
                                    ggml_type::q3_k,   ggml_type::q4_k,   ggml_type::q5_k,  ggml_type::q6_k,
                                    ggml_type::iq4_nl, ggml_type::iq4_xs, ggml_type::mxfp4, ggml_type::nvfp4};
}

TEST_CASE("formats: stored blocks become the same floats, bit by bit")
{
    for (auto const type : stored)
    {
        std::string const word = name(type);
        CAPTURE(word);
        auto const blocks = bytes_of(word + ".blocks");
        auto const expected = bytes_of(word + ".floats");
        auto const [unused, weights_per_block, bytes_per_block] = traits_of(type);
        REQUIRE(!blocks.empty());
        REQUIRE(blocks.size() % bytes_per_block == 0);
        auto const weights = blocks.size() / bytes_per_block * weights_per_block;
        REQUIRE(expected.size() == weights * sizeof(float));

        std::vector<float> found(weights);
        REQUIRE(dequantise(type, reinterpret_cast<std::byte const*>(blocks.data()), weights, found.data()));
        std::size_t different = 0;
        for (std::size_t i = 0; i != weights; ++i)
        {
            std::uint32_t bits = 0;
            std::memcpy(&bits, expected.data() + i * sizeof bits, sizeof bits);
            different += bits != std::bit_cast<std::uint32_t>(found[i]);
        }
        CHECK(different == 0);
    }
}

TEST_CASE("formats: blocks need no alignment and nothing outside them is touched")
{
    for (auto const type : stored)
    {
        std::string const word = name(type);
        CAPTURE(word);
        auto const blocks = bytes_of(word + ".blocks");
        auto const [unused, weights_per_block, bytes_per_block] = traits_of(type);
        std::vector<float> expected(weights_per_block), found(weights_per_block + 2, 7.0f);
        auto const* const last =
            reinterpret_cast<std::byte const*>(blocks.data()) + blocks.size() - bytes_per_block;
        dequantise(type, last, weights_per_block, expected.data());
        for (std::size_t shift = 0; shift != 4; ++shift)
        {
            std::vector<std::byte> moved(shift + bytes_per_block);
            std::memcpy(moved.data() + shift, last, bytes_per_block);
            dequantise(type, moved.data() + shift, weights_per_block, found.data() + 1);
            CHECK(std::memcmp(found.data() + 1, expected.data(), weights_per_block * sizeof(float)) == 0);
            CHECK(found.front() == 7.0f);
            CHECK(found.back() == 7.0f);
        }
    }
}

TEST_CASE("formats: the table of types and the formats agree")
{
    std::size_t supported = 0;
    for (std::uint32_t id = 0; id != 64; ++id)
    {
        auto const type = ggml_type(id);
        auto const traits = traits_of(type);
        CAPTURE(id);
        CHECK(is_known(type) == (traits.weights_per_block != 0));
        bool const has_format = with_format(type,
                                            [&]<gemma4::block_format Format>(Format)
                                            {
                                                CHECK(std::string_view(Format::name) == traits.name);
                                                CHECK(Format::weights_per_block == traits.weights_per_block);
                                                CHECK(Format::bytes_per_block == traits.bytes_per_block);
                                            });
        CHECK(is_supported(type) == has_format);
        supported += has_format;
    }
    CHECK(supported == std::size(stored) + 1);    // and F32
    for (auto const removed : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u})
    {
        CHECK(!is_known(ggml_type(removed)));
    }
    float untouched = 1.0f;
    CHECK(!dequantise(ggml_type::iq2_xxs, nullptr, 256, &untouched));
    CHECK(untouched == 1.0f);
}
