// The files are written here with libsndfile itself; WAV files are read twice, by us and by it.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

    std::vector<std::byte> write(int format, std::vector<float> const& samples, int of_channels = channels)
    {
        written_file file;
        auto io = memory_io;
        SF_INFO info{};
        info.samplerate = rate;
        info.channels = of_channels;
        info.format = format;
        auto* const out = sf_open_virtual(&io, SFM_WRITE, &info, &file);
        if (!out) { return {}; }
        sf_command(out, SFC_SET_CLIPPING, nullptr, SF_TRUE);
        sf_writef_float(out, samples.data(), sf_count_t(samples.size()) / of_channels);
        sf_close(out);
        return std::move(file.bytes);
    }
}

namespace
{
    // libsndfile's own samples of a file; none where it does not read it.
    waveform by_sndfile(std::vector<std::byte> const& bytes)
    {
        written_file file{bytes};
        auto io = memory_io;
        SF_INFO info{};
        auto* const in = sf_open_virtual(&io, SFM_READ, &info, &file);
        if (!in) { return {}; }
        waveform sound{std::size_t(info.samplerate), std::size_t(info.channels), {}};
        std::vector<float> block(std::size_t(1000 * info.channels));
        for (sf_count_t frames; (frames = sf_readf_float(in, block.data(), 1000)) > 0;)
        {
            sound.samples.insert(sound.samples.end(), block.begin(),
                                 block.begin() + std::ptrdiff_t(frames * info.channels));
        }
        sf_close(in);
        return sound;
    }

    bool same(waveform const& a, waveform const& b)
    {
        return a.rate == b.rate && a.channels == b.channels && a.samples == b.samples && !a.samples.empty();
    }

    std::size_t place_of(std::vector<std::byte> const& file, std::string const& word)
    {
        auto const what = bytes_of(word);
        auto const at = std::search(file.begin(), file.end(), what.begin(), what.end());
        REQUIRE(at != file.end());
        return std::size_t(at - file.begin());
    }

    std::vector<std::byte> first_of(std::vector<std::byte> const& file, std::size_t size)
    {
        return {file.begin(), file.begin() + std::ptrdiff_t(size)};
    }

    std::uint32_t number_at(std::vector<std::byte> const& file, std::size_t at)
    {
        std::uint32_t value;
        std::memcpy(&value, file.data() + at, 4);
        return value;
    }

    void put_number(std::vector<std::byte>& file, std::size_t at, std::uint32_t value)
    {
        std::memcpy(file.data() + at, &value, 4);
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
            CHECK(same(ours, by_sndfile(file)));
        }
    }
}

TEST_CASE("read_wav, read_audio: lengths that are wrong, as libsndfile takes them")
{
    auto samples = music();
    samples.resize(2 * 1000);
    std::size_t read = 0;
    for (int const coding : {SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32,
                             SF_FORMAT_FLOAT, SF_FORMAT_DOUBLE, SF_FORMAT_ALAW, SF_FORMAT_ULAW})
    {
        for (int const container : {SF_FORMAT_WAV, SF_FORMAT_WAVEX})
        {
            auto const good = write(container | coding, samples);
            auto const data = place_of(good, "data") + 4;
            auto const end = data + 4 + number_at(good, data);
            CAPTURE(container);
            CAPTURE(coding);
            for (auto const riff : {0u, 36u, 0x7fffffffu, 0xffffffffu, 0x77359424u, 0x10u})
            {
                for (auto const size : {0xffffffffu, 0x7fffffffu, 0xffffffdbu, 0x7ffff000u, 2000000000u,
                                        0x80000000u, 0xfffff000u, 5000u, 4999u, 101u, 100u})
                {
                    for (auto const cut : {0u, 1u, 2u, 3u, 5u, 7u, 100u})
                    {
                        auto file = first_of(good, end - cut);
                        put_number(file, 4, riff);
                        put_number(file, data, size);
                        auto const theirs = by_sndfile(file);
                        if (theirs.samples.empty()) { continue; }
                        CAPTURE(riff);
                        CAPTURE(size);
                        CAPTURE(cut);
                        REQUIRE(same(read_wav(file, "a.wav"), theirs));
                        ++read;
                    }
                }
            }
            // Bytes behind the samples, and half a sample.
            auto longer = first_of(good, end);
            for (int i = 0; i != 3; ++i) { longer.push_back(std::byte(0x55)); }
            longer.insert(longer.end(), good.begin() + std::ptrdiff_t(end), good.end());
            CHECK(same(read_wav(longer, "a.wav"), by_sndfile(longer)));
            put_number(longer, data, number_at(good, data) + 3);
            CHECK(same(read_wav(longer, "a.wav"), by_sndfile(longer)));
        }
    }
    CHECK(read > 5000);
}

TEST_CASE("read_wav: a length of 0 in a header that was never finished is no length")
{
    auto const samples = music();
    auto file = write(SF_FORMAT_WAV | SF_FORMAT_PCM_16, samples);
    put_number(file, place_of(file, "data") + 4, 0);
    CHECK_THROWS_WITH_AS(read_wav(file, "a.wav"), doctest::Contains("0 bytes of samples"), file_error);
    // 8 is the one that libsndfile knows; a header written first and never again says 36 or so.
    for (auto const riff : {0u, 8u, 36u, 0xffffffffu})
    {
        put_number(file, 4, riff);
        CHECK(read_wav(file, "a.wav").samples == samples);
    }
}

TEST_CASE("read_wav, read_audio: an odd chunk with and without the byte that fills it up")
{
    auto const samples = music();
    auto const good = write(SF_FORMAT_WAV | SF_FORMAT_PCM_16, samples);
    auto const data = place_of(good, "data");
    for (std::size_t const size : {1u, 3u, 4u, 7u, 35u})
    {
        for (bool const filled : {true, false})
        {
            auto file = good;
            std::string chunk = "LIST____" + std::string(size, 'x');
            chunk[4] = char(size);
            chunk[5] = chunk[6] = chunk[7] = '\0';
            if (filled && size % 2 != 0) { chunk += '\0'; }
            auto const more = bytes_of(chunk);
            file.insert(file.begin() + std::ptrdiff_t(data), more.begin(), more.end());
            CAPTURE(size);
            CAPTURE(filled);
            CHECK(read_wav(file, "a.wav").samples == samples);
        }
    }
}

TEST_CASE("read_audio: codings of WAV and containers that libsndfile reads, whole, cut and of unknown length")
{
    auto samples = music();
    samples.resize(2 * 4000);
    struct kind
    {
        int format, channels;
    };
    std::size_t kinds = 0;
    for (auto const [format, of_channels] : {kind{SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 1},
                                             {SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 2},
                                             {SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 1},
                                             {SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 2},
                                             {SF_FORMAT_WAV | SF_FORMAT_GSM610, 1},
                                             {SF_FORMAT_WAV | SF_FORMAT_G721_32, 1},
                                             {SF_FORMAT_W64 | SF_FORMAT_PCM_16, 2},
                                             {SF_FORMAT_W64 | SF_FORMAT_MS_ADPCM, 2},
                                             {SF_FORMAT_W64 | SF_FORMAT_GSM610, 1},
                                             {SF_FORMAT_RF64 | SF_FORMAT_PCM_24, 2},
                                             {SF_FORMAT_WAV | SF_ENDIAN_BIG | SF_FORMAT_PCM_16, 2}})
    {
        CAPTURE(format);
        CAPTURE(of_channels);
        auto const good = write(format, samples, of_channels);
        REQUIRE(!good.empty());
        ++kinds;
        auto const expected = by_sndfile(good);
        REQUIRE(expected.frames() >= 4000);
        CHECK(same(read_audio(good, "a.wav"), expected));
        for (auto const cut : {1u, 2u, 3u, 33u, 64u, 65u, 500u})
        {
            auto const file = first_of(good, good.size() - cut);
            CAPTURE(cut);
            auto const theirs = by_sndfile(file);
            REQUIRE(!theirs.samples.empty());
            CHECK(same(read_audio(file, "a.wav"), theirs));
        }
        if ((format & SF_FORMAT_TYPEMASK) != SF_FORMAT_WAV || (format & SF_ENDIAN_BIG) != 0) { continue; }
        for (auto const size : {0xffffffffu, 0x7fffffffu, 0x7ffff000u, 2000000000u})
        {
            auto file = good;
            put_number(file, 4, size);
            put_number(file, place_of(file, "data") + 4, size);
            CHECK(same(read_audio(file, "a.wav"), expected));
        }
    }
    CHECK(kinds == 11);
}

TEST_CASE("read_audio: a header that libsndfile mends is read as it reads it")
{
    auto const good = write(SF_FORMAT_WAV | SF_FORMAT_PCM_16, music());
    auto const format = place_of(good, "fmt ") + 8;
    auto no_frame = good;
    no_frame[format + 12] = std::byte(0);    // bytes of a frame
    CHECK_THROWS_AS(read_wav(no_frame, "a.wav"), file_error);
    CHECK(same(read_audio(no_frame, "a.wav"), by_sndfile(no_frame)));
    auto nothing = good;
    nothing[format] = std::byte(0x99);    // a coding that nobody knows
    CHECK_THROWS_WITH_AS(read_audio(nothing, "a.wav"), doctest::Contains("samples of format 153"), file_error);
}

TEST_CASE("read_audio: limits are options")
{
    auto const samples = music();
    for (int const format : {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                             SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM})
    {
        auto const file = write(format, samples);
        auto const count = read_audio(file, "a").samples.size();
        CHECK(read_audio(file, "a", {.max_samples = count}).samples.size() == count);
        CHECK_THROWS_WITH_AS(read_audio(file, "a", {.max_samples = count - 1}), doctest::Contains("limit"),
                             file_error);
    }
    // Hours of silence in a few bytes: not more than the limit is ever held.
    auto const flac = write(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, std::vector<float>(std::size_t(1) << 22));
    CHECK(flac.size() < 100000);
    CHECK_THROWS_WITH_AS(read_audio(flac, "a", {.max_samples = 1 << 20}), doctest::Contains("1048576"),
                         file_error);
}
#endif
