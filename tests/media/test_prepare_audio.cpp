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
    // A rest that gives no soft token is left out.
    sound.samples.resize(2 * (480000 + 160));
    CHECK(prepare_audio(sound, long_audio::split).size() == 1);
    sound.samples.resize(2 * (480000 + 161));
    REQUIRE(prepare_audio(sound, long_audio::split).size() == 2);
    CHECK(prepare_audio(sound, long_audio::split)[1].size() == 161);
}

TEST_CASE("prepare_audio: other rates go through the resampler, and need one")
{
    waveform sound{.rate = 8000, .channels = 1, .samples = std::vector<float>(81, 0.5f)};
    CHECK_THROWS_WITH_AS(prepare_audio(sound), doctest::Contains("8000 Hz, expected 16000"), argument_error);
    auto const twice = [](std::span<float const> samples, std::size_t rate)
    {
        CHECK(rate == 8000);
        std::vector<float> made;
        for (auto const x : samples) { made.insert(made.end(), 2, x); }
        return made;
    };
    CHECK(prepare_audio(sound, long_audio::error, twice).front() == std::vector<float>(162, 0.5f));
    sound.samples.pop_back();
    CHECK_THROWS_WITH_AS(prepare_audio(sound, long_audio::error, twice), doctest::Contains("160 samples"),
                         argument_error);
}

TEST_CASE("prepare_audio: what gives no soft token is an error that states the samples and the fewest")
{
    for (auto const policy : {long_audio::error, long_audio::split, long_audio::cut})
    {
        for (std::size_t const samples : {0u, 1u, 100u, 159u, 160u})
        {
            waveform const sound{.rate = 16000, .channels = 1, .samples = std::vector<float>(samples)};
            CHECK_THROWS_WITH_AS(
                prepare_audio(sound, policy),
                sentence("an audio clip has ", samples,
                         " samples at 16 kHz, expected at least 161 (10 ms): fewer give no soft token")
                    .c_str(),
                argument_error);
        }
        waveform const sound{.rate = 16000, .channels = 1, .samples = std::vector<float>(161)};
        CHECK(prepare_audio(sound, policy).front().size() == 161);
    }
}
