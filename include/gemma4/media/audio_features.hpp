// A clip of sound to log-mel features, as Gemma4AudioFeatureExtractor makes them for a batch of one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/math.hpp>
#include <gemma4/media/mel_filters.hpp>
#include <gemma4/media/real_fft.hpp>
#include <gemma4/media/waveform.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t audio_rate = 16000;              // samples per second of every clip
    inline constexpr std::size_t longest_clip = 480000;           // samples: 30 s
    inline constexpr std::size_t shortest_clip = 161;             // samples: fewer give no soft token
    inline constexpr std::size_t samples_of_audio_frame = 320;    // under the window
    inline constexpr std::size_t audio_hop = 160;                 // samples between frames
    inline constexpr std::size_t audio_left_padding = 160;        // zeros before the first sample
    inline constexpr std::size_t audio_length_multiple = 128;     // clips are padded to one with zeros

    // Frames that the extractor returns for a clip: those whose 321 samples (320 and the one after) are in
    // the padded clip.
    constexpr std::size_t audio_frames(std::size_t samples) noexcept
    {
        auto const padded = round_up(samples, audio_length_multiple) + audio_left_padding;
        return padded <= samples_of_audio_frame ? 0 : (padded - samples_of_audio_frame - 1) / audio_hop + 1;
    }

    // Of these, how many are valid: the last of the 321 samples is one of the clip.
    constexpr std::size_t valid_audio_frames(std::size_t samples) noexcept
    {
        auto const padded = samples + audio_left_padding;
        return padded <= samples_of_audio_frame ? 0 : (padded - samples_of_audio_frame - 1) / audio_hop + 1;
    }

    // Soft tokens of so many valid frames: two halvings, each rounded up.
    constexpr std::size_t audio_tokens_of_frames(std::size_t valid_frames) noexcept
    {
        return ceil_div(valid_frames, 4);
    }

    // Soft tokens of a clip of so many samples: 0 below shortest_clip, 750 for 30 s.
    constexpr std::size_t audio_tokens(std::size_t samples) noexcept
    {
        return audio_tokens_of_frames(valid_audio_frames(samples));
    }
    static_assert(audio_tokens(shortest_clip - 1) == 0 && audio_tokens(shortest_clip) == 1);

    // argument_error for a clip that gives no soft token. (The reference's model fails on the features that
    // its extractor makes of it.)
    inline void check_not_too_short(std::size_t samples)
    {
        if (samples >= shortest_clip) { return; }
        throw argument_error(sentence("an audio clip has ", samples, " samples at 16 kHz, expected at least ",
                                      shortest_clip, " (10 ms): fewer give no soft token"));
    }

    // Features of shortest_clip .. longest_clip samples of mono sound at 16 kHz. argument_error for fewer or
    // more, and for samples that are not finite.
    //
    // ln(mel + 0.001), mel being 128 filters over the magnitudes of a 512-point transform of 320 samples
    // times a periodic Hann window. The window and its product are float32 as in the reference, all else is
    // double.
    inline audio_features make_features(std::span<float const> samples)
    {
        check_not_too_short(samples.size());
        if (samples.size() > longest_clip)
        {
            throw argument_error(sentence("an audio clip has ", samples.size(), " samples, expected up to ",
                                          longest_clip, " (30 s at 16 kHz)"));
        }
        for (std::size_t i = 0; i != samples.size(); ++i)
        {
            if (!std::isfinite(samples[i]))
            {
                throw argument_error(sentence("an audio clip has a sample ", i, " that is not finite"));
            }
        }
        static mel_filters const filters(audio_features::bins, real_fft_512::bins, double(audio_rate));
        static std::vector<float> const window = []
        {
            std::vector<float> hann(samples_of_audio_frame);
            for (std::size_t i = 0; i != hann.size(); ++i)
            {
                hann[i] = float(0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(i) / double(hann.size())));
            }
            return hann;
        }();

        audio_features made;
        made.frames = audio_frames(samples.size());
        made.values.resize(made.frames * audio_features::bins);
        made.valid.resize(made.frames);
        auto const valid = valid_audio_frames(samples.size());
        std::fill_n(made.valid.begin(), valid, std::uint8_t(1));
        real_fft_512 transform;
        std::vector<double> frame(real_fft_512::size);
        std::vector<double> spectrum(real_fft_512::bins);
        for (std::size_t f = 0; f != valid; ++f)
        {
            auto const zeros = f * audio_hop < audio_left_padding ? audio_left_padding - f * audio_hop : 0;
            float const* const from = samples.data() + (f * audio_hop + zeros - audio_left_padding);
            std::fill(frame.begin(), frame.end(), 0.0);
            for (auto i = zeros; i != samples_of_audio_frame; ++i)
            {
                float const product = from[i - zeros] * window[i];
                frame[i] = product;
            }
            transform.magnitudes(std::span<double, real_fft_512::size>(frame),
                                 std::span<double, real_fft_512::bins>(spectrum));
            float* const out = made.values.data() + f * audio_features::bins;
            for (std::size_t b = 0; b != audio_features::bins; ++b)
            {
                out[b] = float(std::log(filters.apply(b, spectrum) + 0.001));
            }
        }
        return made;
    }
}
