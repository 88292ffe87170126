// A file as read-only memory. The only header that talks to the operating system about files (POSIX).
#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    // A private, read-only mapping of a regular file; pages are read when touched. An empty file is an empty
    // span. file_error names the path and the system's reason. Nobody may shorten the file while it is
    // mapped.
    class mapped_file
    {
    public:
        explicit mapped_file(std::filesystem::path const& path)
            : m_path(path)
        {
            // O_NONBLOCK: opening a pipe must not wait for a writer; it has no meaning for regular files.
            descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
            if (file.number < 0) { fail("cannot be opened"); }
            struct ::stat status
            {};
            if (::fstat(file.number, &status) != 0) { fail("cannot be examined"); }
            if (S_ISDIR(status.st_mode))
            {
                throw file_error(sentence(m_path.string(), " is a folder, expected a file"));
            }
            if (!S_ISREG(status.st_mode))
            {
                throw file_error(sentence(m_path.string(), " is not a regular file"));
            }
            if (status.st_size == 0) { return; }
            auto const size = static_cast<std::size_t>(status.st_size);
            void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
            if (data == MAP_FAILED) { fail("cannot be mapped"); }
            m_bytes = {static_cast<std::byte const*>(data), size};
        }

        mapped_file(mapped_file&& other) noexcept
            : m_path(std::move(other.m_path))
            , m_bytes(std::exchange(other.m_bytes, {}))
        {}

        mapped_file& operator=(mapped_file&& other) noexcept
        {
            std::swap(m_path, other.m_path);
            std::swap(m_bytes, other.m_bytes);
            return *this;
        }

        ~mapped_file()
        {
            if (!m_bytes.empty()) { ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size()); }
        }

        std::span<std::byte const> bytes() const noexcept { return m_bytes; }
        std::filesystem::path const& path() const noexcept { return m_path; }

    private:
        struct descriptor
        {
            int number;
            ~descriptor()
            {
                if (number >= 0) { ::close(number); }
            }
        };

        [[noreturn]] void fail(char const* what) const
        {
            auto const reason = std::generic_category().message(errno);
            throw file_error(sentence(m_path.string(), " ", what, ": ", reason));
        }

        std::filesystem::path m_path;
        std::span<std::byte const> m_bytes;
    };
}
