// The frames of a video file by their numbers: the file is scanned once, then decoded only where frames are
// wanted.
#pragma once

#if defined(GEMMA4_HAS_VIDEO)    // set by gemma4::video, where the libraries are

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/codecs/ffmpeg_picture.hpp>
#include <gemma4/codecs/ffmpeg_stream.hpp>
#include <gemma4/codecs/video_options.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/function_ref.hpp>
#include <gemma4/media/rgb_image.hpp>
#include <gemma4/media/video_frames.hpp>

namespace gemma4::inline v0
{
    class video_reader
    {
    public:
        // Reads all packets and decodes none. file_error: no video, damaged, above the limits.
        explicit video_reader(std::filesystem::path const& path, video_options options = {})
            : m_options(std::move(options))
            , m_file(path, AVMEDIA_TYPE_VIDEO, m_options)
        {
            if (m_file.index() < 0) { throw file_error(sentence(m_file.name(), " has no video stream")); }
            m_turns = detail::quarter_turns(m_file.stream());
            scan();
        }

        std::size_t total_frames() const noexcept { return m_times.size(); }

        // Frames by the time from the first to the end of the last, as torchcodec counts it; where the file
        // has no times the rate that its header names, else 24.
        double fps() const noexcept { return m_fps; }

        // Calls use(k, image) for the indices[k]-th frame in the order of showing; indices ascend. One that
        // cannot be decoded is the next that can. file_error: there is none, or a frame is above the limit.
        void read(std::span<std::size_t const> indices, function_ref<void(std::size_t, rgb_image&&)> use)
        {
            restart();
            for (std::size_t k = 0; k != indices.size(); ++k)
            {
                if (indices[k] >= m_times.size() || (k != 0 && indices[k] < indices[k - 1]))
                {
                    throw argument_error(
                        sentence("frame ", indices[k], " of a video of ", m_times.size(),
                                 " frames was asked for; expected ascending numbers below that"));
                }
                auto const& frame = frame_at(indices[k]);
                use(k, detail::turned(m_picture.convert(frame, m_file.name()), m_turns));
            }
        }

    private:
        void scan()
        {
            auto const base = m_file.stream().time_base;
            std::int64_t end = 0;
            m_file.select();
            while (auto const* const packet = m_file.next_packet())
            {
                if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0) { continue; }
                if (m_times.size() == m_options.limits.max_frames)
                {
                    throw file_error(sentence(m_file.name(), " has more frames than the limit of ",
                                              m_options.limits.max_frames));
                }
                m_has_times = m_has_times && packet->pts != AV_NOPTS_VALUE;
                auto const time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
                auto const length = std::max<std::int64_t>(packet->duration, 0);
                constexpr auto most = std::int64_t(1) << 61;    // sums and differences of such times fit
                if (time != AV_NOPTS_VALUE && (time > most || time < -most || length > most))
                {
                    throw file_error(sentence(m_file.name(), " has a frame at a time that no clock shows"));
                }
                auto const after = time == AV_NOPTS_VALUE ? time : time + length;
                end = m_times.empty() ? after : std::max(end, after);
                m_times.push_back(time);
                if (m_has_times && (packet->flags & AV_PKT_FLAG_KEY) != 0) { m_keys.push_back(time); }
            }
            if (m_times.empty()) { throw file_error(sentence(m_file.name(), " has no video frame")); }
            std::ranges::sort(m_times);
            std::ranges::sort(m_keys);
            auto const seconds = [base](std::int64_t time) { return double(time) * base.num / base.den; };
            double const length =
                m_times.front() == AV_NOPTS_VALUE ? 0 : seconds(end) - seconds(m_times.front());
            auto const rate = m_file.stream().avg_frame_rate;
            m_fps = std::isfinite(length) && length > 0 ? double(m_times.size()) / length
                    : rate.num > 0 && rate.den > 0      ? double(rate.num) / rate.den
                                                        : default_video_fps;
        }

        void restart()
        {
            m_file.restart();
            m_frame = nullptr;
            m_decoded = 0;
            m_from_start = true;
        }

        AVFrame const& frame_at(std::size_t index)
        {
            if (!m_has_times)    // the k-th that the decoder gives
            {
                while (m_decoded <= index && next()) {}
                return found();
            }
            auto const wanted = m_times[index];
            jump_before(wanted);
            while ((!m_frame || m_frame->pts < wanted) && next()) {}
            if (m_decoded == 1 && !m_from_start && m_frame && m_frame->pts > wanted)
            {
                // The container sought too far.
                m_may_seek = false;
                restart();
                while ((!m_frame || m_frame->pts < wanted) && next()) {}
            }
            return found();
        }

        bool next()
        {
            m_frame = m_file.next_frame();
            m_decoded += m_frame != nullptr;
            return m_frame != nullptr;
        }

        AVFrame const& found() const
        {
            if (!m_frame)
            {
                throw file_error(sentence(m_file.name(), " promises ", m_times.size(),
                                          " frames, but they cannot all be decoded"));
            }
            return *m_frame;
        }

        // To the last key frame that is not after the wanted one, unless decoding on leads there as soon.
        void jump_before(std::int64_t wanted)
        {
            auto const after = std::ranges::upper_bound(m_keys, wanted);
            if (!m_may_seek || after == m_keys.begin()) { return; }
            auto const key = *(after - 1);
            if (m_frame ? key <= m_frame->pts : key == m_keys.front()) { return; }
            if (!m_file.seek(key))
            {
                m_may_seek = false;
                return restart();
            }
            m_frame = nullptr;
            m_decoded = 0;
            m_from_start = false;
        }

        video_options m_options;
        detail::ffmpeg_stream m_file;
        detail::ffmpeg_picture m_picture;
        std::size_t m_turns = 0;
        std::vector<std::int64_t> m_times;    // of the frames, ascending, in the stream's unit
        std::vector<std::int64_t> m_keys;     // of frames that need no other
        bool m_has_times = true;
        double m_fps = 0;

        AVFrame const* m_frame = nullptr;    // the last decoded
        std::size_t m_decoded = 0;           // since the start or the last jump
        bool m_from_start = true, m_may_seek = true;
    };
}

#endif
