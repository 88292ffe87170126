// The sound track of a video file as samples, at its own rate and with its own channels.
#pragma once

#if defined(GEMMA4_HAS_VIDEO)    // set by gemma4::video, where the libraries are

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>

extern "C"
{
#include <libavutil/samplefmt.h>
}

#include <gemma4/codecs/ffmpeg_stream.hpp>
#include <gemma4/codecs/video_options.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/waveform.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Whole numbers become -1 .. 1 by the power of two of their width.
        template <class Number>
        float sample_at(std::uint8_t const* data, std::size_t i)
        {
            Number value;
            std::memcpy(&value, data + i * sizeof value, sizeof value);
            if constexpr (std::is_same_v<Number, std::uint8_t>) { return (float(value) - 128) / 128; }
            else if constexpr (std::is_integral_v<Number>)
            {
                return float(std::ldexp(double(value), 1 - int(sizeof value * 8)));
            }
            else { return float(value); }
        }

        inline float (*sample_reader(AVSampleFormat packed))(std::uint8_t const*, std::size_t)
        {
            switch (packed)
            {
            case AV_SAMPLE_FMT_U8: return &sample_at<std::uint8_t>;
            case AV_SAMPLE_FMT_S16: return &sample_at<std::int16_t>;
            case AV_SAMPLE_FMT_S32: return &sample_at<std::int32_t>;
            case AV_SAMPLE_FMT_S64: return &sample_at<std::int64_t>;
            case AV_SAMPLE_FMT_FLT: return &sample_at<float>;
            case AV_SAMPLE_FMT_DBL: return &sample_at<double>;
            default: return nullptr;
            }
        }

        inline void append_samples(AVFrame const& frame, waveform& out, std::string const& name)
        {
            auto const format = AVSampleFormat(frame.format);
            auto const read = sample_reader(av_get_packed_sample_fmt(format));
            auto const channels = std::size_t(frame.ch_layout.nb_channels);
            if (!read || channels == 0 || frame.sample_rate <= 0)
            {
                throw file_error(sentence(name, " has a sound track of a kind that is not known"));
            }
            if (out.samples.empty())
            {
                out.rate = std::size_t(frame.sample_rate);
                out.channels = channels;
            }
            if (out.rate != std::size_t(frame.sample_rate) || out.channels != channels)
            {
                throw file_error(
                    sentence(name, " has a sound track whose rate or number of channels changes"));
            }
            bool const planar = av_sample_fmt_is_planar(format) == 1;
            for (std::size_t i = 0; i != std::size_t(frame.nb_samples); ++i)
            {
                for (std::size_t c = 0; c != channels; ++c)
                {
                    out.samples.push_back(planar ? read(frame.extended_data[c], i)
                                                 : read(frame.extended_data[0], i * channels + c));
                }
            }
        }
    }

    // Nothing where the file has no sound. file_error: damaged, or longer than the limit.
    inline std::optional<waveform> read_video_sound(std::filesystem::path const& path,
                                                    video_options const& options = {})
    {
        detail::ffmpeg_stream file(path, AVMEDIA_TYPE_AUDIO, options);
        if (file.index() < 0) { return std::nullopt; }
        file.select();
        waveform out;
        while (auto const* const frame = file.next_frame())
        {
            detail::append_samples(*frame, out, file.name());
            if (out.samples.size() > options.limits.max_sound_samples)
            {
                throw file_error(sentence(file.name(),
                                          " has a sound track of more samples than the limit of ",
                                          options.limits.max_sound_samples));
            }
        }
        if (out.samples.empty()) { return std::nullopt; }
        return out;
    }
}

#endif
