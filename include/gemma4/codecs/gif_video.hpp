// An animated GIF as a video. Link gemma4::image.
//
// The reference has no GIF reader of its own: its video decoder (FFmpeg) would demand 32 frames and take
// index / average rate for the times. Here an animation is frames given one by one: all are shown up to the
// limit, sampled above it, each at the sum of the delays before it, which is the same time wherever all
// delays are equal.
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/codecs/image_bytes.hpp>
#include <gemma4/codecs/image_gif.hpp>
#include <gemma4/codecs/image_limits.hpp>
#include <gemma4/codecs/video_options.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/sample_frames.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Hundredths of a second. Less than two count as ten, as in FFmpeg and in browsers.
        inline std::size_t gif_delay(double seconds)
        {
            auto const hundredths = std::size_t(seconds * 100 + 0.5);
            return hundredths < 2 ? 10 : hundredths;
        }
    }

    // file_error: no GIF, damaged, above the limits. The file is decoded twice, so that no frame is kept that
    // is not shown.
    inline video_clip read_gif_video(std::filesystem::path const& path, video_options const& options = {})
    {
        auto const name = path.string();
        image_limits const limits{.max_pixels = options.limits.max_pixels};
        auto const bytes = read_image_bytes(path, limits);
        std::vector<double> times;
        std::size_t hundredths = 0, drawn = 0;
        for (gif_reader reader(bytes, name, limits); reader.next();)
        {
            if (options.stop.stop_requested())
            {
                throw cancelled_error(sentence("reading ", name, " was cancelled"));
            }
            drawn += reader.canvas().width * reader.canvas().height;
            if (times.size() == options.limits.max_frames || drawn > options.limits.max_drawn_pixels)
            {
                throw file_error(sentence(name, " has more frames than the limits of ",
                                          options.limits.max_frames, " frames and ",
                                          options.limits.max_drawn_pixels, " drawn pixels allow"));
            }
            times.push_back(double(hundredths) / 100);
            hundredths += detail::gif_delay(reader.seconds());
        }
        if (times.empty()) { throw file_error(sentence(name, " is a GIF file without an image")); }

        auto const indices = shown_indices(times.size(), options.frames);
        video_clip clip{{}, times.size(), 0};
        std::size_t pixels = 0, index = 0;
        for (gif_reader reader(bytes, name, limits); clip.frames.size() != indices.size() && reader.next();
             ++index)
        {
            if (index != indices[clip.frames.size()]) { continue; }
            pixels += reader.canvas().width * reader.canvas().height;
            if (pixels > options.limits.max_shown_pixels)
            {
                throw file_error(sentence(name, " holds more pixels than the limit of ",
                                          options.limits.max_shown_pixels, " in the frames that are shown"));
            }
            clip.frames.push_back({reader.canvas(), times[index]});
        }
        return clip;
    }
}
