// The container: what a writer of our own wrote is read back, and what is broken is refused in a sentence.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "../support/gguf_writer.hpp"
#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/formats/format_of.hpp>
#include <gemma4/io/gguf.hpp>

using gemma4_test::gguf_writer;
using gemma4_test::holds;

namespace
{
    // At an address that suits any tensor, as a mapping is.
    struct aligned_bytes
    {
        explicit aligned_bytes(std::string const& bytes)
            : words(bytes.size() / 8 + 1)
            , size(bytes.size())
        {
            std::memcpy(words.data(), bytes.data(), bytes.size());
        }

        std::span<std::byte const> span() const { return std::as_bytes(std::span(words)).first(size); }

        std::vector<std::uint64_t> words;
        std::size_t size;
    };

    std::string refusal(std::string const& bytes)
    {
        aligned_bytes const file(bytes);
        return gemma4_test::sentence_of<gemma4::file_error>([&]
                                                            { gemma4::parse_gguf(file.span(), "f.gguf"); });
    }

    std::string sixty_four(std::uint64_t value) { return gemma4_test::little_endian(value); }
    std::string thirty_two(std::uint64_t value) { return sixty_four(value).substr(0, 4); }
    std::string word(std::string const& text) { return sixty_four(text.size()) + text; }

    std::string header(std::uint64_t tensors, std::uint64_t pairs, std::uint32_t version = 3)
    {
        return "GGUF" + thirty_two(version) + sixty_four(tensors) + sixty_four(pairs);
    }

    std::string info(std::string const& name, std::vector<std::uint64_t> const& extents, std::uint32_t type,
                     std::uint64_t offset)
    {
        auto out = word(name) + thirty_two(extents.size());
        for (auto const extent : extents) { out += sixty_four(extent); }
        return out + thirty_two(type) + sixty_four(offset);
    }

    // A file of these infos and `data` bytes of tensors.
    std::string file_of(std::vector<std::string> const& infos, std::size_t data)
    {
        auto out = header(infos.size(), 0);
        for (auto const& one : infos) { out += one; }
        out.resize((out.size() + 31) / 32 * 32);
        return out + std::string(data, '\1');
    }

    gguf_writer example()
    {
        gguf_writer w;
        w.u32("a.u32", 4000000000u);
        w.u16("a.u16", 65535);
        w.i32("a.i32", std::uint64_t(-5));
        w.f32("a.f32", -0.25f);
        w.boolean("a.bool", true);
        w.text("a.text", "sm\xc3\xb6rg\xc3\xa5s");
        w.integers("a.integers", {1, 2, 70000});
        w.floats("a.floats", {1.5f, -2.0f});
        w.flags("a.flags", {true, false, true});
        w.strings("a.strings", {"", "one", "two words"});
        w.strings("a.none", {});
        w.tensor("m", {2, 3}, 0, std::string(24, '\2'));
        w.tensor("q", {2, 64}, 8, std::string(136, '\3'));
        w.tensor("scalar", {}, 30, std::string(2, '\4'));
        return w;
    }
}

TEST_CASE("gguf: metadata of every kind and tensors are read back")
{
    for (std::uint32_t const version : {2u, 3u})
    {
        aligned_bytes const file(example().bytes(version));
        auto const contents = gemma4::parse_gguf(file.span(), "f.gguf");
        CHECK(contents.version == version);
        CHECK(contents.alignment == 32);
        auto const& m = contents.metadata;
        CHECK(m.size("a.u32") == 4000000000u);
        CHECK(m.size("a.u16") == 65535);
        CHECK(m.size("no.such", 7) == 7);
        CHECK(m.number("a.i32") == -5.0f);
        CHECK(m.number("a.f32") == -0.25f);
        CHECK(m.boolean("a.bool"));
        CHECK(m.text("a.text") == "sm\xc3\xb6rg\xc3\xa5s");
        CHECK(m.text("no.such", "default") == "default");
        CHECK(m.sizes("a.integers") == std::vector<std::size_t>{1, 2, 70000});
        CHECK(m.numbers("a.floats") == std::vector<float>{1.5f, -2.0f});
        CHECK(m.numbers("a.integers") == std::vector<float>{1, 2, 70000});
        CHECK(m.flags("a.flags") == std::vector<bool>{true, false, true});
        CHECK(m.strings("a.strings") == std::vector<std::string_view>{"", "one", "two words"});
        CHECK(m.strings("a.none").empty());
        CHECK(m.is_array("a.none"));
        CHECK(!m.is_array("a.u32"));

        REQUIRE(contents.tensors.size() == 3);
        auto const& q = contents.tensors[1];
        CHECK(q.name == "q");
        CHECK(q.type == gemma4::ggml_type::q8_0);
        CHECK(std::vector(q.shape().begin(), q.shape().end()) == std::vector<std::size_t>{2, 64});
        CHECK(q.bytes == 136);
        CHECK(q.bytes_per_row() == 68);
        CHECK(q.data == contents.tensors[0].data + 32);
        CHECK(q.data[0] == std::byte(3));
        CHECK(contents.tensors[2].rank == 0);
        CHECK(contents.tensors[2].elements() == 1);
        CHECK(contents.tensors[2].data[1] == std::byte(4));
    }
}

// Written by the Python package gguf 0.19.0 (tools/reference/make_gguf_file.py).
TEST_CASE("gguf: a file written by the gguf package is read back")
{
    aligned_bytes const file(gemma4_test::read_all(gemma4_test::data_file("io/reference.gguf")));
    auto const contents = gemma4::parse_gguf(file.span(), "f.gguf");
    auto const& m = contents.metadata;
    CHECK(m.text("general.architecture") == "test");
    CHECK(m.size("t.u8") == 200);
    CHECK(m.number("t.i8") == -100.0f);
    CHECK(m.size("t.u16") == 60000);
    CHECK(m.number("t.i16") == -30000.0f);
    CHECK(m.size("t.u32") == 4000000000u);
    CHECK(m.number("t.i32") == -2000000000.0f);
    CHECK(m.size("t.u64") == std::size_t(1) << 60);
    CHECK(m.number("t.i64") == -0x1p60f);
    CHECK(m.number("t.f32") == 0.5f);
    CHECK(m.number("t.f64") == -0.25f);
    CHECK(m.boolean("t.bool"));
    CHECK(m.text("t.string") == "sm\xc3\xb6rg\xc3\xa5s");
    CHECK(m.numbers("t.ints") == std::vector<float>{1, -2, 3});
    CHECK(m.numbers("t.floats") == std::vector<float>{0.5f, 1.5f});
    CHECK(m.flags("t.bools") == std::vector<bool>{true, false});
    CHECK(m.strings("t.strings") == std::vector<std::string_view>{"a", "", "b c"});
    REQUIRE(contents.tensors.size() == 5);
    auto const values = [&](std::size_t i)
    {
        auto const& t = contents.tensors[i];
        std::vector<float> all(t.elements());
        REQUIRE(gemma4::dequantise(t.type, t.data, all.size(), all.data()));
        return all;
    };
    CHECK(contents.tensors[0].name == "f32");
    CHECK(values(0) == std::vector<float>{-2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f});
    CHECK(values(1) == std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7});
    constexpr double steps[] = {0, 0, 1.0 / 254, 1.0 / 8, 1.0 / 256};
    for (std::size_t i = 2; i != 5; ++i)
    {
        auto const found = values(i);
        REQUIRE(found.size() == 128);
        for (int k = 0; k != 128; ++k)
        {
            CHECK(std::abs(double(found[std::size_t(k)]) - (k - 64) / 64.0) <= steps[i]);
        }
    }
}

TEST_CASE("gguf: a value of another type is refused by name")
{
    aligned_bytes const file(example().bytes());
    auto const contents = gemma4::parse_gguf(file.span(), "f.gguf");
    auto const& m = contents.metadata;
    auto const sentence = [](auto&& read) { return gemma4_test::sentence_of<gemma4::file_error>(read); };
    CHECK(sentence([&] { m.size("a.text"); })
          == "f.gguf: metadata a.text is of type string, expected an integer");
    CHECK(sentence([&] { m.size("a.i32"); }) == "f.gguf: metadata a.i32 is -5, expected 0 or more");
    CHECK(sentence([&] { m.size("a.f32"); }) == "f.gguf: metadata a.f32 is of type f32, expected an integer");
    CHECK(sentence([&] { m.size("a.integers"); })
          == "f.gguf: metadata a.integers is of type array of i32, expected an integer");
    CHECK(sentence([&] { m.size("b"); }) == "f.gguf: metadata b is missing, expected an integer");
    CHECK(sentence([&] { m.boolean("a.u32"); }) == "f.gguf: metadata a.u32 is of type u32, expected a bool");
    CHECK(sentence([&] { m.text("a.strings"); })
          == "f.gguf: metadata a.strings is of type array of string, expected a string");
    CHECK(sentence([&] { m.strings("a.text"); })
          == "f.gguf: metadata a.text is of type string, expected an array of strings");
    CHECK(sentence([&] { m.sizes("a.flags"); })
          == "f.gguf: metadata a.flags is of type array of bool, expected an integer");
    gguf_writer odd;
    odd.f32("inf", std::numeric_limits<float>::infinity());
    aligned_bytes const odd_file(odd.bytes());
    auto const odd_contents = gemma4::parse_gguf(odd_file.span(), "f.gguf");
    CHECK(sentence([&] { odd_contents.metadata.number("inf"); })
          == "f.gguf: metadata inf is inf, expected a finite float");
}

TEST_CASE("gguf: every cut of a file is refused")
{
    auto const bytes = example().bytes();
    for (std::size_t size = 0; size != bytes.size(); ++size)
    {
        CAPTURE(size);
        CHECK(holds(refusal(bytes.substr(0, size)), "f.gguf "));
    }
    CHECK(refusal(bytes).empty());
    CHECK(refusal(bytes + "trailing").empty());
}

TEST_CASE("gguf: headers that lie are refused")
{
    CHECK(holds(refusal("GGML" + std::string(20, '\0')), "is no GGUF file"));
    CHECK(holds(refusal(header(0, 0, 1)), "is GGUF version 1, expected 2 or 3"));
    CHECK(holds(refusal(header(0, 0, 0)), "is GGUF version 0"));
    CHECK(holds(refusal(header(0, 0, 0x03000000u)), "is a big-endian GGUF file"));
    CHECK(holds(refusal(header(1, 0)), "claims 1 tensors, but only 8 bytes follow"));
    CHECK(holds(refusal(header(std::uint64_t(-1), 0)), "claims 18446744073709551615 tensors"));
    CHECK(holds(refusal(header(0, std::uint64_t(1) << 62)), "metadata pairs, but only 0 bytes follow"));
    auto const pair = [](std::string const& rest)
    { return refusal(header(0, 1) + word("key") + rest + std::string(64, '\0')); };
    CHECK(holds(pair(thirty_two(13)), "metadata \"key\" of type 13, expected 0 to 12"));
    CHECK(holds(pair(thirty_two(9) + thirty_two(9) + sixty_four(1)), "\"key\" that is an array of arrays"));
    CHECK(holds(pair(thirty_two(9) + thirty_two(4) + sixty_four(std::uint64_t(1) << 62)),
                "elements of metadata \"key\""));
    CHECK(holds(pair(thirty_two(8) + sixty_four(std::uint64_t(-1))),
                "expected 18446744073709551615 bytes of \"key\""));
    CHECK(holds(pair(thirty_two(9) + thirty_two(8) + sixty_four(3) + sixty_four(1000)),
                "expected 1000 bytes of \"key\""));
    CHECK(holds(refusal(header(0, 1) + word("") + std::string(64, '\0')), "empty metadata key"));
    gguf_writer twice;
    twice.u32("k", 1);
    twice.boolean("k", true);
    CHECK(holds(refusal(twice.bytes()), "metadata \"k\" twice"));
    for (std::uint64_t const alignment : {0u, 1u, 2u, 48u, 1u << 31})
    {
        gguf_writer w;
        w.u32("general.alignment", alignment);
        CHECK(holds(refusal(w.bytes()), "expected a power of two from 4"));
    }
}

TEST_CASE("gguf: tensors that do not fit are refused by name")
{
    CHECK(refusal(file_of({info("t", {8}, 0, 0)}, 32)).empty());
    CHECK(holds(refusal(file_of({info("t", {8}, 0, 0)}, 31)),
                "tensor \"t\" of 32 bytes at offset 0, but only 31"));
    CHECK(holds(refusal(file_of({info("t", {8}, 0, 32)}, 32)), "tensor \"t\" of 32 bytes at offset 32"));
    CHECK(holds(refusal(file_of({info("t", {8}, 0, std::uint64_t(-32))}, 32)),
                "at offset 18446744073709551584"));
    CHECK(holds(refusal(file_of({info("t", {8}, 0, 4)}, 64)), "at offset 4, expected a multiple of 32"));
    CHECK(holds(refusal(file_of({info("t", {0}, 0, 0)}, 64)), "tensor \"t\" with dimension 0 of 0"));
    CHECK(holds(refusal(file_of({info("t", {1, std::uint64_t(1) << 63}, 0, 0)}, 64)),
                "with dimension 1 of 9223372036854775808"));
    CHECK(holds(refusal(file_of({info("t", {std::uint64_t(1) << 40, std::uint64_t(1) << 40}, 0, 0)}, 64)),
                "fewer than 2^63"));
    CHECK(holds(refusal(file_of({info("t", {std::uint64_t(1) << 61}, 0, 0)}, 64)),
                "blocks of 4 bytes, but the file has"));
    CHECK(holds(refusal(file_of({info("t", {1, 1, 1, 1, 1}, 0, 0)}, 64)),
                "of 5 dimensions, expected at most 4"));
    CHECK(holds(refusal(file_of({info("t", {40}, 8, 0)}, 64)),
                "of type Q8_0 with rows of 40, expected a multiple of 32"));
    CHECK(holds(refusal(file_of({info("t", {32}, 4, 0)}, 64)), "of type 4, which is no type"));
    CHECK(holds(refusal(file_of({info("t", {32}, 99, 0)}, 64)), "of type 99, which is no type"));
    CHECK(holds(refusal(file_of({info("", {8}, 0, 0)}, 64)), "tensor without a name"));
    CHECK(holds(refusal(file_of({info("t", {8}, 0, 0), info("t", {8}, 0, 32)}, 64)), "tensor \"t\" twice"));
    CHECK(holds(refusal(file_of({info("t", {9}, 0, 0), info("u", {8}, 0, 32)}, 64)),
                "\"t\" and \"u\" that overlap"));
    CHECK(refusal(file_of({info("t", {8}, 0, 64), info("u", {8}, 0, 0)}, 96))
              .empty());                                               // order and gaps are free
    CHECK(refusal(file_of({info("t", {256}, 16, 0)}, 96)).empty());    // IQ2_XXS: known, not usable
    CHECK(holds(refusal(file_of({info("line\nbreak\x80", {8}, 0, 0)}, 0)), "\"line?break?\""));
}
