#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <type_traits>
#include <utility>

#include "scratch.hpp"
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/file_writer.hpp>

using namespace gemma4_test;
using gemma4::file_access;
using gemma4::file_bytes;
using gemma4::file_writer;

static_assert(!std::is_copy_constructible_v<file_bytes> && std::is_nothrow_move_constructible_v<file_bytes>
              && std::is_nothrow_move_assignable_v<file_bytes>);

namespace
{
    std::span<std::byte const> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
}

TEST_CASE("the bytes of a file, mapped or read, follow their owner")
{
    for (auto const access : {file_access::map, file_access::read})
    {
        scratch_folder const scratch;
        std::string const content("one\0two", 7);
        file_bytes file(scratch.write("a", content), access);
        CHECK(file.text() == content);
        CHECK(file.path() == scratch.path / "a");
        CHECK(file.is_mapped() == (access == file_access::map));

        file_bytes moved(std::move(file));
        CHECK(moved.text() == content);
        file_bytes other(scratch.write("b", "other"), access);
        other = std::move(moved);
        CHECK(other.text() == content);
        CHECK(other.path() == scratch.path / "a");
    }
}

TEST_CASE("an empty file is an empty span")
{
    scratch_folder const scratch;
    for (auto const access : {file_access::map, file_access::read})
    {
        CHECK(file_bytes(scratch.write("empty", ""), access).bytes().empty());
    }
}

TEST_CASE("what cannot be opened is an error with the path and the reason")
{
    scratch_folder const scratch;
    for (auto const access : {file_access::map, file_access::read})
    {
        auto const opening = [&](std::filesystem::path const& path)
        { return sentence_of<gemma4::file_error>([&] { file_bytes const file(path, access); }); };

        auto const missing = scratch.path / "missing";
        CHECK(opening(missing) == missing.string() + " cannot be opened: No such file or directory");
        CHECK(opening(scratch.path) == scratch.path.string() + " is a folder, expected a file");

        auto const pipe = scratch.path / "pipe";
        ::mkfifo(pipe.c_str(), 0600);
        CHECK(opening(pipe) == pipe.string() + " is not a regular file");
    }
}

TEST_CASE("a large file is read into large pages of the memory that was given, and the file may go")
{
    scratch_folder const scratch;
    std::string content(5'000'000, 'x');
    for (std::size_t i = 0; i < content.size(); i += 97) { content[i] = char('a' + i % 23); }
    auto const path = scratch.write("large", content);
    std::pmr::monotonic_buffer_resource memory;
    file_bytes const file(path, file_access::read, &memory);
    CHECK(reinterpret_cast<std::uintptr_t>(file.bytes().data()) % (2 << 20) == 0);
    REQUIRE(::truncate(path.c_str(), 10) == 0);
    CHECK(file.text() == content);
}

TEST_CASE("dropping gives back pages of a mapping and leaves every other memory as it is")
{
    scratch_folder const scratch;
    std::string content(40'000, 'x');
    for (std::size_t i = 0; i < content.size(); i += 97) { content[i] = char('a' + i % 23); }
    auto const path = scratch.write("file", content);
    for (auto const access : {file_access::map, file_access::read})
    {
        file_bytes const file(path, access);
        file.drop(file.bytes().data(), file.bytes().size());
        file.drop(file.bytes().data() + 5000, 9000);
        CHECK(file.text() == content);
        auto const other = content;
        file.drop(other.data(), other.size());
        CHECK(other == content);
    }
}

TEST_CASE("the beginning of a file, and whether something is there")
{
    scratch_folder const scratch;
    auto const path = scratch.write("a", "GGUF...");
    CHECK(gemma4::file_beginning(path, 4) == "GGUF");
    CHECK(gemma4::file_beginning(path, 100) == "GGUF...");
    CHECK(gemma4::file_beginning(scratch.path, 4).empty());
    CHECK(gemma4::file_beginning(scratch.path / "none", 4).empty());
    CHECK(gemma4::file_beginning(path / "below", 4).empty());
    CHECK(gemma4::is_there(path));
    CHECK_FALSE(gemma4::is_there(scratch.path / "none"));
    CHECK_FALSE(gemma4::is_there(path / "below"));
    std::filesystem::create_symlink(scratch.path / "none", scratch.path / "link");
    CHECK(gemma4::is_there(scratch.path / "link"));
    auto const too_long = scratch.path / std::string(300, 'x');
    CHECK(sentence_of<gemma4::file_error>([&] { (void)gemma4::is_there(too_long); })
          == too_long.string() + " cannot be examined: File name too long");
    CHECK(sentence_of<gemma4::file_error>([&] { (void)gemma4::file_beginning(too_long, 4); })
          == too_long.string() + " cannot be examined: File name too long");
}

TEST_CASE("a written file has its name when it is whole, and nothing else is left")
{
    scratch_folder const scratch;
    auto const path = scratch.write("a", "before");
    {
        file_writer unfinished(path);
        unfinished.write(bytes_of("half"));
    }
    CHECK(read_all(path) == "before");
    file_writer writer(path), second(path);    // two at a time do not meet
    writer.write(bytes_of("xxxx"));
    writer.write(bytes_of(" after"));
    writer.write_at(0, bytes_of("long"));
    second.write(bytes_of("second"));
    CHECK(read_all(path) == "before");
    writer.finish();
    CHECK(read_all(path) == "long after");
    second.finish();
    CHECK(read_all(path) == "second");
    std::size_t files = 0;
    for (auto const& entry : std::filesystem::directory_iterator(scratch.path)) { files += !entry.path().empty(); }
    CHECK(files == 1);
}

TEST_CASE("a written file keeps links and who may read it, and replaces files only")
{
    scratch_folder const scratch;
    auto const path = scratch.write("secret", "before");
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::create_symlink("secret", scratch.path / "link");
    file_writer writer(scratch.path / "link");
    writer.write(bytes_of("after"));
    writer.finish();
    CHECK(std::filesystem::is_symlink(scratch.path / "link"));
    CHECK(read_all(path) == "after");
    CHECK(std::filesystem::status(path).permissions()
          == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));

    auto const writing = [](std::filesystem::path const& to)
    { return sentence_of<gemma4::file_error>([&] { file_writer const w(to); }); };
    CHECK(writing("/dev/null") == "/dev/null cannot be written: it is there and not a regular file");
    CHECK(writing(scratch.path) == scratch.path.string() + " cannot be written: it is there and a folder");
    auto const nowhere = scratch.path / "no" / "x";
    CHECK(writing(nowhere) == nowhere.string() + " cannot be written: No such file or directory");
}
