// JPEG files to RGB with libjpeg-turbo: grey, YCbCr, RGB, CMYK and YCCK, baseline and progressive, upright by
// EXIF.
//
// libjpeg reports an error by a call that must not return; ours jumps back to guarded(), over frames that
// hold nothing to destroy.
#pragma once

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// clang-format off
#include <jpeglib.h>    // before jerror.h, whose numbers depend on it
#include <jerror.h>
// clang-format on

#include <gemma4/codecs/image_colors.hpp>
#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/codecs/image_orientation.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        class jpeg_reader
        {
        public:
            jpeg_reader(std::span<std::byte const> bytes, std::string_view name, image_limits const& limits)
                : m_bytes(bytes)
                , m_name(name)
                , m_limits(limits)
            {
                m_jpeg.err = jpeg_std_error(&m_errors);
                m_jpeg.client_data = this;
                m_errors.error_exit = &jpeg_reader::fail;
                m_errors.emit_message = &jpeg_reader::warn;
                m_errors.output_message = [](j_common_ptr) {};
                m_monitor.progress_monitor = &jpeg_reader::watch;
                guarded([&] { jpeg_create_decompress(&m_jpeg); });
                m_jpeg.progress = &m_monitor;
            }

            jpeg_reader(jpeg_reader const&) = delete;
            jpeg_reader& operator=(jpeg_reader const&) = delete;
            ~jpeg_reader() { jpeg_destroy_decompress(&m_jpeg); }

            rgb_image read()
            {
                guarded(
                    [&]
                    {
                        jpeg_mem_src(&m_jpeg, reinterpret_cast<unsigned char const*>(m_bytes.data()),
                                     static_cast<unsigned long>(m_bytes.size()));
                        jpeg_save_markers(&m_jpeg, JPEG_APP0 + 1, 0xffff);
                        jpeg_read_header(&m_jpeg, TRUE);
                    });
                rgb_image image{m_jpeg.image_width, m_jpeg.image_height, {}};
                check_image_sides(image.width, image.height, m_name, m_limits);
                check_content(image.width, image.height);
                auto const components = std::size_t(m_jpeg.num_components);
                if (components != 1 && components != 3 && components != 4)
                {
                    throw file_error(sentence(m_name, " is a JPEG file of ", components,
                                              " components; expected 1, 3 or 4"));
                }
                auto const turn = orientation();
                m_jpeg.out_color_space = components == 1   ? JCS_GRAYSCALE
                                         : components == 3 ? JCS_RGB
                                                           : JCS_CMYK;
                guarded([&] { jpeg_start_decompress(&m_jpeg); });
                image.pixels.resize(image.width * image.height * 3);
                std::vector<std::uint8_t> row(image.width * components);
                for (std::size_t y = 0; y != image.height; ++y)
                {
                    auto* line = row.data();
                    guarded([&] { jpeg_read_scanlines(&m_jpeg, &line, 1); });
                    convert(row, components, image.pixels.data() + y * image.width * 3);
                }
                return upright(std::move(image), turn);
            }

        private:
            static jpeg_reader& self(j_common_ptr jpeg)
            {
                return *static_cast<jpeg_reader*>(jpeg->client_data);
            }

            static void fail(j_common_ptr jpeg)
            {
                jpeg->err->format_message(jpeg, self(jpeg).m_message);
                std::longjmp(self(jpeg).m_back, 1);
            }

            // libjpeg would go on behind the end of the file with grey; all other damage it passes over.
            static void warn(j_common_ptr jpeg, int level)
            {
                if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) { fail(jpeg); }
            }

            // A small file may hold very many scans of a large image, each as slow as an image.
            static void watch(j_common_ptr jpeg)
            {
                auto& it = self(jpeg);
                if (jpeg->is_decompressor && it.m_jpeg.input_scan_number > int(it.m_limits.max_scans))
                {
                    std::snprintf(it.m_message, sizeof it.m_message, "it has more than %zu scans",
                                  it.m_limits.max_scans);
                    std::longjmp(it.m_back, 1);
                }
            }

            // The action must call nothing but libjpeg and hold nothing to destroy.
            template <class Action>
            void guarded(Action const& action)
            {
                if (setjmp(m_back) != 0)
                {
                    throw file_error(sentence(m_name, " is not a readable JPEG file: ", m_message));
                }
                action();
            }

            // Huffman coding takes at least a bit for each block of 8 x 8, so a header that promises more is
            // not worth an allocation.
            void check_content(std::size_t width, std::size_t height) const
            {
                if (m_jpeg.arith_code == FALSE && width / 8 * (height / 8) / 8 > m_bytes.size())
                {
                    throw file_error(sentence(m_name, " is a JPEG file of ", m_bytes.size(),
                                              " bytes, too few for ", width, " x ", height, " pixels"));
                }
            }

            std::size_t orientation() const
            {
                using namespace std::string_view_literals;
                constexpr auto exif_mark = "Exif\0\0"sv, xmp_mark = "http://ns.adobe.com/xap/1.0/\0"sv;
                std::vector<std::byte> exif;    // of all its segments
                std::string_view xmp;
                for (auto const* marker = m_jpeg.marker_list; marker; marker = marker->next)
                {
                    std::string_view const data(reinterpret_cast<char const*>(marker->data),
                                                marker->data_length);
                    if (data.starts_with(exif_mark))
                    {
                        auto const part = std::as_bytes(std::span(data.substr(exif_mark.size())));
                        exif.insert(exif.end(), part.begin(), part.end());
                    }
                    else if (data.starts_with(xmp_mark)) { xmp = data.substr(xmp_mark.size()); }
                }
                return image_orientation(exif, xmp);
            }

            static void convert(std::vector<std::uint8_t> const& row, std::size_t components,
                                std::uint8_t* out)
            {
                if (components == 3)
                {
                    std::copy(row.begin(), row.end(), out);
                    return;
                }
                for (auto const* in = row.data(); in != row.data() + row.size(); in += components, out += 3)
                {
                    if (components == 1) { put_grey(*in, out); }
                    else    // stored inverted, as Adobe's programs write it and as Pillow takes it always
                    {
                        put_cmyk(std::uint8_t(255 - in[0]), std::uint8_t(255 - in[1]),
                                 std::uint8_t(255 - in[2]), std::uint8_t(255 - in[3]), out);
                    }
                }
            }

            std::span<std::byte const> m_bytes;
            std::string_view m_name;
            image_limits m_limits;
            std::jmp_buf m_back;
            char m_message[JMSG_LENGTH_MAX] = {};
            jpeg_error_mgr m_errors{};
            jpeg_progress_mgr m_monitor{};
            jpeg_decompress_struct m_jpeg{};
        };
    }

    // An upright RGB image of the bytes of a JPEG file; file_error names it.
    inline rgb_image decode_jpeg(std::span<std::byte const> bytes, std::string_view name,
                                 image_limits const& limits = {})
    {
        return detail::jpeg_reader(bytes, name, limits).read();
    }
}
