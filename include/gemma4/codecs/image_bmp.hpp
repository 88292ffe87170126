// Windows and OS/2 bitmaps to RGB: 1, 4, 8, 16, 24 and 32 bits, run-length packed or not, with the masks that
// Pillow takes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <gemma4/codecs/image_bytes.hpp>
#include <gemma4/codecs/image_colors.hpp>
#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        class bmp_reader
        {
        public:
            bmp_reader(std::span<std::byte const> bytes, std::string_view name, image_limits const& limits)
                : m_reader(bytes, name)
                , m_name(name)
                , m_limits(limits)
            {}

            rgb_image read()
            {
                read_header();
                check_image_sides(m_width, m_height, m_name, m_limits);
                if (m_bits <= 8) { read_palette(); }
                // A file that names no place for its pixels has them next.
                if (m_offset != 0) { m_reader.seek(m_offset); }
                rgb_image image{m_width, m_height, {}};
                if (m_packing == rle8 || m_packing == rle4)
                {
                    auto const indices = unpacked();
                    image.pixels.resize(m_width * m_height * 3);
                    for (std::size_t y = 0; y != m_height; ++y)
                    {
                        for (std::size_t x = 0; x != m_width; ++x)
                        {
                            put_on_white(m_palette[indices[y * m_width + x]], pixel(image, x, y));
                        }
                    }
                    return image;
                }
                auto const stride = (m_width * m_bits + 31) / 32 * 4;
                if (m_height > m_reader.left() / stride) { throw broken("its pixels are cut off"); }
                image.pixels.resize(m_width * m_height * 3);
                for (std::size_t y = 0; y != m_height; ++y)
                {
                    auto const* const row =
                        reinterpret_cast<std::uint8_t const*>(m_reader.take(stride).data());
                    for (std::size_t x = 0; x != m_width; ++x) { convert(row, x, pixel(image, x, y)); }
                }
                return image;
            }

        private:
            enum packing : std::size_t
            {
                plain = 0,
                rle8 = 1,
                rle4 = 2,
                masked = 3
            };

            using masks = std::array<std::uint32_t, 4>;    // red, green, blue, alpha

            file_error broken(char const* what) const
            {
                return file_error(sentence(m_name, " is not a readable BMP file: ", what));
            }

            void read_header()
            {
                m_reader.take(10);
                m_offset = m_reader.number(4);
                auto const size = m_reader.number(4);
                constexpr std::array<std::size_t, 7> known{12, 40, 52, 56, 64, 108, 124};
                if (std::find(known.begin(), known.end(), size) == known.end())
                {
                    throw file_error(sentence(m_name, " is a BMP file with a header of ", size,
                                              " bytes; expected 12, 40, 52, 56, 64, 108 or 124"));
                }
                auto const end = m_reader.position() + size - 4;
                std::size_t colors = 0;
                if (size == 12)
                {
                    m_width = m_reader.number(2);
                    m_height = m_reader.number(2);
                    m_reader.number(2);    // planes
                    m_bits = m_reader.number(2);
                    m_color_bytes = 3;
                }
                else
                {
                    m_width = m_reader.number(4);
                    auto const height = m_reader.number(4);
                    m_top_down = height >> 24 == 0xff;    // a negative height
                    m_height = m_top_down ? (std::size_t(1) << 32) - height : height;
                    m_reader.number(2);
                    m_bits = m_reader.number(2);
                    m_packing = m_reader.number(4);
                    m_reader.take(12);    // bytes of pixels, pixels per metre twice
                    colors = m_reader.number(4);
                    m_reader.number(4);    // important colours
                }
                constexpr std::array<std::size_t, 6> depths{1, 4, 8, 16, 24, 32};
                if (std::find(depths.begin(), depths.end(), m_bits) == depths.end())
                {
                    throw file_error(sentence(m_name, " is a BMP file of ", m_bits,
                                              " bits per pixel; expected 1, 4, 8, 16, 24 or 32"));
                }
                read_masks(size);
                m_reader.seek(std::max(end, m_reader.position()));
                m_colors = colors != 0 ? colors : std::size_t(1) << m_bits;
                // Some writers forget the palette in the offset.
                if (m_bits <= 8 && m_offset == 14 + size) { m_offset += m_color_bytes * m_colors; }
            }

            void read_masks(std::size_t header)
            {
                bool const is_packed = m_packing == rle8 || m_packing == rle4;
                if (m_packing > masked || (is_packed && m_bits > 8))
                {
                    throw file_error(sentence(m_name, " is a BMP file of ", m_bits, " bits with compression ",
                                              m_packing, ", which is not read"));
                }
                if (m_bits == 16) { m_masks = {0x7c00, 0x3e0, 0x1f, 0}; }
                else { m_masks = {0xff0000, 0xff00, 0xff, 0}; }
                if (m_packing != masked) { return; }

                masks given{};
                for (std::size_t i = 0; i != (header >= 56 ? 4u : 3u); ++i)
                {
                    given[i] = std::uint32_t(m_reader.number(4));
                }
                constexpr masks rgb16{0xf800, 0x7e0, 0x1f, 0}, rgb15{0x7c00, 0x3e0, 0x1f, 0};
                constexpr masks bgr{0xff0000, 0xff00, 0xff, 0};
                constexpr std::array<masks, 7> of_32{bgr,
                                                     {0xff000000, 0xff0000, 0xff00, 0},
                                                     {0xff000000, 0xff00, 0xff, 0},
                                                     {0xff000000, 0xff0000, 0xff00, 0xff},
                                                     {0xff, 0xff00, 0xff0000, 0xff000000},
                                                     {0xff0000, 0xff00, 0xff, 0xff000000},
                                                     {0xff000000, 0xff00, 0xff, 0xff0000}};
                auto const opaque = masks{given[0], given[1], given[2], 0};
                if (m_bits == 16 && (opaque == rgb16 || opaque == rgb15)) { m_masks = opaque; }
                else if (m_bits == 24 && opaque == bgr) { m_masks = opaque; }
                else if (m_bits == 32 && given == masks{}) { m_masks = {0xff0000, 0xff00, 0xff, 0xff000000}; }
                else if (m_bits == 32 && std::find(of_32.begin(), of_32.end(), given) != of_32.end())
                {
                    m_masks = given;
                }
                else { throw broken("its colour masks are not among the usual ones"); }
            }

            void read_palette()
            {
                if (m_colors > 65536) { throw broken("its palette has more than 65536 colours"); }
                std::size_t i = 0;
                bool is_grey = m_bits == 8 && m_colors != 2;
                for (; i != m_colors && m_reader.left() >= m_color_bytes; ++i)
                {
                    auto const color = m_reader.take(m_color_bytes);
                    for (std::size_t c = 0; c != 3; ++c) { is_grey = is_grey && std::size_t(color[c]) == i; }
                    if (i < 256)
                    {
                        m_palette[i] = {std::uint8_t(color[2]), std::uint8_t(color[1]),
                                        std::uint8_t(color[0]), 255};
                    }
                }
                // Pillow takes a grey ramp, however short, as "no palette": indices behind its end are grey,
                // too.
                for (; is_grey && i < 256; ++i)
                {
                    auto const v = std::uint8_t(i);
                    m_palette[i] = {v, v, v, 255};
                }
            }

            // Of the row that the file names as its y-th.
            std::uint8_t* pixel(rgb_image& image, std::size_t x, std::size_t y) const
            {
                return image.pixels.data() + ((m_top_down ? y : m_height - 1 - y) * m_width + x) * 3;
            }

            static std::uint8_t part(std::uint32_t pixel, std::uint32_t mask)
            {
                if (mask == 0) { return 255; }
                auto const lowest = mask & (~mask + 1);
                return std::uint8_t((pixel & mask) / lowest * 255u / (mask / lowest));
            }

            void convert(std::uint8_t const* row, std::size_t x, std::uint8_t* out) const
            {
                if (m_bits <= 8)
                {
                    auto const bit = x * m_bits;
                    auto const index = row[bit / 8] >> (8 - m_bits - bit % 8) & ((1u << m_bits) - 1);
                    put_on_white(m_palette[index], out);
                    return;
                }
                std::uint32_t value = 0;
                for (std::size_t i = m_bits / 8; i != 0; --i)
                {
                    value = value << 8 | row[x * m_bits / 8 + i - 1];
                }
                put_on_white({part(value, m_masks[0]), part(value, m_masks[1]), part(value, m_masks[2]),
                              part(value, m_masks[3])},
                             out);
            }

            // Run-length packed indices (height, width), in the order of the file. Each step is a count and
            // an index (of 4 bits: two in turn), or a zero and: 0 end of row, 1 end, 2 a skip, n literal
            // indices padded to 16 bits.
            std::vector<std::uint8_t> unpacked()
            {
                bool const nibbles = m_packing == rle4;
                auto const total = m_width * m_height;
                std::vector<std::uint8_t> out;
                std::size_t x = 0;
                while (out.size() < total && m_reader.left() >= 2)
                {
                    auto const count = std::size_t(m_reader.byte());
                    auto const value = m_reader.byte();
                    if (count != 0)
                    {
                        auto const run = std::min(count, m_width - std::min(x, m_width));
                        for (std::size_t i = 0; i != run; ++i)
                        {
                            out.push_back(std::uint8_t(!nibbles     ? value
                                                       : i % 2 == 0 ? value >> 4
                                                                    : value & 15));
                        }
                        x += run;
                    }
                    else if (value == 0)
                    {
                        out.resize((out.size() + m_width - 1) / m_width * m_width);
                        x = 0;
                    }
                    else if (value == 1) { break; }
                    else if (value == 2)
                    {
                        auto const right = m_reader.number(1), down = m_reader.number(1);
                        out.resize(out.size() + std::min(total - out.size(), right + down * m_width));
                        x = out.size() % m_width;
                    }
                    else
                    {
                        auto const literals = std::min<std::size_t>(total - out.size(), value);
                        auto const bytes = m_reader.take(nibbles ? (literals + 1) / 2 : literals);
                        for (std::size_t i = 0; i != literals; ++i)
                        {
                            auto const b = std::uint8_t(bytes[nibbles ? i / 2 : i]);
                            out.push_back(std::uint8_t(!nibbles ? b : i % 2 == 0 ? b >> 4 : b & 15));
                        }
                        x += value;
                        if (m_reader.position() % 2 != 0 && m_reader.left() != 0) { m_reader.byte(); }
                    }
                }
                if (out.size() < total) { throw broken("its pixels are cut off"); }
                return out;
            }

            image_byte_reader m_reader;
            std::string_view m_name;
            image_limits m_limits;
            std::size_t m_offset = 0, m_width = 0, m_height = 0, m_bits = 0, m_packing = plain;
            std::size_t m_colors = 0, m_color_bytes = 4;
            bool m_top_down = false;
            masks m_masks{};
            color_palette m_palette{};
        };
    }

    // An RGB image on white of the bytes of a BMP file; file_error names it.
    inline rgb_image decode_bmp(std::span<std::byte const> bytes, std::string_view name,
                                image_limits const& limits = {})
    {
        return detail::bmp_reader(bytes, name, limits).read();
    }
}
