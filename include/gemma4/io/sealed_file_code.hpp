// What io/sealed_file.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include <gemma4/core/checksum.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/sealed_file.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::uint64_t sealed_sum(std::span<std::byte const> bytes) noexcept
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

    GEMMA4_CODE sealed_writer::sealed_writer(std::filesystem::path path, std::string_view magic,
                                             std::uint64_t version)
        : m_file(std::move(path))
    {
        bytes(std::as_bytes(std::span(magic)));
        number(version);
    }

    GEMMA4_CODE void sealed_writer::text(std::string_view value)
    {
        number(value.size());
        bytes(std::as_bytes(std::span(value)));
    }

    GEMMA4_CODE void sealed_writer::bytes(std::span<std::byte const> value)
    {
        while (!value.empty())
        {
            auto const count = std::min(value.size(), sealed_block - m_block.size());
            m_block.insert(m_block.end(), value.begin(), value.begin() + std::ptrdiff_t(count));
            value = value.subspan(count);
            if (m_block.size() == sealed_block) { flush(); }
        }
    }

    GEMMA4_CODE void sealed_writer::finish()
    {
        flush();
        m_file.write(std::as_bytes(std::span(&m_sum, 1)));
        m_file.finish();
    }

    GEMMA4_CODE void sealed_writer::flush()
    {
        if (m_block.empty()) { return; }
        m_sum = checksum(m_block, m_sum);
        m_file.write(m_block);
        m_block.clear();
    }

    GEMMA4_CODE sealed_reader::sealed_reader(std::span<std::byte const> bytes, std::string_view file,
                                             std::string_view magic, std::uint64_t version)
        : m_rest(bytes)
        , m_file(file)
    {
        constexpr std::size_t tail = 8;
        if (bytes.size() < magic.size() + 2 * tail
            || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0)
        {
            throw file_error(sentence(m_file, " does not begin with ", magic.substr(0, magic.find('\n'))));
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

    GEMMA4_CODE std::uint64_t sealed_reader::number()
    {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
        return value;
    }

    GEMMA4_CODE std::uint64_t sealed_reader::number(std::uint64_t most, std::string_view what)
    {
        auto const value = number();
        if (value > most) { damaged(sentence(what, " is ", value, ", expected at most ", most)); }
        return value;
    }

    GEMMA4_CODE std::size_t sealed_reader::count(std::size_t least, std::string_view what)
    {
        return std::size_t(number(m_rest.size() / least, what));
    }

    GEMMA4_CODE std::string_view sealed_reader::text()
    {
        auto const found = bytes(count(1, "the length of a text"));
        return {reinterpret_cast<char const*>(found.data()), found.size()};
    }

    GEMMA4_CODE std::span<std::byte const> sealed_reader::bytes(std::size_t size)
    {
        if (size > m_rest.size()) { damaged("it is too short"); }
        auto const found = m_rest.first(size);
        m_rest = m_rest.subspan(size);
        return found;
    }

    GEMMA4_CODE void sealed_reader::end() const
    {
        if (!m_rest.empty()) { damaged(sentence(m_rest.size(), " bytes are left over")); }
    }

    GEMMA4_CODE void sealed_reader::damaged(std::string_view how) const
    {
        throw file_error(sentence(m_file, " is damaged: ", how));
    }
}
