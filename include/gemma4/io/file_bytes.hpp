// A file as read-only memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>

#include <gemma4/core/memory.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    // How the bytes of a file come into memory.
    enum class file_access
    {
        // Mapped: a page is read when it is touched, and shared with every process that maps the file. Nobody
        // may shorten the file as long as it is mapped: touching what is gone is SIGBUS, the end of the
        // process.
        map,
        // Read as a whole into memory. What happens to the file afterwards makes no difference.
        read
    };

    // All bytes of a regular file. An empty file is an empty span.
    class file_bytes
    {
    public:
        // Bytes that are read lie in `memory`, in large pages where they are many. Throws file_error with the
        // path and the system's reason, or what the file is if no regular one; also where it becomes shorter
        // while it is read.
        explicit file_bytes(std::filesystem::path const& path, file_access access = file_access::read,
                            std::pmr::memory_resource* memory = std::pmr::get_default_resource());

        file_bytes(file_bytes&& other) noexcept;
        file_bytes& operator=(file_bytes&& other) noexcept;
        ~file_bytes();

        std::span<std::byte const> bytes() const noexcept { return m_bytes; }
        std::string_view text() const noexcept
        {
            return {reinterpret_cast<char const*>(m_bytes.data()), m_bytes.size()};
        }
        std::filesystem::path const& path() const noexcept { return m_path; }
        bool is_mapped() const noexcept { return m_memory.empty() && !m_bytes.empty(); }

        // Whole pages of these bytes are not needed for now: where they are mapped, they count as resident no
        // more and are read again when they are touched. Nothing else changes, whatever lies there.
        void drop(void const* data, std::size_t bytes) const noexcept;

    private:
        std::filesystem::path m_path;
        buffer<std::byte> m_memory;    // empty: mapped
        std::span<std::byte const> m_bytes;
    };

    // The first bytes of a regular file, at most `count`. Empty where there is none of this name. Throws
    // file_error where it cannot be read.
    GEMMA4_CODE std::string file_beginning(std::filesystem::path const& path, std::size_t count);

    // Whether something has this name, be it a link that leads nowhere: opening it gives the reason. Throws
    // file_error where the system does not say.
    GEMMA4_CODE bool is_there(std::filesystem::path const& path);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/io/file_bytes_code.hpp>
#endif
