// One stream of a media file: its packets in the file's order, decoded to frames.
#pragma once

#if defined(GEMMA4_HAS_VIDEO)    // set by gemma4::video, where the libraries are

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/codecs/ffmpeg_handles.hpp>
#include <gemma4/codecs/video_options.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0::detail
{
    class ffmpeg_stream
    {
    public:
        // file_error: no file, no container of a known kind, no decoder. index() is negative where the file
        // has no stream of the type.
        ffmpeg_stream(std::filesystem::path const& path, AVMediaType type, video_options const& options)
            : m_name(path.string())
            , m_stop(options.stop)
            , m_limits(options.limits)
            , m_packet(ffmpeg_made(av_packet_alloc()))
            , m_frame(ffmpeg_made(av_frame_alloc()))
        {
            std::error_code failure;
            auto const status = std::filesystem::status(path, failure);
            if (!std::filesystem::exists(status)) { throw file_error(sentence(m_name, " does not exist")); }
            if (!std::filesystem::is_regular_file(status))
            {
                throw file_error(sentence(m_name, " is not a regular file; expected a video"));
            }
            open();
            if (int const code = find_streams(); code < 0)
            {
                ffmpeg_failure(m_name, "holds no streams that can be read", code);
            }
            AVCodec const* codec = nullptr;
            m_index = av_find_best_stream(m_format.get(), type, -1, -1, &codec, 0);
            if (m_index == AVERROR_DECODER_NOT_FOUND)
            {
                throw file_error(sentence(m_name, " is coded in a way that this FFmpeg has no decoder for"));
            }
            if (m_index < 0) { return; }
            m_codec = ffmpeg_made(avcodec_alloc_context3(codec));
            if (int const code = avcodec_parameters_to_context(m_codec.get(), stream().codecpar); code < 0)
            {
                ffmpeg_failure(m_name, "names a decoder it cannot be read with", code);
            }
            m_codec->pkt_timebase = stream().time_base;
            m_codec->max_pixels = std::int64_t(options.limits.max_pixels);
            m_codec->max_samples = most_samples_of_frame;
            m_codec->thread_count = int(options.threads);
            if (int const code = avcodec_open2(m_codec.get(), codec, nullptr); code < 0)
            {
                ffmpeg_failure(m_name, "cannot be decoded", code);
            }
        }

        std::string const& name() const noexcept { return m_name; }
        int index() const noexcept { return m_index; }
        AVStream& stream() const noexcept { return *m_format->streams[m_index]; }
        AVCodecContext& codec() const noexcept { return *m_codec; }

        // The next packet of the stream; nullptr at the end of the file. cancelled_error when the host asked
        // to stop.
        AVPacket const* next_packet()
        {
            for (;;)
            {
                if (m_stop.stop_requested())
                {
                    throw cancelled_error(sentence("reading ", m_name, " was cancelled"));
                }
                av_packet_unref(m_packet.get());
                int const code = av_read_frame(m_format.get(), m_packet.get());
                if (code == AVERROR_EOF) { return nullptr; }
                if (code < 0) { ffmpeg_failure(m_name, "cannot be read to its end", code); }
                if (m_packet->stream_index == m_index) { return m_packet.get(); }
            }
        }

        // The next decoded frame; nullptr after the last.
        AVFrame const* next_frame()
        {
            for (;;)
            {
                int const code = avcodec_receive_frame(m_codec.get(), m_frame.get());
                if (code == 0) { return m_frame.get(); }
                if (code == AVERROR_EOF) { return nullptr; }
                if (code != AVERROR(EAGAIN)) { ffmpeg_failure(m_name, "cannot be decoded", code); }
                int const sent = avcodec_send_packet(m_codec.get(), next_packet());
                if (sent < 0 && sent != AVERROR_EOF) { ffmpeg_failure(m_name, "cannot be decoded", sent); }
            }
        }

        // Back to the first packet.
        void restart()
        {
            m_format.reset();
            open();
            if (int const code = find_streams();
                code < 0 || m_index >= int(m_format->nb_streams))
            {
                ffmpeg_failure(m_name, "cannot be read twice", code < 0 ? code : AVERROR_INVALIDDATA);
            }
            select();
            if (m_codec) { avcodec_flush_buffers(m_codec.get()); }
        }

        // To the packet with that time, or one before it as the container knows them. False: it cannot.
        bool seek(std::int64_t time)
        {
            if (av_seek_frame(m_format.get(), m_index, time, AVSEEK_FLAG_BACKWARD) < 0) { return false; }
            avcodec_flush_buffers(m_codec.get());
            return true;
        }

        // Leaves the packets of other streams in the file.
        void select()
        {
            for (unsigned i = 0; i != m_format->nb_streams; ++i)
            {
                if (int(i) != m_index) { m_format->streams[i]->discard = AVDISCARD_ALL; }
            }
        }

    private:
        // Containers of one file, read as a file: a playlist that names others is none of them.
        void open()
        {
            AVFormatContext* format = avformat_alloc_context();
            if (!format) { throw capacity_error("FFmpeg found no memory for a file"); }
            AVDictionary* settings = nullptr;
            av_dict_set(&settings, "protocol_whitelist", "file", 0);
            av_dict_set(&settings, "format_whitelist",
                        "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,apng,ivf,nut,"
                        "yuv4mpegpipe,mxf,3gp",
                        0);
            int const code = avformat_open_input(&format, ("file:" + m_name).c_str(), nullptr, &settings);
            av_dict_free(&settings);
            if (code < 0) { ffmpeg_failure(m_name, "cannot be opened as a video", code); }
            m_format.reset(format);
        }

        // FFmpeg decodes a first frame of streams that their headers do not describe in full: within the
        // limits. Streams that a container without a header (FLV, MPEG-PS) names later only have FFmpeg's
        // own. file_error where a header is above them already.
        int find_streams()
        {
            for (unsigned i = 0; i != m_format->nb_streams; ++i)
            {
                auto const& is = *m_format->streams[i]->codecpar;
                if (is.width > 0 && is.height > 0
                    && std::size_t(is.height) > m_limits.max_pixels / std::size_t(is.width))
                {
                    throw file_error(sentence(m_name, " is a video of ", is.width, " x ", is.height,
                                              " pixels; the limit is ", m_limits.max_pixels, " pixels"));
                }
            }
            std::vector<AVDictionary*> settings(m_format->nb_streams);
            for (auto& each : settings)
            {
                av_dict_set_int(&each, "max_pixels", std::int64_t(m_limits.max_pixels), 0);
                av_dict_set_int(&each, "max_samples", most_samples_of_frame, 0);
            }
            int const code = avformat_find_stream_info(m_format.get(), settings.data());
            for (auto& each : settings) { av_dict_free(&each); }
            return code;
        }

        static constexpr std::int64_t most_samples_of_frame = std::int64_t(1) << 22;    // of a channel

        ffmpeg_silence m_silence;
        std::string m_name;
        std::stop_token m_stop;
        video_limits m_limits;
        ffmpeg_owned<AVFormatContext> m_format;
        ffmpeg_owned<AVCodecContext> m_codec;
        ffmpeg_owned<AVPacket> m_packet;
        ffmpeg_owned<AVFrame> m_frame;
        int m_index = -1;
    };
}

#endif
