// Any waveform to clips that the audio tower takes: mono, 16 kHz, at most 30 s each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/function_ref.hpp>
#include <gemma4/media/audio_features.hpp>
#include <gemma4/media/waveform.hpp>

namespace gemma4::inline v0
{
    // What to do with more than 30 s of sound.
    enum class long_audio : std::uint8_t
    {
        error,    // refuse it
        split,    // several clips, all but the last of 30 s; a rest below shortest_clip is left out
        cut       // the first 30 s, as the reference's extractor does
    };

    // Mono samples and their rate -> samples at 16 kHz (codecs/resample.hpp).
    using resampler = function_ref<std::vector<float>(std::span<float const> samples, std::size_t rate)>;

    // argument_error where there are fewer samples than shortest_clip, or more than 30 s and the policy is
    // `error`.
    inline std::vector<std::vector<float>> clips_of(std::vector<float> samples, long_audio policy)
    {
        check_not_too_short(samples.size());
        if (samples.size() > longest_clip && policy == long_audio::error)
        {
            throw argument_error(sentence("an audio clip is ", double(samples.size()) / double(audio_rate),
                                          " s long (", samples.size(), " samples at 16 kHz), the limit is ",
                                          longest_clip / audio_rate, " s (", longest_clip, " samples)"));
        }
        std::vector<std::vector<float>> clips;
        if (samples.size() <= longest_clip || policy == long_audio::cut)
        {
            samples.resize(std::min(samples.size(), longest_clip));
            clips.push_back(std::move(samples));
            return clips;
        }
        for (std::size_t first = 0; first + shortest_clip <= samples.size(); first += longest_clip)
        {
            auto const count = std::min(longest_clip, samples.size() - first);
            auto const from = samples.begin() + std::ptrdiff_t(first);
            clips.emplace_back(from, from + std::ptrdiff_t(count));
        }
        return clips;
    }

    // One clip; several for `split` only. argument_error as clips_of and mono.
    inline std::vector<std::vector<float>> prepare_audio(waveform const& sound, long_audio policy,
                                                         resampler resample)
    {
        auto samples = mono(sound);
        if (sound.rate != audio_rate) { samples = resample(samples, sound.rate); }
        return clips_of(std::move(samples), policy);
    }

    // The same without a resampler: argument_error where the rate is not 16 kHz.
    inline std::vector<std::vector<float>> prepare_audio(waveform const& sound,
                                                         long_audio policy = long_audio::error)
    {
        return prepare_audio(sound, policy,
                             [](std::span<float const>, std::size_t rate) -> std::vector<float>
                             {
                                 throw argument_error(sentence("a waveform has ", rate, " Hz, expected ",
                                                               audio_rate,
                                                               ": this build has no resampler (the component "
                                                               "gemma4::audio brings one)"));
                             });
    }
}
