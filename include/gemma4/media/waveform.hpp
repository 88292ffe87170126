// Sound as samples, and as the spectra that the audio tower reads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/view.hpp>

namespace gemma4::inline v0
{
    // Samples of all channels, interleaved, nominally in -1 .. 1.
    struct waveform
    {
        std::size_t rate = 0;    // samples of a channel per second
        std::size_t channels = 1;
        std::vector<float> samples;

        std::size_t frames() const noexcept { return channels == 0 ? 0 : samples.size() / channels; }
    };

    // Log-mel spectra, 10 ms apart.
    struct audio_features
    {
        static constexpr std::size_t bins = 128;

        std::size_t frames = 0;
        std::vector<float> values;          // (frames, bins); frames that are not valid are 0
        std::vector<std::uint8_t> valid;    // (frames): 1, then 0 from the first frame that reads padding

        // The frames that the audio tower reads: (valid frames, bins).
        view<float const> valid_frames() const
        {
            auto const count = std::count(valid.begin(), valid.end(), std::uint8_t(1));
            return {values.data(), std::size_t(count), bins};
        }
    };

    // The mean of the channels, as the reference's loader mixes down (librosa.to_mono). Summed in double in
    // the order of channels. argument_error where there is no channel or the samples do not come in whole
    // frames.
    inline std::vector<float> mono(waveform const& sound)
    {
        auto const channels = sound.channels;
        if (channels == 0 || sound.samples.size() % channels != 0)
        {
            throw argument_error(sentence("a waveform has ", sound.samples.size(), " samples in ", channels,
                                          " channels, expected whole frames of at least 1 channel"));
        }
        if (channels == 1) { return sound.samples; }
        std::vector<float> mixed(sound.frames());
        float const* from = sound.samples.data();
        for (auto& out : mixed)
        {
            double sum = 0;
            for (std::size_t c = 0; c != channels; ++c) { sum += *from++; }
            out = float(sum / double(channels));
        }
        return mixed;
    }
}
