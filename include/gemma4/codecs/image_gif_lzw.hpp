// The pixels of one GIF frame: variable-length LZW codes in sub-blocks, rows perhaps interlaced.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <gemma4/codecs/image_bytes.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Codes of up to 12 bits, lowest bit first, out of sub-blocks (a length byte, then so many bytes).
        class gif_code_reader
        {
        public:
            explicit gif_code_reader(image_byte_reader& reader)
                : m_reader(reader)
            {}

            std::uint32_t next(unsigned bits)
            {
                while (m_count < bits)
                {
                    if (m_block == 0)
                    {
                        m_block = m_reader.byte();
                        continue;
                    }
                    m_bits |= std::uint32_t(m_reader.byte()) << m_count;
                    m_count += 8;
                    --m_block;
                }
                auto const code = m_bits & ((1u << bits) - 1);
                m_bits >>= bits;
                m_count -= bits;
                return code;
            }

        private:
            image_byte_reader& m_reader;
            std::size_t m_block = 0;    // bytes left of the sub-block
            std::uint32_t m_bits = 0;
            unsigned m_count = 0;
        };

        // The strings that codes stand for, as chains from the last byte to the first.
        class gif_string_table
        {
        public:
            static constexpr std::size_t capacity = 4096;

            explicit gif_string_table(unsigned literal_bits)
                : m_literals(1u << literal_bits)
            {
                clear();
            }

            void clear() noexcept { m_next = m_literals + 2; }
            std::uint32_t next() const noexcept { return m_next; }

            void add(std::uint32_t prefix, std::uint8_t last) noexcept
            {
                m_prefix[m_next] = std::uint16_t(prefix);
                m_last[m_next] = last;
                ++m_next;
            }

            // Writes the string of a code, reversed, and returns its length; the last byte written is its
            // first.
            std::size_t reversed(std::uint32_t code, std::uint8_t* out) const noexcept
            {
                std::size_t count = 0;
                for (; code >= m_literals; code = m_prefix[code]) { out[count++] = m_last[code]; }
                out[count++] = std::uint8_t(code);
                return count;
            }

        private:
            std::uint32_t m_literals, m_next = 0;
            std::array<std::uint16_t, capacity> m_prefix{};
            std::array<std::uint8_t, capacity> m_last{};
        };

        // Where the n-th row of a frame goes: every 8th from 0, every 8th from 4, every 4th from 2, every 2nd
        // from 1.
        inline std::vector<std::size_t> interlaced_rows(std::size_t height)
        {
            std::vector<std::size_t> rows;
            for (auto const& [first, step] : {std::array<std::size_t, 2>{0, 8}, {4, 8}, {2, 4}, {1, 2}})
            {
                for (auto row = first; row < height; row += step) { rows.push_back(row); }
            }
            return rows;
        }
    }

    // The palette indices (height, width) of a frame whose code size and data come next in the reader; data
    // behind the last pixel are ignored. file_error for broken codes and for too few of them.
    inline std::vector<std::uint8_t> read_gif_indices(image_byte_reader& reader, std::size_t width,
                                                      std::size_t height, bool interlaced,
                                                      std::string_view name)
    {
        auto const broken = [name](char const* what)
        { return file_error(sentence(name, " has a damaged GIF frame: ", what)); };
        unsigned const literal_bits = reader.byte();
        if (literal_bits > 8) { throw broken("its codes start with more than 8 bits"); }
        // No code stands for more than 4096 pixels and every code has a bit at least.
        if (width * height / (detail::gif_string_table::capacity * 8) > reader.left())
        {
            throw broken("its data are too short for its size");
        }
        std::vector<std::uint8_t> indices(width * height);
        std::size_t count = 0;
        detail::gif_code_reader codes(reader);
        detail::gif_string_table table(literal_bits);
        constexpr std::uint32_t none = ~0u;
        auto const clear = 1u << literal_bits;
        auto bits = literal_bits + 1;
        auto previous = none;
        std::array<std::uint8_t, detail::gif_string_table::capacity + 1> text;
        while (count != indices.size())
        {
            auto const code = codes.next(bits);
            if (code == clear)
            {
                table.clear();
                bits = literal_bits + 1;
                previous = none;
                continue;
            }
            if (code == clear + 1) { throw broken("it ends before its last pixel"); }
            if (code > table.next() || (previous == none && code > clear))
            {
                throw broken("a code is not known yet");
            }

            std::size_t length = 0;
            if (code == table.next() && previous != none)
            {
                // The string being defined: the previous one and its own first byte.
                length = table.reversed(previous, text.data() + 1) + 1;
                text[0] = text[length - 1];
            }
            else { length = table.reversed(code, text.data()); }
            auto const first = text[length - 1];
            if (previous != none && table.next() < detail::gif_string_table::capacity)
            {
                bool const full = table.next() == (1u << bits) - 1;
                table.add(previous, first);
                if (full && bits < 12) { ++bits; }
            }
            previous = code;
            for (; length != 0 && count != indices.size(); --length) { indices[count++] = text[length - 1]; }
        }
        if (!interlaced) { return indices; }

        std::vector<std::uint8_t> ordered(indices.size());
        auto const* from = indices.data();
        for (auto const row : detail::interlaced_rows(height))
        {
            std::copy_n(from, width, ordered.data() + row * width);
            from += width;
        }
        return ordered;
    }
}
