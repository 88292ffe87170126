// What is asked of a video file, what it may ask for, and what comes out of it.
#pragma once

#include <cstddef>
#include <stop_token>
#include <vector>

#include <gemma4/media/video_frames.hpp>

namespace gemma4::inline v0
{
    struct video_limits
    {
        std::size_t max_pixels = std::size_t(1) << 26;           // of one frame
        std::size_t max_shown_pixels = std::size_t(1) << 29;     // of the frames that are kept together
        std::size_t max_frames = std::size_t(1) << 24;           // of the file
        std::size_t max_drawn_pixels = std::size_t(1) << 34;     // of all frames of an animation, to find times
        std::size_t max_sound_samples = std::size_t(1) << 28;    // of all channels together
    };

    struct video_options
    {
        // Sampled from a file; the limit for a folder and an animation.
        std::size_t frames = default_video_frames;
        video_limits limits{};
        std::size_t threads = 1;    // of the decoder; 0: as many as FFmpeg thinks best
        std::stop_token stop{};     // asked before every frame; cancelled_error
    };

    struct video_clip
    {
        std::vector<video_frame> frames;    // those that are shown, ascending
        std::size_t total = 0;              // frames of the video
        double fps = 0;                     // of the video on the average; 0: the times were given
    };
}
