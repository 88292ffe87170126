// Video files through FFmpeg's libraries, in this process. Link gemma4::video; without it these functions say
// so.
//
// Sampling, rate and times are those of the reference's video processor on its decoder (torchcodec): `frames`
// frames, the k-th with the number floor(k * total / frames), shown at number / fps.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <gemma4/codecs/video_options.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/sample_frames.hpp>
#include <gemma4/media/video_frames.hpp>
#include <gemma4/media/waveform.hpp>

#if defined(GEMMA4_HAS_VIDEO)
#include <gemma4/codecs/ffmpeg_sound.hpp>
#include <gemma4/codecs/ffmpeg_video.hpp>
#endif

namespace gemma4::inline v0
{
#if defined(GEMMA4_HAS_VIDEO)
    inline namespace with_video
    {
        inline constexpr bool reads_video_files = true;

        // The sampled frames. argument_error as in the reference when the video has fewer than
        // options.frames; file_error when it is damaged or above the limits. At most one frame that is not
        // shown is in memory.
        inline video_clip read_video(std::filesystem::path const& path, video_options const& options = {})
        {
            video_reader reader(path, options);
            auto const total = reader.total_frames();
            video_clip clip{{}, total, reader.fps()};
            auto const indices = [&]
            {
                try
                {
                    return sampled_indices(total, options.frames);
                }
                catch (argument_error const& e)
                {
                    throw argument_error(sentence(path.string(), ": ", e.what()));
                }
            }();
            std::size_t pixels = 0;
            reader.read(indices,
                        [&](std::size_t k, rgb_image&& image)
                        {
                            pixels += image.width * image.height;
                            if (pixels > options.limits.max_shown_pixels)
                            {
                                throw file_error(sentence(path.string(),
                                                          " holds more pixels than the limit of ",
                                                          options.limits.max_shown_pixels, " in its first ",
                                                          k + 1, " sampled frames"));
                            }
                            clip.frames.push_back({std::move(image), double(indices[k]) / clip.fps});
                        });
            return clip;
        }
    }
#else
    namespace detail
    {
        [[noreturn]] inline void refuse_video(std::filesystem::path const& path)
        {
            throw argument_error(sentence(
                path.string(), ": this program was built without video files; install FFmpeg's libraries "
                               "(libavcodec, libavformat, libavutil, libswscale) and link gemma4::video, or "
                               "give a folder of frames or an animated GIF"));
        }
    }

    inline namespace without_video
    {
        inline constexpr bool reads_video_files = false;

        // argument_error that says how to build with the component.
        inline video_clip read_video(std::filesystem::path const& path, video_options const& = {})
        {
            detail::refuse_video(path);
        }

        inline std::optional<waveform> read_video_sound(std::filesystem::path const& path,
                                                        video_options const& = {})
        {
            detail::refuse_video(path);
        }
    }
#endif
}
