// Reading an image file whole, and its numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    // file_error when the path is no regular file, cannot be read or is larger than the limit.
    inline std::vector<std::byte> read_image_bytes(std::filesystem::path const& path,
                                                   image_limits const& limits)
    {
        std::error_code failure;
        auto const status = std::filesystem::status(path, failure);
        if (!std::filesystem::exists(status))
        {
            throw file_error(sentence(path.string(), " does not exist"));
        }
        if (!std::filesystem::is_regular_file(status))
        {
            throw file_error(sentence(path.string(), " is not a regular file; expected an image"));
        }
        auto const size = std::filesystem::file_size(path, failure);
        if (failure)
        {
            throw file_error(sentence(path.string(), " cannot be examined: ", failure.message()));
        }
        if (size > limits.max_file_bytes)
        {
            throw file_error(sentence(path.string(), " has ", std::size_t(size),
                                      " bytes; the limit for an image is ", limits.max_file_bytes));
        }
        std::vector<std::byte> bytes(static_cast<std::size_t>(size));
        std::ifstream file(path, std::ios::binary);
        if (!file.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(bytes.size())))
        {
            throw file_error(sentence(path.string(), " cannot be read"));
        }
        return bytes;
    }

    // Little-endian numbers of a file, read in order; file_error naming it when the bytes run out.
    class image_byte_reader
    {
    public:
        image_byte_reader(std::span<std::byte const> bytes, std::string_view name)
            : m_bytes(bytes)
            , m_name(name)
        {}

        std::size_t position() const noexcept { return m_position; }
        std::size_t left() const noexcept { return m_bytes.size() - m_position; }

        // May go behind the end: the next read fails then.
        void seek(std::size_t position) noexcept
        {
            m_position = position < m_bytes.size() ? position : m_bytes.size();
        }

        std::span<std::byte const> take(std::size_t count)
        {
            if (count > left())
            {
                throw file_error(sentence(m_name, " ends at byte ", m_bytes.size(), ", where ", count,
                                          " more bytes were expected at byte ", m_position));
            }
            auto const part = m_bytes.subspan(m_position, count);
            m_position += count;
            return part;
        }

        std::size_t number(std::size_t bytes)
        {
            auto const part = take(bytes);
            std::size_t value = 0;
            for (std::size_t i = bytes; i != 0; --i) { value = value << 8 | std::size_t(part[i - 1]); }
            return value;
        }

        std::uint8_t byte() { return std::uint8_t(number(1)); }

    private:
        std::span<std::byte const> m_bytes;
        std::string_view m_name;
        std::size_t m_position = 0;
    };
}
