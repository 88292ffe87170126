#include <cmath>
#include <cstring>
#include <string>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/core/types.hpp>
#include <gemma4/io/safetensors.hpp>

using namespace gemma4_test;

namespace
{
    template <class T>
    T element(gemma4::tensor const& t, std::size_t i)
    {
        T value;
        std::memcpy(&value, t.data + i * sizeof(T), sizeof(T));
        return value;
    }

    std::string refusal(std::string const& bytes)
    {
        return sentence_of<gemma4::file_error>(
            [&] { gemma4::parse_safetensors(std::as_bytes(std::span<char const>(bytes)), "f.safetensors"); });
    }

    std::string refusal(std::string const& header, std::size_t data)
    {
        return refusal(safetensors_bytes(header, data));
    }

    std::string entry(std::string const& dtype, std::string const& shape, std::string const& offsets)
    {
        return R"({"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
    }
}

// tests/data/io/reference.safetensors was written by the safetensors package 0.8.0 from these values.
TEST_CASE("a file written by the safetensors package is read back")
{
    gemma4::safetensors_file const file(data_file("io/reference.safetensors"));
    REQUIRE(file.tensors().size() == 7);
    CHECK(file.metadata().at("format") == "pt");

    auto const* const a = file.find("a.f32");
    REQUIRE(a);
    CHECK(a->type == gemma4::dtype::f32);
    CHECK(a->shape == std::vector<std::size_t>{2, 3});
    CHECK(a->bytes == 24);
    CHECK(a->file == file.path().string());
    for (std::size_t i = 0; i != 6; ++i) { CHECK(element<float>(*a, i) == float(i) - 2.5f); }

    auto const* const b = file.find("b.bf16");
    REQUIRE(b);
    CHECK(b->type == gemma4::dtype::bf16);
    CHECK(element<gemma4::bf16>(*b, 1).value() == -2.0f);

    auto const* const c = file.find("c.f16");
    REQUIRE(c);
    CHECK(c->type == gemma4::dtype::f16);
    CHECK(c->shape == std::vector<std::size_t>{2, 1});
    CHECK(element<gemma4::f16>(*c, 1).value() == 65504.0f);

    auto const* const d = file.find("d.i64");
    REQUIRE(d);
    CHECK_FALSE(d->supported);
    CHECK(d->dtype_word == "I64");
    CHECK(element<std::int64_t>(*d, 1) == std::int64_t(1) << 40);

    auto const* const e = file.find("e.scalar");
    REQUIRE(e);
    CHECK(e->shape.empty());
    CHECK(e->bytes == 4);
    CHECK(element<float>(*e, 0) == 3.5f);

    auto const* const f = file.find("f.empty");
    REQUIRE(f);
    CHECK(f->bytes == 0);
    CHECK(f->shape == std::vector<std::size_t>{0, 4});
    CHECK(file.find("g.bool")->dtype_word == "BOOL");
    CHECK(file.find("absent") == nullptr);
}

TEST_CASE("tensors come in the order of their bytes and survive a move of the file")
{
    scratch_folder const scratch;
    auto const path =
        scratch.write("t.safetensors", safetensors_bytes(R"({"z":)" + entry("F32", "1", "0,4") + R"(,"a":)"
                                                             + entry("F16", "2", "4,8") + "}   ",
                                                         8));
    gemma4::safetensors_file file(path);
    gemma4::safetensors_file const moved(std::move(file));
    REQUIRE(moved.tensors().size() == 2);
    CHECK(moved.tensors()[0].name == "z");
    CHECK(moved.tensors()[1].name == "a");
    CHECK(element<std::uint8_t>(moved.tensors()[1], 3) == 7);
}

TEST_CASE("data at any offset reaches the reader aligned and unchanged")
{
    scratch_folder const scratch;
    for (std::size_t pad = 0; pad != 8; ++pad)
    {
        CAPTURE(pad);
        auto const header = R"({"u":)" + entry("U8", "1", "0,1") + R"(,"w":)" + entry("F32", "2", "1,9")
                            + R"(,"h":)" + entry("BF16", "1", "9,11") + R"(,"n":)"
                            + entry("F32", "0", "11,11") + "}" + std::string(pad, ' ');
        gemma4::safetensors_file const file(scratch.write("t.safetensors", safetensors_bytes(header, 11)));
        for (auto const* name : {"w", "h", "n"})
        {
            auto const* t = file.find(name);
            REQUIRE(t);
            CHECK(reinterpret_cast<std::uintptr_t>(t->data) % gemma4::size_of(t->type) == 0);
        }
        for (std::size_t i = 0; i != 8; ++i) { CHECK(element<std::uint8_t>(*file.find("w"), i) == i + 1); }
        for (std::size_t i = 0; i != 2; ++i) { CHECK(element<std::uint8_t>(*file.find("h"), i) == i + 9); }
    }
}

TEST_CASE("an empty header is a file without tensors")
{
    CHECK(refusal("{}", 0).empty());
    CHECK(refusal(R"({"__metadata__":{"a":"b"}})", 0).empty());
}

TEST_CASE("a truncated file or a lying header length is refused")
{
    auto const whole = safetensors_bytes(R"({"t":)" + entry("F32", "2", "0,8") + "}", 8);
    REQUIRE(refusal(whole).empty());
    for (std::size_t n = 0; n != whole.size(); ++n)
    {
        CAPTURE(n);
        CHECK(
            refusal(whole.substr(0, n)).starts_with(n == 0 ? "f.safetensors is empty, " : "f.safetensors: "));
    }
    CHECK(holds(refusal(whole.substr(0, 7)), "7 bytes, too short"));
    for (auto const length :
         {std::uint64_t(1) << 63, ~std::uint64_t(0), std::uint64_t(whole.size()), ~std::uint64_t(7)})
    {
        CHECK(holds(refusal(little_endian(length) + whole.substr(8)),
                    std::to_string(length) + " bytes long, but only"));
    }
    CHECK(
        holds(refusal(little_endian(100'000'001) + std::string(100'000'001, ' ')), "the limit is 100000000"));
    CHECK(holds(refusal(little_endian(0)), "does not start with {"));
}

TEST_CASE("bad JSON, bad UTF-8, deep nesting and duplicate names are refused")
{
    CHECK(holds(refusal("[]", 0), "does not start with {"));
    CHECK(holds(refusal(" {}", 0), "does not start with {"));
    CHECK(holds(refusal("{\"t\":", 0), "not valid JSON"));
    CHECK(holds(refusal("{\"\xff\":1}", 0), "not valid JSON"));
    CHECK(holds(refusal("{\"\xed\xa0\x80\":1}", 0), "not valid JSON"));
    CHECK(holds(refusal(std::string("{}\0\0", 4), 0), "zero byte"));
    CHECK(holds(refusal("{\"t\":" + std::string(100000, '['), 0), "deeper than 64"));
    auto const t = entry("U8", "1", "0,1");
    CHECK(refusal("{\"t\":" + t + ",\"t\":" + t + "}", 1) == "f.safetensors: duplicate key \"t\"");
}

TEST_CASE("an entry that is not what the format says is refused by name")
{
    auto const one = [](std::string const& e, std::size_t data = 8)
    { return refusal("{\"t\":" + e + "}", data); };
    CHECK(one("3") == "f.safetensors: tensor \"t\": the document is a whole number, expected an object");
    CHECK(one("{}") == "f.safetensors: tensor \"t\": dtype is missing");
    CHECK(holds(one(R"({"dtype":1,"shape":[],"data_offsets":[0,8]})"),
                "dtype is a whole number, expected a string"));
    CHECK(holds(one(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})"),
                "shape is a whole number, expected a list"));
    CHECK(holds(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"), "unknown key \"x\""));
    CHECK(holds(one(entry("Q4_K", "2", "0,8")), "dtype is \"Q4_K\", which safetensors does not know"));
    CHECK(holds(one(entry("F32", "-2", "0,8")), "shape holds -2, expected whole numbers from 0"));
    CHECK(holds(one(entry("F32", "2.0", "0,8")), "shape holds 2.0, expected whole numbers from 0"));
    CHECK(holds(one(entry("F32", "\"2\"", "0,8")), "shape holds a string"));
    CHECK(holds(one(entry("F32", "2", "0,8,9")), "data_offsets holds 3 numbers, expected 2"));
    CHECK(holds(one(entry("F32", "2", "0,-8")), "data_offsets holds -8"));
    CHECK(holds(one(entry("F32", "2", "0,1e1")), "data_offsets holds 10.0"));
    CHECK(holds(one(entry("F4", "3", "0,1")), "the shape ends inside a byte"));
    CHECK(one(entry("F4", "16", "0,8")).empty());
    CHECK(holds(refusal(R"({"__metadata__":{"a":1}})", 0),
                "__metadata__.a is a whole number, expected a string"));
    CHECK(holds(refusal(R"({"__metadata__":[]})", 0), "__metadata__ is a list, expected an object"));
}

TEST_CASE("offsets out of range, backwards, overlapping or leaving holes are refused")
{
    auto const one = [](std::string const& offsets, std::size_t data = 8)
    { return refusal("{\"t\":" + entry("F32", "2", offsets) + "}", data); };
    CHECK(holds(one("0,12"), "data_offsets are 0 to 12, but the file holds 8 bytes"));
    CHECK(holds(one("8,0"), "data_offsets are 8 to 0"));
    CHECK(holds(one("18446744073709551608,18446744073709551615"), "data_offsets are 18446744073709551608"));
    CHECK(holds(one("18446744073709551612,4"), "data_offsets are 18446744073709551612"));
    CHECK(holds(one("0,99999999999999999999"), "data_offsets holds"));
    CHECK(holds(one("0,4"), "data_offsets span 4 bytes, but dtype and shape need 8"));
    CHECK(holds(one("0,8", 9), "the last 1 bytes belong to no tensor"));
    CHECK(holds(one("4,12", 12), "4 bytes before tensor \"t\" belong to no tensor"));

    auto const two = [](std::string const& a, std::string const& b)
    { return refusal("{\"a\":" + entry("F32", "2", a) + ",\"b\":" + entry("F32", "2", b) + "}", 16); };
    CHECK(two("0,8", "8,16").empty());
    CHECK(two("8,16", "0,8").empty());
    CHECK(two("0,8", "4,12") == "f.safetensors: tensor \"b\" overlaps tensor \"a\"");
    CHECK(holds(two("0,8", "0,8"), "overlaps"));
}

TEST_CASE("a shape whose product overflows is refused")
{
    for (std::string const shape : {"4294967296,4294967296", "18446744073709551615", "4611686018427387904,1",
                                    "9223372036854775808,2,0", "2305843009213693952,8"})
    {
        CAPTURE(shape);
        CHECK(
            holds(refusal("{\"t\":" + entry("F32", shape, "0,0") + "}", 0), "the shape's product overflows"));
    }
    CHECK(holds(refusal("{\"t\":" + entry("F32", "99999999999999999999", "0,0") + "}", 0),
                "expected whole numbers from 0"));
}
