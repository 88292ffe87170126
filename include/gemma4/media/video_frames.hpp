// A video as the model sees it: pictures with the time at which each is shown.
#pragma once

#include <cstddef>

#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    struct video_frame
    {
        rgb_image image;
        double seconds = 0;    // from the start of the video
    };

    // Of a video, as the reference processor samples.
    inline constexpr std::size_t default_video_frames = 32;
    inline constexpr double default_video_fps = 24;    // where nothing says how fast frames follow each other
}
