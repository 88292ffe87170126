// Files of numbers, texts and bytes with a name at the front and a checksum at the end.
#pragma once

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include <gemma4/core/checksum.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/mapped_file.hpp>

namespace gemma4::inline v0
{
    static_assert(std::endian::native == std::endian::little, "gemma4: state files are little-endian");

    inline constexpr std::size_t sealed_block = 65536;

    // The checksum at the end: that of each block, seeded with the one before.
    inline std::uint64_t sealed_sum(std::span<std::byte const> bytes) noexcept
    {
        std::uint64_t sum = 0;
        while (!bytes.empty())
        {
            auto const count = std::min(bytes.size(), sealed_block);
            sum = checksum(bytes.first(count), sum);
            bytes = bytes.subspan(count);
        }
        return sum;
    }

    // Writes to a temporary file beside `path`, which takes its place in finish(): there is never half a file
    // of that name. Throws file_error.
    class sealed_writer
    {
    public:
        // magic: 8 bytes
        sealed_writer(std::filesystem::path path, std::string_view magic, std::uint64_t version)
            : m_path(std::move(path))
            , m_temporary(m_path.string() + sentence(".", ::getpid(), ".part"))
        {
            errno = 0;
            m_file.open(m_temporary, std::ios::binary | std::ios::trunc);
            if (!m_file) { fail(); }
            bytes(std::as_bytes(std::span(magic)));
            number(version);
        }

        sealed_writer(sealed_writer const&) = delete;
        sealed_writer& operator=(sealed_writer const&) = delete;

        ~sealed_writer()
        {
            if (m_finished) { return; }
            m_file.close();
            std::error_code ignored;
            std::filesystem::remove(m_temporary, ignored);
        }

        void number(std::uint64_t value) { bytes(std::as_bytes(std::span(&value, 1))); }

        void text(std::string_view value)
        {
            number(value.size());
            bytes(std::as_bytes(std::span(value)));
        }

        void bytes(std::span<std::byte const> value)
        {
            while (!value.empty())
            {
                auto const count = std::min(value.size(), sealed_block - m_block.size());
                m_block.insert(m_block.end(), value.begin(), value.begin() + std::ptrdiff_t(count));
                value = value.subspan(count);
                if (m_block.size() == sealed_block) { flush(); }
            }
        }

        void finish()
        {
            errno = 0;
            flush();
            m_file.write(reinterpret_cast<char const*>(&m_sum), sizeof m_sum);
            m_file.close();
            if (!m_file) { fail(); }
            std::error_code failure;
            std::filesystem::rename(m_temporary, m_path, failure);
            if (failure)
            {
                throw file_error(sentence(m_path.string(), " cannot be written: ", failure.message()));
            }
            m_finished = true;
        }

    private:
        void flush()
        {
            if (m_block.empty()) { return; }
            m_sum = checksum(m_block, m_sum);
            m_file.write(reinterpret_cast<char const*>(m_block.data()), std::streamsize(m_block.size()));
            m_block.clear();
        }

        [[noreturn]] void fail() const
        {
            throw file_error(
                sentence(m_path.string(), " cannot be written: ", std::generic_category().message(errno)));
        }

        std::filesystem::path m_path;
        std::filesystem::path m_temporary;
        std::ofstream m_file;
        std::vector<std::byte> m_block;
        std::uint64_t m_sum = 0;    // of the blocks before
        bool m_finished = false;
    };

    // Reads what sealed_writer wrote, from memory. Everything is checked before it is used, and nothing is
    // allocated that the bytes do not fill. Throws file_error.
    class sealed_reader
    {
    public:
        // `file` names the bytes in errors; both outlive the reader.
        sealed_reader(std::span<std::byte const> bytes, std::string_view file, std::string_view magic,
                      std::uint64_t version)
            : m_rest(bytes)
            , m_file(file)
        {
            constexpr std::size_t tail = 8;
            if (bytes.size() < magic.size() + 2 * tail
                || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0)
            {
                throw file_error(
                    sentence(m_file, " does not begin with ", magic.substr(0, magic.find('\n'))));
            }
            m_rest = bytes.subspan(magic.size());
            if (auto const found = number(); found != version)
            {
                throw file_error(sentence(m_file, " has format version ", found, ", expected ", version));
            }
            std::uint64_t expected = 0;
            std::memcpy(&expected, bytes.last(tail).data(), tail);
            if (sealed_sum(bytes.first(bytes.size() - tail)) != expected)
            {
                damaged("its checksum is another one");
            }
            m_rest = m_rest.first(m_rest.size() - tail);
        }

        std::uint64_t number()
        {
            std::uint64_t value = 0;
            std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
            return value;
        }

        // A number that is at most `most`.
        std::uint64_t number(std::uint64_t most, std::string_view what)
        {
            auto const value = number();
            if (value > most) { damaged(sentence(what, " is ", value, ", expected at most ", most)); }
            return value;
        }

        // How many things follow, each of at least `least` bytes.
        std::size_t count(std::size_t least, std::string_view what)
        {
            return std::size_t(number(m_rest.size() / least, what));
        }

        std::string_view text()
        {
            auto const found = bytes(count(1, "the length of a text"));
            return {reinterpret_cast<char const*>(found.data()), found.size()};
        }

        std::span<std::byte const> bytes(std::size_t size)
        {
            if (size > m_rest.size()) { damaged("it is too short"); }
            auto const found = m_rest.first(size);
            m_rest = m_rest.subspan(size);
            return found;
        }

        void end() const
        {
            if (!m_rest.empty()) { damaged(sentence(m_rest.size(), " bytes are left over")); }
        }

        [[noreturn]] void damaged(std::string_view how) const
        {
            throw file_error(sentence(m_file, " is damaged: ", how));
        }

        std::string_view file() const noexcept { return m_file; }

    private:
        std::span<std::byte const> m_rest;
        std::string_view m_file;
    };
}
