// Which frames of a video are shown to the model.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/media/video_frames.hpp>

namespace gemma4::inline v0
{
    // The indices floor(k * total / frames), k = 0 .. frames - 1 (transformers: default_sample_indices_fn).
    // argument_error as there when the video has fewer frames than asked for, and when none are.
    inline std::vector<std::size_t> sampled_indices(std::size_t total,
                                                    std::size_t frames = default_video_frames)
    {
        if (frames == 0) { throw argument_error("0 frames of a video were asked for; expected at least 1"); }
        if (total < frames)
        {
            throw argument_error(sentence(frames, " frames of a video were asked for, but it has ", total,
                                          "; ask for fewer frames"));
        }
        std::vector<std::size_t> indices(frames);
        for (std::size_t k = 0; k != frames; ++k)    // the product k * total might not fit
        {
            indices[k] = k * (total / frames) + k * (total % frames) / frames;
        }
        return indices;
    }

    // For frames that a host, a folder or an animation gives one by one: all of them up to the limit, sampled
    // above it. argument_error when there is no frame, or none may be shown.
    inline std::vector<std::size_t> shown_indices(std::size_t total, std::size_t limit = default_video_frames)
    {
        if (total == 0) { throw argument_error("a video has no frame; expected at least 1"); }
        return sampled_indices(total, total < limit ? total : limit);
    }

    // The frames that are shown.
    inline std::vector<video_frame> shown_frames(std::vector<video_frame> frames,
                                                 std::size_t limit = default_video_frames)
    {
        auto const indices = shown_indices(frames.size(), limit);
        for (std::size_t k = 0; k != indices.size();
             ++k)    // indices[k] >= k: nothing is overwritten before it moved
        {
            if (indices[k] != k) { frames[k] = std::move(frames[indices[k]]); }
        }
        frames.erase(frames.begin() + std::ptrdiff_t(indices.size()), frames.end());
        return frames;
    }
}
