#include <array>
#include <string>
#include <vector>

#include "scratch.hpp"
#include <doctest/doctest.h>

#include <gemma4/io/npy.hpp>

using namespace gemma4_test;

namespace
{
    std::string refusal(std::string const& bytes)
    {
        return sentence_of<gemma4::file_error>(
            [&] { gemma4::parse_npy(std::as_bytes(std::span<char const>(bytes)), "f.npy"); });
    }

    std::string npy(std::string const& header, std::size_t data)
    {
        auto out = std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header;
        return out + std::string(data, '\0');
    }
}

// tests/data/io/*.npy were written by numpy.save: float_3x5 holds i / 4 - 1, int_4 holds -1, 0, 2^40, 7.
TEST_CASE("rows written one by one or together give the bytes that numpy writes")
{
    scratch_folder const scratch;
    auto const path = scratch.path / "x.npy";
    std::vector<float> values(15);
    for (std::size_t i = 0; i != values.size(); ++i) { values[i] = float(i) / 4 - 1; }
    std::span<float const> const all(values);

    gemma4::npy_writer writer(path, 5);
    writer.append(all.first(5));
    writer.append({});
    writer.append(all.subspan(5));
    CHECK_FALSE(std::filesystem::exists(path));
    writer.finish();
    writer.finish();
    CHECK(read_all(path) == read_all(data_file("io/float_3x5.npy")));
    CHECK(std::distance(std::filesystem::directory_iterator(scratch.path), {}) == 1);
    CHECK_THROWS_AS(writer.append(all.first(5)), gemma4::argument_error);
}

TEST_CASE("numpy's files are read back")
{
    auto const floats = gemma4::read_npy(data_file("io/float_3x5.npy"));
    CHECK(floats.shape == std::vector<std::size_t>{3, 5});
    REQUIRE(floats.floats().size() == 15);
    for (std::size_t i = 0; i != 15; ++i) { CHECK(floats.floats()[i] == float(i) / 4 - 1); }
    CHECK_THROWS_AS(floats.integers(), gemma4::argument_error);

    auto const integers = gemma4::read_npy(data_file("io/int_4.npy"));
    CHECK(integers.shape == std::vector<std::size_t>{4});
    CHECK(integers.integers() == std::vector<std::int64_t>{-1, 0, std::int64_t(1) << 40, 7});
}

TEST_CASE(
    "an unfinished file is removed, and a finished one of the same name stays until the new one is ready")
{
    scratch_folder const scratch;
    auto const path = scratch.write("x.npy", "before");
    std::array const row{1.0f, 2.0f};
    {
        gemma4::npy_writer writer(path, 2);
        writer.append(row);
    }
    CHECK(read_all(path) == "before");
    CHECK(std::distance(std::filesystem::directory_iterator(scratch.path), {}) == 1);

    gemma4::npy_writer writer(path, 2);
    writer.finish();
    CHECK(gemma4::read_npy(path).shape == std::vector<std::size_t>{0, 2});
}

TEST_CASE("what cannot be written is an error")
{
    scratch_folder const scratch;
    auto const nowhere = scratch.path / "no" / "x.npy";
    auto const sentence = sentence_of<gemma4::file_error>([&] { gemma4::npy_writer const w(nowhere, 1); });
    CHECK(sentence == nowhere.string() + " cannot be written: No such file or directory");
    CHECK_THROWS_AS(gemma4::npy_writer(scratch.path / "x.npy", 0), gemma4::argument_error);

    gemma4::npy_writer writer(scratch.path / "x.npy", 2);
    std::array const three{1.0f, 2.0f, 3.0f};
    CHECK(holds(sentence_of<gemma4::argument_error>([&] { writer.append(three); }),
                "3 values appended, expected rows of 2"));

    std::filesystem::create_directory(scratch.path / "folder.npy");
    CHECK(holds(sentence_of<gemma4::file_error>(
                    [&] { gemma4::npy_writer const blocked(scratch.path / "folder.npy", 1); }),
                "folder.npy cannot be written: it is there and a folder"));
}

TEST_CASE("files that are not what we read are refused")
{
    auto const whole = read_all(data_file("io/float_3x5.npy"));
    for (std::size_t n = 0; n != whole.size(); ++n)
    {
        CHECK(refusal(whole.substr(0, n)).starts_with("f.npy"));
    }
    CHECK(holds(refusal(read_all(data_file("io/fortran.npy"))), "Fortran order, expected C order"));
    CHECK(holds(refusal(read_all(data_file("io/double.npy"))),
                "type is '<f8', expected '<f4', '<i4' or '<i8'"));
    CHECK(holds(refusal(whole + "x"), "61 bytes of values do not fit the shape"));

    CHECK(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4)).empty());
    CHECK(refusal(npy("{'shape':(2,),'descr':'<f4','fortran_order':False}\n", 8)).empty());
    for (std::string const shape :
         {"4294967296, 4294967296", "18446744073709551615, 4", "4611686018427387904, 1"})
    {
        CHECK(holds(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }", 0)),
                    "do not fit"));
    }
    for (std::string const header :
         {"", "{", "{}", "{'descr': '<f4'", "{'descr': '<f4', 'shape': (1,)} x", "{'x': 1}",
          "{'descr': '<f4', 'shape': (-1,)}", "{'descr': '<f4', 'shape': (99999999999999999999,)}",
          "{'descr': '<f4', 'fortran_order': Maybe}", "{'descr: 1}", "{'shape': (1 2)}"})
    {
        CAPTURE(header);
        CHECK(holds(refusal(npy(header, 4)), "the .npy header is malformed"));
    }
}

TEST_CASE("int32 values are widened with their sign")
{
    auto const bytes = npy("{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", 0)
                       + std::string("\xff\xff\xff\xff\x00\x00\x00\x80\x07\x00\x00\x00", 12);
    auto const array = gemma4::parse_npy(std::as_bytes(std::span<char const>(bytes)), "f.npy");
    CHECK(array.shape == std::vector<std::size_t>{3});
    CHECK(array.integers() == std::vector<std::int64_t>{-1, -2147483648LL, 7});
}
