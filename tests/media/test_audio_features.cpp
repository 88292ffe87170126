#include <algorithm>
#include <cmath>
#include <complex>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <support/audio_signals.hpp>

#include <gemma4/media/audio_features.hpp>

using namespace gemma4;

namespace
{
    std::filesystem::path const folder = std::filesystem::path(GEMMA4_TEST_DATA) / "media";

    std::vector<float> stored_values()
    {
        auto const path = folder / "audio_features.f32";
        std::vector<float> values(std::filesystem::file_size(path) / sizeof(float));
        std::ifstream(path, std::ios::binary)
            .read(reinterpret_cast<char*>(values.data()), std::streamsize(values.size() * sizeof(float)));
        return values;
    }
}

TEST_CASE(
    "audio features: equal to the reference's extractor on silence, constants, clipping, noise and mixtures")
{
    std::ifstream file(folder / "audio_features.json");
    auto const cases = nlohmann::json::parse(file);
    auto const expected = stored_values();
    std::size_t at = 0, made = 0;
    double worst = 0;
    for (auto const& c : cases)
    {
        auto const kind = c["kind"].get<std::string>();
        auto const samples = c["samples"].get<std::size_t>();
        CAPTURE(kind);
        CAPTURE(samples);
        if (samples < shortest_clip)
        {
            CHECK(c["tokens"] == 0);
            CHECK(audio_tokens(samples) == 0);
            CHECK_THROWS_AS(make_features(gemma4_test::audio_signal(kind, samples)), argument_error);
            at += c["stored"].size() * audio_features::bins;
            continue;
        }
        ++made;
        auto const found = make_features(gemma4_test::audio_signal(kind, samples));
        REQUIRE(found.frames == c["frames"].get<std::size_t>());
        REQUIRE(found.values.size() == found.frames * audio_features::bins);
        auto const valid = std::size_t(std::count(found.valid.begin(), found.valid.end(), 1));
        CHECK(valid == c["valid"].get<std::size_t>());
        CHECK(audio_tokens(samples) == c["tokens"].get<std::size_t>());
        auto const largest = std::max(c["largest"].get<double>(), 1e-30);
        for (auto const frame : c["stored"].get<std::vector<std::size_t>>())
        {
            for (std::size_t b = 0; b != audio_features::bins; ++b, ++at)
            {
                auto const difference =
                    std::abs(double(found.values[frame * audio_features::bins + b]) - double(expected[at]));
                CHECK(difference <= 1e-6 * largest);
                worst = std::max(worst, difference / largest);
            }
        }
    }
    CHECK(at == expected.size());
    CHECK(made == 12);
    MESSAGE("largest difference as a share of the largest value: ", worst);
}

TEST_CASE("audio features: padded frames are zero and come last")
{
    for (std::size_t samples : {161u, 257u, 4000u, 38560u})
    {
        auto const found = make_features(gemma4_test::audio_signal("noise", samples));
        CHECK(std::is_sorted(found.valid.rbegin(), found.valid.rend()));
        CHECK(found.valid_frames().rows == valid_audio_frames(samples));
        for (std::size_t f = 0; f != found.frames; ++f)
        {
            auto const from = found.values.begin() + std::ptrdiff_t(f * audio_features::bins);
            CHECK(std::all_of(from, from + audio_features::bins, [](float v) { return v == 0.0f; })
                  == (found.valid[f] == 0));
        }
    }
}

TEST_CASE("audio features: numbers of frames and tokens follow from cutting windows of 321 samples, at every "
          "length")
{
    // The statement of the rule, window by window: the clip padded to a multiple of 128, 160 zeros before it.
    std::size_t wrong = 0;
    for (std::size_t n = 1; n <= 480000; n = n < 5000 ? n + 1 : n + 89)
    {
        auto const padded = (n + 127) / 128 * 128 + 160;
        std::size_t frames = 0, valid = 0;
        for (std::size_t first = 0; first + 321 <= padded; first += 160)
        {
            ++frames;
            valid += first + 320 < 160 + n;
        }
        std::size_t tokens = 0;    // every second of every second
        for (std::size_t f = 0; f < valid; f += 4) { ++tokens; }
        wrong += audio_frames(n) != frames || valid_audio_frames(n) != valid || audio_tokens(n) != tokens;
    }
    CHECK(wrong == 0);
    CHECK(audio_tokens(38560) == 60);
    CHECK(audio_tokens(48000) == 75);
    CHECK(audio_tokens(48800) == 76);
    CHECK(audio_tokens(99360) == 155);
    CHECK(audio_tokens(480000) == 750);
}

TEST_CASE("audio features: no samples, more than 30 s and what is not finite are refused with the numbers")
{
    CHECK_THROWS_WITH_AS(make_features({}), doctest::Contains("0 samples"), argument_error);
    std::vector<float> const samples(480001);
    CHECK_THROWS_WITH_AS(make_features(samples), doctest::Contains("480001 samples"), argument_error);
    std::vector<float> broken(200);
    broken[2] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH_AS(make_features(broken), doctest::Contains("sample 2"), argument_error);
}

TEST_CASE("real_fft_512: magnitudes of a transform written as its sum")
{
    auto const samples = gemma4_test::audio_signal("noise", 512);
    std::vector<double> x(samples.begin(), samples.end());
    std::vector<double> found(real_fft_512::bins);
    real_fft_512 transform;
    transform.magnitudes(std::span<double, 512>(x), std::span<double, 257>(found));
    for (std::size_t k = 0; k != 257; ++k)
    {
        std::complex<double> sum = 0;
        for (std::size_t n = 0; n != 512; ++n)
        {
            sum += double(samples[n]) * std::polar(1.0, -2 * std::numbers::pi * double(n * k % 512) / 512);
        }
        CHECK(found[k] == doctest::Approx(std::abs(sum)).epsilon(1e-12));
    }
}
