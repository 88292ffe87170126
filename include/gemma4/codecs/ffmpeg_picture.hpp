// Decoded video frames to upright RGB.
//
// As torchcodec does, the decoder that the reference's video processor uses: swscale to RGB24 with the
// frame's own matrix and range, then the quarter turn that the file's display matrix asks for. PyAV and
// torchvision leave that turn out.
#pragma once

#if defined(GEMMA4_HAS_VIDEO)    // set by gemma4::video, where the libraries are

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

extern "C"
{
#include <libavutil/display.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
}

#include <gemma4/codecs/ffmpeg_handles.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0::detail
{
    // Quarter turns clockwise, 0 to 3, that make the stream's frames upright.
    inline std::size_t quarter_turns(AVStream const& stream)
    {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
        auto const* const side = av_packet_side_data_get(
            stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
        std::uint8_t const* const bytes =
            side && side->size >= 9 * sizeof(std::int32_t) ? side->data : nullptr;
#else
        std::size_t size = 0;
        std::uint8_t const* bytes = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
        if (size < 9 * sizeof(std::int32_t)) { bytes = nullptr; }
#endif
        if (!bytes) { return 0; }
        std::int32_t matrix[9];
        std::copy_n(bytes, sizeof matrix, reinterpret_cast<std::uint8_t*>(matrix));
        // Counter-clockwise; NaN where the matrix is singular.
        auto const degrees = av_display_rotation_get(matrix);
        if (!std::isfinite(degrees)) { return 0; }
        return (4 - std::size_t(std::lround(degrees / 90) + 4) % 4) % 4;
    }

    inline rgb_image turned(rgb_image image, std::size_t quarters)
    {
        if (quarters == 0) { return image; }
        bool const lies = quarters % 2 == 1;
        auto const width = image.width, height = image.height;
        rgb_image out{lies ? height : width, lies ? width : height, {}};
        out.pixels.resize(image.pixels.size());
        for (std::size_t y = 0; y != height; ++y)
        {
            for (std::size_t x = 0; x != width; ++x)
            {
                auto const column = quarters == 1 ? height - 1 - y : quarters == 2 ? width - 1 - x : y;
                auto const row = quarters == 1 ? x : quarters == 2 ? height - 1 - y : width - 1 - x;
                std::copy_n(image.pixels.data() + (y * width + x) * 3, 3,
                            out.pixels.data() + (row * out.width + column) * 3);
            }
        }
        return out;
    }

    class ffmpeg_picture
    {
    public:
        // file_error names the file.
        rgb_image convert(AVFrame const& frame, std::string const& name)
        {
            auto const width = frame.width, height = frame.height;
            auto const format = AVPixelFormat(frame.format);
            if (width <= 0 || height <= 0)
            {
                throw file_error(sentence(name, " holds a frame without pixels"));
            }
            m_scaler.reset(sws_getCachedContext(m_scaler.release(), width, height, format, width, height,
                                                AV_PIX_FMT_RGB24, SWS_BILINEAR, nullptr, nullptr, nullptr));
            if (!m_scaler)
            {
                throw file_error(sentence(name, " holds pixels that FFmpeg cannot convert to RGB"));
            }
            set_colours(frame);

            // swscale may write behind the end of a row, so into FFmpeg's own padded rows first.
            auto const rgb = ffmpeg_made(av_frame_alloc());
            rgb->format = AV_PIX_FMT_RGB24;
            rgb->width = width;
            rgb->height = height;
            if (av_frame_get_buffer(rgb.get(), 0) < 0)
            {
                throw capacity_error(
                    sentence(name, ": no memory for a frame of ", width, " x ", height, " pixels"));
            }
            if (int const rows = sws_scale(m_scaler.get(), frame.data, frame.linesize, 0, height, rgb->data,
                                           rgb->linesize);
                rows < 0)
            {
                ffmpeg_failure(name, "holds a frame that cannot be converted to RGB", rows);
            }
            rgb_image out{std::size_t(width), std::size_t(height), {}};
            auto const row = out.width * 3;
            out.pixels.resize(row * out.height);
            for (std::size_t y = 0; y != out.height; ++y)
            {
                std::copy_n(rgb->data[0] + std::ptrdiff_t(y) * rgb->linesize[0], row,
                            out.pixels.data() + y * row);
            }
            return out;
        }

    private:
        void set_colours(AVFrame const& frame)
        {
            int* source = nullptr;
            int* target = nullptr;
            int source_range = 0, target_range = 0, brightness = 0, contrast = 0, saturation = 0;
            sws_getColorspaceDetails(m_scaler.get(), &source, &source_range, &target, &target_range,
                                     &brightness, &contrast, &saturation);
            auto const* const matrix = sws_getCoefficients(frame.colorspace);
            sws_setColorspaceDetails(m_scaler.get(), matrix,
                                     frame.color_range == AVCOL_RANGE_JPEG ? 1 : source_range, matrix,
                                     target_range, brightness, contrast, saturation);
        }

        ffmpeg_owned<SwsContext> m_scaler;
    };
}

#endif
