#include <cstddef>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/media/prepare_audio.hpp>

using namespace gemma4;

TEST_CASE(
    "prepare_audio: more than 30 s is an error that states length and limit, several clips, or the first")
{
    waveform sound{.rate = 16000, .channels = 2, .samples = std::vector<float>(2 * 1000001)};
    sound.samples[2 * 480000] = 0.5f;
    CHECK_THROWS_WITH_AS(prepare_audio(sound), doctest::Contains("62.5000625 s long (1000001 samples"),
                         argument_error);
    CHECK_THROWS_WITH_AS(prepare_audio(sound), doctest::Contains("30 s (480000 samples)"), argument_error);
    auto const clips = prepare_audio(sound, long_audio::split);
    REQUIRE(clips.size() == 3);
    CHECK(clips[0].size() == 480000);
    CHECK(clips[1].size() == 480000);
    CHECK(clips[2].size() == 40001);
    CHECK(clips[1][0] == 0.25f);
    auto const first = prepare_audio(sound, long_audio::cut);
    REQUIRE(first.size() == 1);
    CHECK(first[0].size() == 480000);
    sound.samples.resize(2 * 480000);
    CHECK(prepare_audio(sound).front().size() == 480000);
}

TEST_CASE("prepare_audio: other rates go through the resampler, and need one")
{
    waveform const sound{.rate = 8000, .channels = 1, .samples = {1, 2, 3}};
    CHECK_THROWS_WITH_AS(prepare_audio(sound), doctest::Contains("8000 Hz, expected 16000"), argument_error);
    auto const twice = [](std::span<float const> samples, std::size_t rate)
    {
        CHECK(rate == 8000);
        std::vector<float> made;
        for (auto const x : samples) { made.insert(made.end(), 2, x); }
        return made;
    };
    CHECK(prepare_audio(sound, long_audio::error, twice).front() == std::vector<float>{1, 1, 2, 2, 3, 3});
    CHECK_THROWS_AS(prepare_audio({.rate = 16000, .channels = 1, .samples = {}}), argument_error);
}
