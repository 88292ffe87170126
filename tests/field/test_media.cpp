// Pictures and sounds that people have: read as the reference's loaders read them, or refused in a sentence.
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "support/audio_signals.hpp"
#include "support/program.hpp"
#include "support/tiny_models.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/session.hpp>
#include <gemma4/codecs/audio_file.hpp>
#include <gemma4/media/prepare_audio.hpp>

using namespace gemma4;
using namespace gemma4_test;
using arguments = std::vector<std::string>;

namespace
{
    program_result gemma(arguments const& given) { return run_program(given); }

    std::string model() { return tiny_checkpoint("tiny_e2b", "media", {}).string(); }

    std::string sound(std::string const& name) { return (data() / "field" / "audio" / name).string(); }

    std::string content(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    bool has(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }
}

TEST_CASE("line 6: a sound too short for a soft token is refused by every command")
{
    auto const out = (scratch() / "short.npy").string();
    for (auto const& [file, samples] : {std::pair{"one_sample.wav", "1"}, {"100_samples.wav", "100"}})
    {
        for (auto const& command : {arguments{"encode", "--out", out},
                                    {"encode", "--stage", "features", "--out", out},
                                    {"generate", "--prompt", "Go", "--max-tokens", "2"},
                                    {"logits", "--prompt", "Go", "--out", out},
                                    {"run", "--prompt", "Go"}})
        {
            auto given = command;
            given.insert(given.end(), {"--model", model(), "--audio", sound(file)});
            auto const r = gemma(given);
            CAPTURE(r.err);
            CHECK(r.status == 1);
            CHECK(has(r.err, std::string("an audio clip has ") + samples
                                 + " samples at 16 kHz, expected at least 161"));
            CHECK(has(r.err, file));
            CHECK_FALSE(std::filesystem::exists(out));
        }
    }
}

TEST_CASE("line 6: a medium without a soft token is refused by everything that takes one")
{
    using E = engine<tiny_e2b, all_modalities<tiny_e2b>, any_format, exact>;
    auto const e = E::load(model(), one_thread());
    for (std::size_t const samples : {0u, 1u, 159u, 160u})
    {
        std::vector<float> const clip(samples, 0.25f);
        CHECK_THROWS_AS(make_features(clip), argument_error);
        CHECK_THROWS_AS(encode_audio(e, clip), argument_error);
        CHECK_THROWS_AS(prepare_audio({16000, 1, clip}), argument_error);
    }
    CHECK(encode_audio(e, audio_signal("noise", 161))->item.soft_tokens == std::vector<std::size_t>{1});
    CHECK_THROWS_AS(e.encode(audio_features{}), argument_error);
    CHECK_THROWS_AS(e.encode(audio_features{1, std::vector<float>(128), {0}}), argument_error);
    CHECK_THROWS_AS(e.encode(audio_features{2, std::vector<float>(128), {1, 1}}), argument_error);
    CHECK_THROWS_AS(e.encode(image_patches{}), argument_error);
    CHECK_THROWS_AS(encode_image(e, rgb_image{}), argument_error);
    CHECK_THROWS_AS(encode_image(e, rgb_image{0, 5, {}}), argument_error);
    CHECK_THROWS_AS(encode_video(e, {}), argument_error);
    CHECK_THROWS_AS(encode_video(e, std::vector<video_frame>{{rgb_image{}, 0}}), argument_error);

    // One that a host made by itself.
    auto const nothing = std::make_shared<encoded_medium const>(encoded_medium{
        {media_kind::audio, {0}, {}}, {std::make_shared<soft_tokens const>(soft_tokens{0, 96, {}})}});
    std::vector<medium> const media{nothing};
    CHECK_THROWS_WITH_AS(encode(raw_prompt("Go", items_of(media), e.tokens()), items_of(media), e.tokens(),
                                special_tokens::recognise),
                         "media 0 (sound) has 0 soft tokens, expected at least 1", argument_error);
    media_prompt const empty{{2, 3}, {{.first = 1, .count = 0}}};
    CHECK_THROWS_AS((void)with_media(empty, media), argument_error);
    media_prompt const longer{{2, 3}, {{.first = 1, .count = 1}}};
    CHECK_THROWS_AS((void)with_media(longer, media), argument_error);
    CHECK_THROWS_AS((void)with_media(longer, {}), argument_error);
}

TEST_CASE("line 9: WAV files from pipes are read whole, whatever length their writer put")
{
    auto const expected = read_audio(sound("ok_plain.wav"));
    REQUIRE(expected.samples.size() == 1600);
    auto const out = scratch() / "pipe.npy";
    auto const features = [&](std::string const& name)
    {
        auto const r = gemma({"encode", "--stage", "features", "--model", model(), "--audio", sound(name),
                              "--out", out.string()});
        CHECK(r.status == 0);
        return content(out);
    };
    auto const plain = features("ok_plain.wav");
    REQUIRE(!plain.empty());
    for (auto const* const name :
         {"pipe_2e9.wav", "pipe_7ffff000.wav", "pipe_7fffffff.wav", "pipe_ffffffdb.wav"})
    {
        CAPTURE(name);
        CHECK(read_audio(sound(name)).samples == expected.samples);
        CHECK(features(name) == plain);
    }
}

TEST_CASE("line 13: HEIC and AVIF images are named in their error")
{
    using namespace std::string_literals;
    auto const out = (scratch() / "heic.npy").string();
    for (auto const& [format, brands] :
         {std::pair{"HEIC"s, "heic\0\0\0\0mif1heic"s}, {"AVIF"s, "avif\0\0\0\0avifmif1"s}})
    {
        auto const path = (scratch() / ("photo." + format)).string();
        std::ofstream(path, std::ios::binary) << "\0\0\0\x18"s
                                              << "ftyp" << brands << std::string(100, '\1');
        auto const r = gemma({"encode", "--model", model(), "--image", path, "--out", out});
        CHECK(r.status == 1);
        CAPTURE(r.err);
        CHECK(has(r.err, path + " is an image of format " + format
                             + ", which is not read; expected PNG, JPEG, WebP, GIF or BMP"));
    }
}
