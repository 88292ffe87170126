// Images, sounds and videos that the command line names.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/api/medium.hpp>
#include <gemma4/cli/console.hpp>
#include <gemma4/cli/options.hpp>
#include <gemma4/codecs/audio_file.hpp>
#include <gemma4/codecs/image.hpp>
#include <gemma4/codecs/read_frames.hpp>
#include <gemma4/codecs/resample.hpp>
#include <gemma4/media/prepare_audio.hpp>

namespace gemma4::inline v0::cli
{
    // At most 30 s of mono sound at 16 kHz.
    inline std::vector<float> read_clip(std::string const& path)
    {
        try
        {
            auto const resample = [](std::span<float const> samples, std::size_t rate)
            { return to_16k(samples, rate); };
            return prepare_audio(read_audio(path), long_audio::error, resample).front();
        }
        catch (argument_error const& wrong)
        {
            throw argument_error(sentence(path, ": ", wrong.what()));
        }
    }

    // Images, sounds, videos, each in the order that they were named.
    inline std::vector<medium> encode_media(media_options const& o, any_model const& model)
    {
        std::vector<medium> media;
        for (auto const& path : o.images)
        {
            media.push_back(
                encode_image(model, read_image(path), o.image_budget.value_or(default_image_budget)));
        }
        for (auto const& path : o.sounds) { media.push_back(encode_audio(model, read_clip(path))); }
        for (auto const& path : o.videos)
        {
            media.push_back(
                encode_video(model, read_frames(path).frames, o.video_budget.value_or(default_video_budget)));
        }
        return media;
    }
}
