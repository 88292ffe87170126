// A file that takes the place of an old one as a whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include <gemma4/core/separate.hpp>
#include <gemma4/io/descriptor.hpp>

namespace gemma4::inline v0
{
    // Bytes go to a new file beside `path` ("<path>.<process>.<number>.part"), which finish() brings to the
    // disk and renames: under the name is the old file or the whole new one, whatever fails and when. A
    // writer destroyed before that removes what it wrote. A link is followed; who may read an old file may
    // read the new one. Every failure is a file_error with the path and the system's reason.
    class file_writer
    {
    public:
        // Also file_error where `path` is there and no regular file.
        explicit file_writer(std::filesystem::path path);

        file_writer(file_writer const&) = delete;
        file_writer& operator=(file_writer const&) = delete;
        ~file_writer();

        // At the end.
        void write(std::span<std::byte const> bytes);

        // In place of bytes that were written.
        void write_at(std::size_t offset, std::span<std::byte const> bytes);

        void finish();

        std::filesystem::path const& path() const noexcept { return m_path; }

    private:
        void write_all(std::size_t offset, std::span<std::byte const> bytes);

        [[noreturn]] void fail() const;

        std::filesystem::path m_path;
        std::filesystem::path m_target;    // the file that a link leads to
        std::filesystem::path m_temporary;
        detail::descriptor m_file;
        std::size_t m_size = 0;
        bool m_finished = false;
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/io/file_writer_code.hpp>
#endif
