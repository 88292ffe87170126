// Mono sound of any rate to 16 kHz with libsoxr at its very high quality. Component gemma4::audio, which
// defines GEMMA4_HAS_SOXR; without it there is the same function, which throws.
//
// Linear phase, no delay. Pass-band to 0.9125 of half the lower rate (7.3 kHz where that is 16 kHz) without
// the 0.01 dB of roll-off that the library allows by default; stop-band from half the lower rate on. Measured
// by tests/codecs/test_audio_resample.cpp: tones of the pass-band are 144 dB or more above their error, tones
// of the stop-band come out 154 dB or more below what they were. librosa, which the reference loads with,
// uses the same library with 20 bits and the roll-off.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/media/prepare_audio.hpp>
#include <gemma4/media/waveform.hpp>

#if defined(GEMMA4_HAS_SOXR)
#include <soxr.h>
#endif

namespace gemma4::inline v0
{
    // Rates that are resampled, Hz. Beyond them a header is more likely wrong than a recording strange.
    inline constexpr std::size_t lowest_rate = 1000;
    inline constexpr std::size_t highest_rate = 768000;

    namespace detail
    {
        inline void check_rate(std::size_t rate)
        {
            if (rate >= lowest_rate && rate <= highest_rate) { return; }
            throw argument_error(
                sentence("a waveform has ", rate, " Hz, expected ", lowest_rate, " to ", highest_rate));
        }
    }

    // to_16k: ceil(samples * 16000 / rate) samples at 16 kHz. argument_error for a rate outside of
    // lowest_rate .. highest_rate, and, where there is no resampler, for every rate but 16000; capacity_error
    // where memory runs out.
#if defined(GEMMA4_HAS_SOXR)
    inline namespace with_soxr
    {
        inline constexpr bool resamples = true;

        inline std::vector<float> to_16k(std::span<float const> samples, std::size_t rate)
        {
            detail::check_rate(rate);
            if (rate == audio_rate || samples.empty()) { return {samples.begin(), samples.end()}; }
            std::vector<float> made(ceil_div(samples.size() * audio_rate, rate));
            auto const io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
            auto const quality = soxr_quality_spec(SOXR_VHQ, SOXR_ROLLOFF_NONE | SOXR_HI_PREC_CLOCK);
            auto const runtime = soxr_runtime_spec(1);    // one thread: the same bits everywhere
            std::size_t taken = 0, given = 0;
            auto const* const failure =
                soxr_oneshot(double(rate), double(audio_rate), 1, samples.data(), samples.size(), &taken,
                             made.data(), made.size(), &given, &io, &quality, &runtime);
            if (failure)
            {
                throw capacity_error(
                    sentence("resampling ", samples.size(), " samples from ", rate, " Hz failed: ", failure));
            }
            made.resize(given);    // may be one less than asked for
            made.resize(ceil_div(samples.size() * audio_rate, rate), 0.0f);
            return made;
        }
#else
    inline namespace without_soxr
    {
        inline constexpr bool resamples = false;

        inline std::vector<float> to_16k(std::span<float const> samples, std::size_t rate)
        {
            detail::check_rate(rate);
            if (rate == audio_rate || samples.empty()) { return {samples.begin(), samples.end()}; }
            throw argument_error(
                sentence("a waveform has ", rate, " Hz, expected ", audio_rate,
                         ": this build has no resampler (the component gemma4::audio brings one)"));
        }
#endif

        // prepare_audio() of any rate.
        inline std::vector<std::vector<float>> prepare_audio_of_any_rate(waveform const& sound,
                                                                         long_audio policy = long_audio::error)
        {
            return prepare_audio(sound, policy,
                                 [](std::span<float const> samples, std::size_t rate)
                                 { return to_16k(samples, rate); });
        }
    }
}
