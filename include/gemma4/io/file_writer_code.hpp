// What io/file_writer.hpp declares (core/separate.hpp).
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gemma4/core/error.hpp>
#include <gemma4/io/file_writer.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // A name beside `path` that no other writer has, in this process or another.
        inline std::filesystem::path temporary_beside(std::filesystem::path const& path)
        {
            static std::atomic<unsigned> count = 0;
            auto name = path;
            name += sentence(".", ::getpid(), ".", count.fetch_add(1), ".part");
            return name;
        }

        // Where a link leads; the path itself where it leads nowhere or is none.
        inline std::filesystem::path behind_links(std::filesystem::path const& path)
        {
            std::error_code failure;
            auto target = std::filesystem::canonical(path, failure);
            return failure ? path : target;
        }

        inline int open_to_write(std::filesystem::path const& temporary, std::filesystem::path const& target,
                                 std::filesystem::path const& path)
        {
            struct ::stat old
            {};
            bool const is_old = ::stat(target.c_str(), &old) == 0;
            if (is_old && !S_ISREG(old.st_mode))
            {
                throw file_error(sentence(path.string(), " cannot be written: it is there and ",
                                          S_ISDIR(old.st_mode) ? "a folder" : "not a regular file"));
            }
            auto const mode = is_old ? old.st_mode & 0777u : 0666u;
            auto const number = uninterrupted(
                [&] { return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
            if (number < 0) { fail_with_reason(path, "cannot be written"); }
            return number;
        }
    }

    GEMMA4_CODE file_writer::file_writer(std::filesystem::path path)
        : m_path(std::move(path))
        , m_target(detail::behind_links(m_path))
        , m_temporary(detail::temporary_beside(m_target))
        , m_file(detail::open_to_write(m_temporary, m_target, m_path))
    {}

    GEMMA4_CODE file_writer::~file_writer()
    {
        if (!m_finished) { ::unlink(m_temporary.c_str()); }
    }

    GEMMA4_CODE void file_writer::write(std::span<std::byte const> bytes)
    {
        write_all(m_size, bytes);
        m_size += bytes.size();
    }

    GEMMA4_CODE void file_writer::write_at(std::size_t offset, std::span<std::byte const> bytes)
    {
        write_all(offset, bytes);
    }

    GEMMA4_CODE void file_writer::finish()
    {
        // Where a file system cannot be told, it is left to it.
        bool const is_on_disk =
            detail::uninterrupted([&] { return ::fsync(m_file.number()); }) == 0 || errno == EINVAL;
        if (!is_on_disk || !m_file.close()) { fail(); }
        if (::rename(m_temporary.c_str(), m_target.c_str()) != 0) { fail(); }
        m_finished = true;
    }

    GEMMA4_CODE void file_writer::write_all(std::size_t offset, std::span<std::byte const> bytes)
    {
        while (!bytes.empty())
        {
            auto const count = detail::uninterrupted(
                [&] { return ::pwrite(m_file.number(), bytes.data(), bytes.size(), ::off_t(offset)); });
            if (count < 0) { fail(); }
            if (count == 0)    // no system says so; a loop without end would be worse
            {
                errno = EIO;
                fail();
            }
            offset += std::size_t(count);
            bytes = bytes.subspan(std::size_t(count));
        }
    }

    GEMMA4_CODE void file_writer::fail() const { detail::fail_with_reason(m_path, "cannot be written"); }
}
