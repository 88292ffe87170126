// Files of numbers, texts and bytes with a name at the front and a checksum at the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/io/file_writer.hpp>

namespace gemma4::inline v0
{
    static_assert(std::endian::native == std::endian::little, "gemma4: state files are little-endian");

    inline constexpr std::size_t sealed_block = 65536;

    // The checksum at the end: that of each block, seeded with the one before.
    GEMMA4_CODE std::uint64_t sealed_sum(std::span<std::byte const> bytes) noexcept;

    // Throws file_error as file_writer. Nothing is left unless finish() was called.
    class sealed_writer
    {
    public:
        // magic: 8 bytes
        sealed_writer(std::filesystem::path path, std::string_view magic, std::uint64_t version);

        void number(std::uint64_t value) { bytes(std::as_bytes(std::span(&value, 1))); }

        void text(std::string_view value);

        void bytes(std::span<std::byte const> value);

        void finish();

    private:
        void flush();

        file_writer m_file;
        std::vector<std::byte> m_block;
        std::uint64_t m_sum = 0;    // of the blocks before
    };

    // Reads what sealed_writer wrote, from memory. Everything is checked before it is used, and nothing is
    // allocated that the bytes do not fill. Throws file_error.
    class sealed_reader
    {
    public:
        // `file` names the bytes in errors; both outlive the reader.
        sealed_reader(std::span<std::byte const> bytes, std::string_view file, std::string_view magic,
                      std::uint64_t version);

        std::uint64_t number();

        // A number that is at most `most`.
        std::uint64_t number(std::uint64_t most, std::string_view what);

        // How many things follow, each of at least `least` bytes.
        std::size_t count(std::size_t least, std::string_view what);

        std::string_view text();

        std::span<std::byte const> bytes(std::size_t size);

        void end() const;

        [[noreturn]] void damaged(std::string_view how) const;

        std::string_view file() const noexcept { return m_file; }

    private:
        std::span<std::byte const> m_rest;
        std::string_view m_file;
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/io/sealed_file_code.hpp>
#endif
