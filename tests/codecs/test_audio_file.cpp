// The files are written here with libsndfile itself; WAV files are read twice, by us and by it.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/codecs/audio_file.hpp>

using namespace gemma4;

namespace
{
    std::vector<std::byte> bytes_of(std::string const& text)
    {
        std::vector<std::byte> made(text.size());
        std::memcpy(made.data(), text.data(), text.size());
        return made;
    }
}

TEST_CASE("read_audio: formats by their first bytes")
{
    auto const name = [](std::string const& text) { return audio_format_name(bytes_of(text)); };
    CHECK(name("RIFF1234WAVEfmt ") == "WAV");
    CHECK(name("fLaC") == "FLAC");
    CHECK(name("OggS") == "Ogg");
    CHECK(name("ID3\3") == "MP3");
    CHECK(name("\xff\xfb\x90") == "MP3");
    CHECK(name(std::string("\0\0\0\x20"
                           "ftypM4A ",
                           12))
          == "MP4");
    CHECK(name("") == "unknown");
    CHECK(name("RIFF1234AVI ") == "unknown");
}

TEST_CASE("read_audio: what is no sound file is an error that names file and format")
{
    CHECK_THROWS_WITH_AS(read_audio(bytes_of("hello, this is text"), "a.mp3"), doctest::Contains("a.mp3"),
                         file_error);
    CHECK_THROWS_WITH_AS(read_audio(bytes_of(std::string("\0\0\0\x20"
                                                         "ftypM4A ",
                                                         12)),
                                    "a.m4a"),
                         doctest::Contains("MP4"), file_error);
    CHECK_THROWS_AS(read_audio(std::span<std::byte const>(), "a"), file_error);
#if !defined(GEMMA4_HAS_SNDFILE)
    CHECK_THROWS_WITH_AS(read_audio(bytes_of("fLaC...."), "a.flac"), doctest::Contains("expected WAV"),
                         file_error);
#endif
}

#if defined(GEMMA4_HAS_SNDFILE)
namespace
{
    struct written_file
    {
        std::vector<std::byte> bytes;
        std::size_t at = 0;
    };

    SF_VIRTUAL_IO const memory_io{
        [](void* self) { return sf_count_t(static_cast<written_file*>(self)->bytes.size()); },
        [](sf_count_t offset, int whence, void* self)
        {
            auto& f = *static_cast<written_file*>(self);
            auto const base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? f.at : f.bytes.size();
            f.at = std::size_t(sf_count_t(base) + offset);
            return sf_count_t(f.at);
        },
        [](void* to, sf_count_t count, void* self)
        {
            auto& f = *static_cast<written_file*>(self);
            auto const n = std::min(std::size_t(count), f.bytes.size() - std::min(f.at, f.bytes.size()));
            if (n != 0) { std::memcpy(to, f.bytes.data() + f.at, n); }
            f.at += n;
            return sf_count_t(n);
        },
        [](void const* from, sf_count_t count, void* self)
        {
            auto& f = *static_cast<written_file*>(self);
            f.bytes.resize(std::max(f.bytes.size(), f.at + std::size_t(count)));
            std::memcpy(f.bytes.data() + f.at, from, std::size_t(count));
            f.at += std::size_t(count);
            return count;
        },
        [](void* self) { return sf_count_t(static_cast<written_file*>(self)->at); },
    };

    constexpr int channels = 2;
    constexpr int rate = 44100;

    // Two different tones, exact in 16 bits.
    std::vector<float> music()
    {
        std::vector<float> made(std::size_t(rate * channels));
        for (std::size_t i = 0; i != made.size(); ++i)
        {
            auto const t = double(i / 2) / rate;
            auto const x = 0.5 * std::sin((i % 2 == 0 ? 2764.6 : 4398.2) * t);
            made[i] = float(std::round(x * 32768) / 32768);
        }
        return made;
    }

    std::vector<std::byte> write(int format, std::vector<float> const& samples)
    {
        written_file file;
        auto io = memory_io;
        SF_INFO info{};
        info.samplerate = rate;
        info.channels = channels;
        info.format = format;
        auto* const out = sf_open_virtual(&io, SFM_WRITE, &info, &file);
        if (!out) { return {}; }
        sf_command(out, SFC_SET_CLIPPING, nullptr, SF_TRUE);
        sf_writef_float(out, samples.data(), sf_count_t(samples.size() / channels));
        sf_close(out);
        return std::move(file.bytes);
    }
}

TEST_CASE("read_audio: FLAC and AIFF bring every sample back")
{
    auto const samples = music();
    for (int const format : {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_24,
                             SF_FORMAT_AIFF | SF_FORMAT_PCM_16})
    {
        auto const file = write(format, samples);
        REQUIRE(!file.empty());
        auto const sound = read_audio(file, "a.flac");
        CHECK(sound.rate == rate);
        CHECK(sound.channels == channels);
        CHECK(sound.samples == samples);
        auto damaged = file;
        damaged.resize(file.size() / 2);
        try
        {
            CHECK(read_audio(damaged, "a.flac").samples.size() < samples.size());
        }
        catch (file_error const& failure)
        {
            CHECK(std::string(failure.what()).find("a.flac") != std::string::npos);
        }
    }
}

TEST_CASE("read_audio: Ogg Vorbis, Ogg Opus and MP3 sound like what was written")
{
    auto const samples = music();
    for (int const format : {SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III})
    {
        auto const file = write(format, samples);
        CAPTURE(format);
        if (file.empty())
        {
            MESSAGE("this libsndfile cannot write format ", format);
            continue;
        }
        auto const sound = read_audio(file, "a.ogg");
        CHECK(sound.rate == rate);
        REQUIRE(sound.channels == channels);
        CHECK(std::abs(double(sound.frames()) - rate) < 4000);    // codecs pad
        double best = 1e9;
        for (std::size_t delay = 0; delay != 3000; ++delay)
        {
            double error = 0, power = 0;
            for (std::size_t i = 20000; i != 24000; ++i)
            {
                error += std::pow(sound.samples[(i + delay) * 2] - samples[i * 2], 2);
                power += std::pow(samples[i * 2], 2);
            }
            best = std::min(best, error / power);
        }
        CHECK(best < 0.01);
    }
}

TEST_CASE("read_wav: every coding that libsndfile writes, sample for sample as it reads it")
{
    auto const samples = music();
    for (int const container : {SF_FORMAT_WAV, SF_FORMAT_WAVEX, SF_FORMAT_RF64})
    {
        for (int const coding : {SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32,
                                 SF_FORMAT_FLOAT, SF_FORMAT_DOUBLE, SF_FORMAT_ALAW, SF_FORMAT_ULAW})
        {
            CAPTURE(container);
            CAPTURE(coding);
            auto const file = write(container | coding, samples);
            REQUIRE(!file.empty());
            auto const ours = read_wav(file, "a.wav");
            auto const theirs = detail::read_with_sndfile(file, "a.wav");
            CHECK(ours.rate == theirs.rate);
            CHECK(ours.channels == theirs.channels);
            CHECK(ours.samples == theirs.samples);
        }
    }
}
#endif
