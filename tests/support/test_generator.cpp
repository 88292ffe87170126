// The generator against the vector that tools/reference/generator.py made and against published values.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <fstream>
#include <string>

#include "generator.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/core/types.hpp>

namespace
{
    nlohmann::json vector_file()
    {
        std::ifstream in(std::string(GEMMA4_TEST_DATA) + "/generator.json");
        return nlohmann::json::parse(in);
    }

    template <class Word>
    void add_word(std::uint64_t& state, Word word)
    {
        for (std::size_t k = 0; k < sizeof word; ++k)
        {
            char const byte = static_cast<char>((word >> (8 * k)) & 0xffu);
            state = gemma4_test::fnv1a64({&byte, 1}, state);
        }
    }

    std::string hex(std::uint64_t word)
    {
        char text[17];
        std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(word));
        return text;
    }
}

TEST_CASE("the hash and the mixer give their published values")
{
    CHECK(gemma4_test::fnv1a64("") == 0xcbf29ce484222325u);
    CHECK(gemma4_test::fnv1a64("foobar") == 0x85944171f73967e8u);
    CHECK(gemma4_test::mix(1234567u + gemma4_test::golden_gamma) == 6457827717110365317u);
    CHECK(gemma4_test::mix(1234567u + 2 * gemma4_test::golden_gamma) == 3203168211198807973u);
    CHECK(gemma4_test::mix(1234567u + 3 * gemma4_test::golden_gamma) == 9817491932198370423u);
}

TEST_CASE("every kind of tensor has the bits of the Python generator")
{
    auto const file = vector_file();
    REQUIRE(file.at("tensors").size() == 27);
    for (auto const& row : file.at("tensors"))
    {
        auto const name = row.at("name").get<std::string>();
        CAPTURE(name);
        auto const values = gemma4_test::make_tensor(name, row.at("shape").get<gemma4_test::shape_type>(),
                                                     row.at("seed").get<std::uint64_t>());
        for (std::size_t k = 0; k < row.at("index").size(); ++k)
        {
            auto const value = values.at(row.at("index").at(k).get<std::size_t>());
            CHECK(std::bit_cast<std::uint32_t>(value) == row.at("f32_bits").at(k).get<std::uint32_t>());
        }
        std::uint64_t f32 = gemma4_test::fnv1a64_start, bf16 = f32, f16 = f32;
        for (float const value : values)
        {
            add_word(f32, std::bit_cast<std::uint32_t>(value));
            add_word(bf16, gemma4::bf16::from(value).bits);
            add_word(f16, gemma4::f16::from(value).bits);
        }
        CHECK(hex(f32) == row.at("fnv1a64").at("F32").get<std::string>());
        CHECK(hex(bf16) == row.at("fnv1a64").at("BF16").get<std::string>());
        CHECK(hex(f16) == row.at("fnv1a64").at("F16").get<std::string>());
    }
}

TEST_CASE("a piece of a tensor is the same as that piece of the whole")
{
    gemma4_test::shape_type const shape{30, 40};
    auto const whole = gemma4_test::make_tensor("model.layers.0.mlp.up_proj.weight", shape, 5);
    std::vector<float> piece(100);
    gemma4_test::fill_tensor("model.language_model.layers.0.mlp.up_proj.weight", shape, 5, 77, piece);
    CHECK(std::equal(piece.begin(), piece.end(), whole.begin() + 77));
}

TEST_CASE("token ids are those of the Python generator")
{
    CHECK(gemma4_test::make_tokens("vector", 3, 16, 2, 2000)
          == vector_file().at("tokens").get<std::vector<std::int32_t>>());
}

TEST_CASE("bf16 and f16 round as torch and numpy do")
{
    auto const file = vector_file();
    REQUIRE(file.at("rounding").size() > 300);
    for (auto const& row : file.at("rounding"))
    {
        auto const word = row.at(0).get<std::uint32_t>();
        CAPTURE(word);
        CHECK(gemma4::bf16::from(std::bit_cast<float>(word)).bits == row.at(1).get<std::uint16_t>());
        CHECK(gemma4::f16::from(std::bit_cast<float>(word)).bits == row.at(2).get<std::uint16_t>());
    }
}
