#include <type_traits>
#include <utility>

#include "scratch.hpp"
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <gemma4/io/mapped_file.hpp>

using namespace gemma4_test;

static_assert(!std::is_copy_constructible_v<gemma4::mapped_file>
              && std::is_nothrow_move_constructible_v<gemma4::mapped_file>
              && std::is_nothrow_move_assignable_v<gemma4::mapped_file>);

TEST_CASE("a mapped file shows the file's bytes and follows its owner")
{
    scratch_folder const scratch;
    std::string const content("one\0two", 7);
    gemma4::mapped_file file(scratch.write("a", content));
    auto const text = [](gemma4::mapped_file const& f)
    { return std::string(reinterpret_cast<char const*>(f.bytes().data()), f.bytes().size()); };
    CHECK(text(file) == content);
    CHECK(file.path() == scratch.path / "a");

    gemma4::mapped_file moved(std::move(file));
    CHECK(text(moved) == content);
    gemma4::mapped_file other(scratch.write("b", "other"));
    other = std::move(moved);
    CHECK(text(other) == content);
    CHECK(other.path() == scratch.path / "a");
}

TEST_CASE("an empty file is an empty span")
{
    scratch_folder const scratch;
    gemma4::mapped_file const file(scratch.write("empty", ""));
    CHECK(file.bytes().empty());
}

TEST_CASE("what cannot be mapped is an error with the path and the reason")
{
    scratch_folder const scratch;
    auto const opening = [](std::filesystem::path const& path)
    { return sentence_of<gemma4::file_error>([&] { gemma4::mapped_file const file(path); }); };

    auto const missing = scratch.path / "missing";
    CHECK(opening(missing) == missing.string() + " cannot be opened: No such file or directory");
    CHECK(opening(scratch.path) == scratch.path.string() + " is a folder, expected a file");

    auto const pipe = scratch.path / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(opening(pipe) == pipe.string() + " is not a regular file");
}
