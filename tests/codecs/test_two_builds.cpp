// The same headers as in a build without the libraries, in one program with the builds that have them: each
// source gets what it was compiled for.
#undef GEMMA4_HAS_SNDFILE
#undef GEMMA4_HAS_SOXR
#undef GEMMA4_HAS_VIDEO

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include <gemma4/codecs/audio_file.hpp>
#include <gemma4/codecs/read_frames.hpp>
#include <gemma4/codecs/resample.hpp>

using namespace gemma4;

static_assert(!reads_all_sound_files && !resamples && !reads_video_files);

TEST_CASE("without the components: what needs them is refused in words, whatever else the program links")
{
    std::string_view const flac = "fLaC\0\0\0\x22 and so on";
    CHECK_THROWS_WITH_AS(read_audio(std::as_bytes(std::span(flac)), "a.flac"),
                         "a.flac is a sound of format FLAC, expected WAV: this build reads no other (the "
                         "component gemma4::audio with libsndfile does)",
                         file_error);
    std::vector<float> const samples(1000);
    CHECK_THROWS_WITH_AS(to_16k(samples, 8000), doctest::Contains("this build has no resampler"),
                         argument_error);
    CHECK_THROWS_AS(prepare_audio_of_any_rate({8000, 1, samples}), argument_error);
    CHECK(to_16k(samples, 16000) == samples);
    auto const path = std::filesystem::temp_directory_path()
                      / ("gemma4-two-builds-" + std::to_string(::getpid()) + ".mp4");
    std::ofstream(path) << "no video";
    CHECK_THROWS_WITH_AS(read_frames(path), doctest::Contains("built without video files"), argument_error);
    std::filesystem::remove(path);
}
