// FFmpeg's objects with owners, its failures as sentences, and its messages kept off the host's error stream.
#pragma once

#if defined(GEMMA4_HAS_VIDEO)    // set by gemma4::video, where the libraries are

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

extern "C"
{
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/error.h>
#include <libavutil/log.h>
#include <libswscale/swscale.h>
}

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0::detail
{
    struct ffmpeg_deleter
    {
        void operator()(AVFormatContext* p) const noexcept { avformat_close_input(&p); }
        void operator()(AVCodecContext* p) const noexcept { avcodec_free_context(&p); }
        void operator()(AVPacket* p) const noexcept { av_packet_free(&p); }
        void operator()(AVFrame* p) const noexcept { av_frame_free(&p); }
        void operator()(SwsContext* p) const noexcept { sws_freeContext(p); }
    };

    template <class T>
    using ffmpeg_owned = std::unique_ptr<T, ffmpeg_deleter>;

    // file_error: NAME WHAT: FFmpeg's reason
    [[noreturn]] inline void ffmpeg_failure(std::string_view name, std::string_view what, int code)
    {
        char reason[AV_ERROR_MAX_STRING_SIZE] = {};
        av_strerror(code, reason, sizeof reason);
        throw file_error(sentence(name, " ", what, ": ", std::string_view(reason)));
    }

    template <class T>
    ffmpeg_owned<T> ffmpeg_made(T* p)
    {
        if (!p) { throw capacity_error("FFmpeg found no memory for a decoder"); }
        return ffmpeg_owned<T>(p);
    }

    // FFmpeg logs to stderr unless its process-wide level says otherwise: quiet while one of these lives, the
    // host's level afterwards.
    class ffmpeg_silence
    {
    public:
        ffmpeg_silence()
        {
            std::lock_guard const lock(s_mutex);
            if (s_count++ == 0)
            {
                s_level = av_log_get_level();
                av_log_set_level(AV_LOG_QUIET);
            }
        }

        ffmpeg_silence(ffmpeg_silence const&) = delete;
        ffmpeg_silence& operator=(ffmpeg_silence const&) = delete;

        ~ffmpeg_silence()
        {
            std::lock_guard const lock(s_mutex);
            if (--s_count == 0) { av_log_set_level(s_level); }
        }

    private:
        static inline std::mutex s_mutex;
        static inline std::size_t s_count = 0;
        static inline int s_level = 0;
    };
}

#endif
