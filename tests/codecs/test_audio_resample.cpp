// Measured with tones whose resampled form is known: the same tone, sampled at 16 kHz.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/codecs/resample.hpp>

using namespace gemma4;

namespace
{
    double tone_at(double hertz, double seconds)
    {
        return 0.5 * std::sin(2 * std::numbers::pi * hertz * seconds + 0.3);
    }

    std::vector<float> tone(double hertz, std::size_t rate, std::size_t samples)
    {
        std::vector<float> made(samples);
        for (std::size_t i = 0; i != samples; ++i)
        {
            made[i] = float(tone_at(hertz, double(i) / double(rate)));
        }
        return made;
    }

    // Power of `found` - tone, away from the ends where the filter sees the silence outside, in decibels of
    // the tone's.
    double decibels_of_error(std::vector<float> const& found, double hertz)
    {
        double error = 0, power = 0;
        for (std::size_t i = 1600; i + 1600 < found.size(); ++i)
        {
            auto const exact = tone_at(hertz, double(i) / 16000);
            error += std::pow(double(found[i]) - exact, 2);
            power += exact * exact;
        }
        return 10 * std::log10(error / power);
    }

    constexpr bool available =
#if defined(GEMMA4_HAS_SOXR)
        true;
#else
        false;
#endif
}

TEST_CASE("resample: 16 kHz is left as it is, impossible rates are refused")
{
    std::vector<float> const samples{1, 2, 3};
    CHECK(to_16k(samples, 16000) == samples);
    CHECK_THROWS_WITH_AS(to_16k(samples, 0), doctest::Contains("0 Hz"), argument_error);
    CHECK_THROWS_AS(to_16k(samples, 4000000000u), argument_error);
    if (!available)
    {
        CHECK_THROWS_WITH_AS(to_16k(samples, 8000), doctest::Contains("no resampler"), argument_error);
    }
}

TEST_CASE("resample: the length is that of the sound, rounded up" * doctest::skip(!available))
{
    for (std::size_t rate : {1000u, 8000u, 11025u, 22050u, 44100u, 48000u, 96000u, 192000u, 12347u})
    {
        for (std::size_t n : {1u, 2u, 159u, 1000u, 44100u})
        {
            CAPTURE(rate);
            CAPTURE(n);
            CHECK(to_16k(std::vector<float>(n), rate).size() == (n * 16000 + rate - 1) / rate);
        }
    }
    CHECK(to_16k({}, 8000).empty());
}

TEST_CASE("resample: tones of the pass-band come out in place and unchanged, to 140 dB"
          * doctest::skip(!available))
{
    for (std::size_t rate : {11025u, 22050u, 32000u, 44100u, 48000u, 96000u, 12347u})
    {
        auto const most = 0.9125 * double(std::min<std::size_t>(rate, 16000)) / 2;
        for (auto const hertz : {20.0, 997.0, 0.5 * most, most})
        {
            auto const found = to_16k(tone(hertz, rate, rate), rate);
            auto const error = decibels_of_error(found, hertz);
            MESSAGE(rate, " Hz, tone of ", hertz, " Hz: ", error, " dB");
            CHECK(error < -140);
        }
    }
}

TEST_CASE("resample: tones of the stop-band are gone, to 140 dB" * doctest::skip(!available))
{
    for (std::size_t rate : {22050u, 44100u, 48000u, 96000u})
    {
        for (auto const hertz : {8000.0, 8100.0, 9000.0, 10999.0, 15000.0, 21000.0, 40000.0})
        {
            if (hertz > double(rate) / 2 - 20) { continue; }
            auto const found = to_16k(tone(hertz, rate, rate), rate);
            double power = 0;    // of what is left, away from the ends; the tone's is 0.5^2 / 2
            for (std::size_t i = 1600; i + 1600 < found.size(); ++i) { power += double(found[i]) * found[i]; }
            auto const left = 10 * std::log10(power / double(found.size() - 3200) / 0.125);
            MESSAGE(rate, " Hz, tone of ", hertz, " Hz: ", left, " dB");
            CHECK(left < -140);
        }
    }
}
