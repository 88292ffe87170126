// PNG files to RGB with libpng: every depth and colour type, palette and transparency, interlaced or not.
//
// libpng reports an error by a call that must not return; ours jumps back to guarded(), over frames that hold
// nothing to destroy.
#pragma once

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <png.h>

#include <gemma4/codecs/image_colors.hpp>
#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/codecs/image_orientation.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        class png_reader
        {
        public:
            png_reader(std::span<std::byte const> bytes, std::string_view name)
                : m_bytes(bytes)
                , m_name(name)
            {
                m_png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &png_reader::fail,
                                               &png_reader::ignore);
                if (m_png) { m_info = png_create_info_struct(m_png); }
                if (!m_info)
                {
                    png_destroy_read_struct(&m_png, nullptr, nullptr);
                    throw capacity_error(sentence("libpng has no memory to read ", name));
                }
            }

            png_reader(png_reader const&) = delete;
            png_reader& operator=(png_reader const&) = delete;
            ~png_reader() { png_destroy_read_struct(&m_png, &m_info, nullptr); }

            rgb_image read(image_limits const& limits)
            {
                read_header(limits);
                rgb_image image{m_width, m_height, {}};
                image.pixels.resize(m_width * m_height * 3);
                if (m_passes == 1)
                {
                    std::vector<std::uint8_t> row(m_row_bytes);
                    for (std::size_t y = 0; y != m_height; ++y)
                    {
                        guarded([&] { png_read_row(m_png, row.data(), nullptr); });
                        convert(row.data(), image.pixels.data() + y * m_width * 3);
                    }
                }
                else
                {
                    std::vector<std::uint8_t> rows(m_row_bytes * m_height);
                    guarded(
                        [&]
                        {
                            for (int pass = 0; pass != m_passes; ++pass)
                            {
                                for (std::size_t y = 0; y != m_height; ++y)
                                {
                                    png_read_row(m_png, rows.data() + y * m_row_bytes, nullptr);
                                }
                            }
                        });
                    for (std::size_t y = 0; y != m_height; ++y)
                    {
                        convert(rows.data() + y * m_row_bytes, image.pixels.data() + y * m_width * 3);
                    }
                }
                return upright(std::move(image), orientation());
            }

        private:
            static void fail(png_structp png, png_const_charp message)
            {
                auto& self = *static_cast<png_reader*>(png_get_error_ptr(png));
                std::strncpy(self.m_message, message, sizeof self.m_message - 1);
                std::longjmp(self.m_back, 1);
            }

            static void ignore(png_structp, png_const_charp) {}

            static void next_bytes(png_structp png, png_bytep out, std::size_t count)
            {
                auto& self = *static_cast<png_reader*>(png_get_io_ptr(png));
                if (count > self.m_bytes.size() - self.m_position)
                {
                    png_error(png, "the file ends too early");
                }
                std::memcpy(out, self.m_bytes.data() + self.m_position, count);
                self.m_position += count;
            }

            // False when libpng failed in the action, which must call nothing but libpng and hold nothing to
            // destroy.
            template <class Action>
            bool succeeds(Action const& action)
            {
                if (setjmp(m_back) != 0) { return false; }
                action();
                return true;
            }

            template <class Action>
            void guarded(Action const& action)
            {
                if (!succeeds(action))
                {
                    throw file_error(sentence(m_name, " is not a readable PNG file: ", m_message));
                }
            }

            void read_header(image_limits const& limits)
            {
                guarded(
                    [&]
                    {
                        png_set_read_fn(m_png, this, &png_reader::next_bytes);
                        png_set_user_limits(m_png, 0x7fffffff, 0x7fffffff);
                        png_set_chunk_cache_max(m_png, 64);
                        png_set_chunk_malloc_max(m_png, limits.max_metadata_bytes / 64);
                        // Colour profiles are not applied and need not be unpacked.
                        png_set_keep_unknown_chunks(m_png, PNG_HANDLE_CHUNK_NEVER,
                                                    reinterpret_cast<png_const_bytep>("iCCP\0sPLT\0hIST"), 3);
                        png_read_info(m_png, m_info);
                    });
                m_width = png_get_image_width(m_png, m_info);
                m_height = png_get_image_height(m_png, m_info);
                m_depth = png_get_bit_depth(m_png, m_info);
                m_type = png_get_color_type(m_png, m_info);
                check_image_sides(m_width, m_height, m_name, limits);
                check_content(png_get_rowbytes(m_png, m_info));
                read_palette();
                guarded(
                    [&]
                    {
                        png_set_packing(m_png);    // a byte per pixel of 1, 2 or 4 bits
                        m_passes = png_set_interlace_handling(m_png);
                        png_read_update_info(m_png, m_info);
                        m_row_bytes = png_get_rowbytes(m_png, m_info);
                    });
            }

            // Deflate packs at most 1032 bytes into one, so a header that promises more is not worth an
            // allocation.
            void check_content(std::size_t row_bytes) const
            {
                if (row_bytes * m_height / 1040 > m_bytes.size())
                {
                    throw file_error(sentence(m_name, " is a PNG file of ", m_bytes.size(),
                                              " bytes, too few for ", m_width, " x ", m_height, " pixels"));
                }
            }

            void read_palette()
            {
                png_colorp colors = nullptr;
                int count = 0;
                if (png_get_PLTE(m_png, m_info, &colors, &count) != 0)
                {
                    for (int i = 0; i < std::min(count, 256); ++i)
                    {
                        m_palette[std::size_t(i)] = {colors[i].red, colors[i].green, colors[i].blue, 255};
                    }
                }
                png_bytep alphas = nullptr;
                png_color_16p color = nullptr;
                if (png_get_tRNS(m_png, m_info, &alphas, &count, &color) == 0) { return; }
                if (m_type == PNG_COLOR_TYPE_PALETTE)
                {
                    for (int i = 0; alphas && i < std::min(count, 256); ++i)
                    {
                        m_palette[std::size_t(i)].alpha = alphas[i];
                    }
                }
                else if (color && (m_type == PNG_COLOR_TYPE_GRAY || m_type == PNG_COLOR_TYPE_RGB))
                {
                    // Pillow compares converted pixels with the low byte of the colour as stored, whatever
                    // the depth; only of one bit is it widened.
                    m_has_transparent = true;
                    auto const grey = m_depth == 1 ? (color->gray != 0 ? 255 : 0) : color->gray;
                    bool const is_grey = m_type == PNG_COLOR_TYPE_GRAY;
                    m_transparent[0] = std::uint8_t(is_grey ? grey : color->red);
                    m_transparent[1] = std::uint8_t(is_grey ? grey : color->green);
                    m_transparent[2] = std::uint8_t(is_grey ? grey : color->blue);
                }
            }

            // A row as libpng gives it to RGB: of 16 bits the upper 8, but of 16-bit grey the value cut at
            // 255.
            void convert(std::uint8_t const* in, std::uint8_t* out) const
            {
                auto const bytes = m_depth == 16 ? 2u : 1u;
                auto const step = m_row_bytes / m_width;
                for (std::size_t x = 0; x != m_width; ++x, in += step, out += 3)
                {
                    switch (m_type)
                    {
                    case PNG_COLOR_TYPE_GRAY: put_grey(grey(in), out); break;
                    case PNG_COLOR_TYPE_PALETTE: put_on_white(m_palette[*in], out); break;
                    case PNG_COLOR_TYPE_GRAY_ALPHA: put_grey(on_white(in[0], in[bytes]), out); break;
                    case PNG_COLOR_TYPE_RGB_ALPHA:
                        put_on_white({in[0], in[bytes], in[2 * bytes], in[3 * bytes]}, out);
                        break;
                    default:
                        out[0] = in[0];
                        out[1] = in[bytes];
                        out[2] = in[2 * bytes];
                    }
                    if (m_has_transparent && std::memcmp(out, m_transparent, 3) == 0) { put_grey(255, out); }
                }
            }

            std::uint8_t grey(std::uint8_t const* in) const
            {
                if (m_depth == 16) { return in[0] != 0 ? std::uint8_t(255) : in[1]; }
                return std::uint8_t(*in * (255 / ((1 << m_depth) - 1)));
            }

            // Chunks behind the pixels count, too; damaged ones do not matter any more.
            std::size_t orientation()
            {
                succeeds([&] { png_read_end(m_png, m_info); });
                png_uint_32 size = 0;
                png_bytep data = nullptr;
                std::span<std::byte const> exif;
                if (png_get_eXIf_1(m_png, m_info, &size, &data) != 0)
                {
                    exif = std::as_bytes(std::span(data, size));
                }

                std::vector<std::byte> profile;
                std::string_view xmp;
                png_textp texts = nullptr;
                int count = 0;
                png_get_text(m_png, m_info, &texts, &count);
                for (int i = 0; i < count; ++i)
                {
                    std::string_view const key = texts[i].key ? texts[i].key : "";
                    std::string_view const text = texts[i].text ? texts[i].text : "";
                    if (key == "XML:com.adobe.xmp") { xmp = text; }
                    if (key == "Raw profile type exif" && exif.empty()) { profile = raw_profile(text); }
                }
                return image_orientation(exif.empty() ? profile : exif, xmp);
            }

            // ImageMagick's way to store EXIF in a text: an empty line, a name, a length, then hexadecimal
            // digits.
            static std::vector<std::byte> raw_profile(std::string_view text)
            {
                for (int lines = 0; lines != 3; ++lines)
                {
                    auto const end = text.find('\n');
                    if (end == text.npos) { return {}; }
                    text.remove_prefix(end + 1);
                }
                std::vector<std::byte> out;
                int high = -1;
                for (char const c : text)
                {
                    int const digit = c >= '0' && c <= '9'   ? c - '0'
                                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                             : -1;
                    if (digit < 0) { continue; }
                    if (high < 0) { high = digit; }
                    else
                    {
                        out.push_back(std::byte(high * 16 + digit));
                        high = -1;
                    }
                }
                return out;
            }

            std::span<std::byte const> m_bytes;
            std::string_view m_name;
            std::size_t m_position = 0;
            std::jmp_buf m_back;
            char m_message[160] = {};
            png_structp m_png = nullptr;
            png_infop m_info = nullptr;
            std::size_t m_width = 0, m_height = 0, m_row_bytes = 0;
            int m_depth = 0, m_type = 0, m_passes = 1;
            color_palette m_palette{};
            bool m_has_transparent = false;
            std::uint8_t m_transparent[3] = {};
        };
    }

    // An upright RGB image on white of the bytes of a PNG file; file_error names it.
    inline rgb_image decode_png(std::span<std::byte const> bytes, std::string_view name,
                                image_limits const& limits = {})
    {
        return detail::png_reader(bytes, name).read(limits);
    }
}
