// What io/file_bytes.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gemma4/core/error.hpp>
#include <gemma4/core/math.hpp>
#include <gemma4/io/descriptor.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/parallel/pages.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // O_NONBLOCK: opening a pipe must not wait for a writer; it has no meaning for regular files.
        inline int open_to_read(std::filesystem::path const& path)
        {
            auto const number =
                uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
            if (number < 0) { fail_with_reason(path, "cannot be opened"); }
            return number;
        }

        // Fills `to`; returns how many bytes there were before the end of the file.
        inline std::size_t read_into(descriptor const& file, std::span<std::byte> to,
                                     std::filesystem::path const& path)
        {
            std::size_t done = 0;
            while (done != to.size())
            {
                auto const count =
                    uninterrupted([&] { return ::read(file.number(), to.data() + done, to.size() - done); });
                if (count < 0) { fail_with_reason(path, "cannot be read"); }
                if (count == 0) { break; }
                done += std::size_t(count);
            }
            return done;
        }
    }

    GEMMA4_CODE file_bytes::file_bytes(std::filesystem::path const& path, file_access access,
                                       std::pmr::memory_resource* memory)
        : m_path(path)
    {
        detail::descriptor const file(detail::open_to_read(path));
        struct ::stat status
        {};
        if (::fstat(file.number(), &status) != 0) { detail::fail_with_reason(path, "cannot be examined"); }
        if (S_ISDIR(status.st_mode))
        {
            throw file_error(sentence(path.string(), " is a folder, expected a file"));
        }
        if (!S_ISREG(status.st_mode)) { throw file_error(sentence(path.string(), " is not a regular file")); }
        if (status.st_size == 0) { return; }
        auto const size = static_cast<std::size_t>(status.st_size);
        if (access == file_access::map)
        {
            void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
            if (data == MAP_FAILED) { detail::fail_with_reason(path, "cannot be mapped"); }
            m_bytes = {static_cast<std::byte const*>(data), size};
            return;
        }
        bool const is_large = size >= huge_page;
        m_memory = buffer<std::byte>(size + (is_large ? huge_page : 0), memory);
        auto* begin = m_memory.data();
        if (is_large)
        {
            advise_huge_pages(m_memory.data(), m_memory.size());
            auto const at = reinterpret_cast<std::uintptr_t>(begin);
            begin += round_up(at, huge_page) - at;
        }
        if (auto const found = detail::read_into(file, {begin, size}, path); found != size)
        {
            throw file_error(sentence(path.string(), " has become shorter while it was read: ", size,
                                      " bytes were expected, found ", found));
        }
        m_bytes = {begin, size};
    }

    GEMMA4_CODE file_bytes::file_bytes(file_bytes&& other) noexcept
        : m_path(std::move(other.m_path))
        , m_memory(std::move(other.m_memory))
        , m_bytes(std::exchange(other.m_bytes, {}))
    {}

    GEMMA4_CODE file_bytes& file_bytes::operator=(file_bytes&& other) noexcept
    {
        std::swap(m_path, other.m_path);
        std::swap(m_memory, other.m_memory);
        std::swap(m_bytes, other.m_bytes);
        return *this;
    }

    GEMMA4_CODE file_bytes::~file_bytes()
    {
        if (is_mapped()) { ::munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size()); }
    }

    GEMMA4_CODE void file_bytes::drop(void const* data, std::size_t bytes) const noexcept
    {
        if (!is_mapped()) { return; }
        constexpr std::uintptr_t page = 4096;
        auto const first = reinterpret_cast<std::uintptr_t>(m_bytes.data());
        auto const at = reinterpret_cast<std::uintptr_t>(data);
        auto const begin = round_up(std::max(at, first), page);
        auto const end = std::min(at + bytes, first + m_bytes.size()) / page * page;
        if (begin < end) { ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED); }
    }

    GEMMA4_CODE std::string file_beginning(std::filesystem::path const& path, std::size_t count)
    {
        std::error_code failure;
        auto const status = std::filesystem::status(path, failure);
        if (!std::filesystem::status_known(status))
        {
            throw file_error(sentence(path.string(), " cannot be examined: ", failure.message()));
        }
        if (!std::filesystem::is_regular_file(status)) { return {}; }
        detail::descriptor const file(detail::open_to_read(path));
        std::string found(count, '\0');
        found.resize(detail::read_into(file, std::as_writable_bytes(std::span(found)), path));
        return found;
    }

    GEMMA4_CODE bool is_there(std::filesystem::path const& path)
    {
        std::error_code failure;
        auto const status = std::filesystem::symlink_status(path, failure);
        if (!std::filesystem::status_known(status))
        {
            throw file_error(sentence(path.string(), " cannot be examined: ", failure.message()));
        }
        return std::filesystem::exists(status);
    }
}
