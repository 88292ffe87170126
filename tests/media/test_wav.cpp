#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include <gemma4/media/wav.hpp>

using namespace gemma4;

namespace
{
    using bytes = std::vector<std::byte>;

    template <class T>
    void put(bytes& to, T value)
    {
        auto const* const from = reinterpret_cast<std::byte const*>(&value);
        to.insert(to.end(), from, from + sizeof value);
    }

    void put(bytes& to, char const* word)
    {
        for (; *word; ++word) { to.push_back(std::byte(*word)); }
    }

    struct wav_shape
    {
        std::uint16_t tag = 1;
        std::uint16_t channels = 1;
        std::uint32_t rate = 16000;
        std::uint16_t bits = 16;
        bool extensible = false;
        std::uint32_t data_size = 0;    // 0: the truth
    };

    template <class Sample>
    bytes wav(wav_shape const& s, std::vector<Sample> const& samples)
    {
        auto const frame = std::uint16_t(s.channels * ((s.bits + 7) / 8));
        bytes to;
        put(to, "RIFF");
        put(to, std::uint32_t(0));
        put(to, "WAVE");
        put(to, "JUNK");
        put(to, std::uint32_t(3));
        put(to, "abc");
        put(to, std::uint8_t(0));    // to an even length
        put(to, "fmt ");
        put(to, std::uint32_t(s.extensible ? 40 : 16));
        put(to, std::uint16_t(s.extensible ? 0xfffe : s.tag));
        put(to, s.channels);
        put(to, s.rate);
        put(to, s.rate * frame);
        put(to, frame);
        put(to, s.bits);
        if (s.extensible)
        {
            put(to, std::uint16_t(22));
            put(to, s.bits);
            put(to, std::uint32_t(0));
            put(to, s.tag);
            for (int i = 0; i != 14; ++i) { put(to, std::uint8_t(i)); }
        }
        put(to, "data");
        put(to, s.data_size ? s.data_size : std::uint32_t(samples.size() * sizeof(Sample)));
        for (auto const x : samples) { put(to, x); }
        return to;
    }

    template <class Sample>
    std::vector<float> samples_of(wav_shape const& s, std::vector<Sample> const& samples)
    {
        auto const sound = read_wav(wav(s, samples), "a.wav");
        CHECK(sound.rate == s.rate);
        CHECK(sound.channels == s.channels);
        return sound.samples;
    }

    using floats = std::vector<float>;
}

TEST_CASE("read_wav: every coding, full scale being -1 .. 1")
{
    CHECK(samples_of<std::uint8_t>({.bits = 8}, {0, 64, 128, 192, 255})
          == floats{-1, -0.5f, 0, 0.5f, 127 / 128.0f});
    CHECK(samples_of<std::int16_t>({.rate = 44100}, {0, -32768, 32767, 1})
          == floats{0, -1, 32767 / 32768.0f, 1 / 32768.0f});
    CHECK(samples_of<std::uint8_t>({.bits = 24}, {0, 0, 0x80, 0xff, 0xff, 0x7f, 1, 0, 0})
          == floats{-1, 8388607 / 8388608.0f, 1 / 8388608.0f});
    CHECK(samples_of<std::int32_t>({.bits = 32}, {std::numeric_limits<std::int32_t>::min(), 1 << 30, -3})
          == floats{-1, 0.5f, -3 / 2147483648.0f});
    CHECK(samples_of<std::int16_t>({.bits = 12}, {0x4000, -0x8000}) == floats{0.5f, -1});    // left-justified
    CHECK(samples_of<float>({.tag = 3, .bits = 32}, {0.25f, -1.5f}) == floats{0.25f, -1.5f});
    CHECK(samples_of<double>({.tag = 3, .bits = 64}, {0.25, -1.5}) == floats{0.25f, -1.5f});
    CHECK(samples_of<std::int16_t>({.extensible = true}, {-16384}) == floats{-0.5f});
    CHECK(samples_of<float>({.tag = 3, .bits = 32, .extensible = true}, {0.75f}) == floats{0.75f});
    // G.711, table values: the codes of the largest, smallest and middle magnitudes
    CHECK(samples_of<std::uint8_t>({.tag = 7, .bits = 8}, {0x00, 0x80, 0xff, 0x7f, 0xfe})
          == floats{-32124 / 32768.0f, 32124 / 32768.0f, 0, 0, 8 / 32768.0f});
    CHECK(samples_of<std::uint8_t>({.tag = 6, .bits = 8}, {0x2a, 0xaa, 0x55, 0xd5})
          == floats{-32256 / 32768.0f, 32256 / 32768.0f, -8 / 32768.0f, 8 / 32768.0f});
}

TEST_CASE("read_wav: interleaved channels; mono is their mean")
{
    auto const sound = read_wav(wav<std::int16_t>({.channels = 3}, {3, 6, 9, -32768, 0, 32767}), "a.wav");
    CHECK(sound.channels == 3);
    CHECK(sound.frames() == 2);
    CHECK(mono(sound) == floats{6 / 32768.0f, float(-1.0 / 32768 / 3)});
    CHECK_THROWS_AS(mono({.rate = 1, .channels = 2, .samples = {1, 2, 3}}), argument_error);
    CHECK_THROWS_AS(mono({.rate = 1, .channels = 0, .samples = {}}), argument_error);
}

TEST_CASE("read_wav: a size that is not known, or a file that is cut, gives the whole frames that are there")
{
    for (auto const size : {0xffffffffu, 0x7fffffffu, 0xffffffdbu, 0x7ffff000u, 2000000000u, 9u})
    {
        auto file = wav<std::int16_t>({.channels = 2, .data_size = size}, {1, 2, 3, 4});
        CHECK(read_wav(file, "a.wav").samples.size() == 4);
        file.resize(file.size() - 1);
        CHECK(read_wav(file, "a.wav").samples.size() == 2);
    }
    // less than there is: the rest is something else
    auto const part = wav<std::int16_t>({.channels = 2, .data_size = 7}, {1, 2, 3, 4});
    CHECK(read_wav(part, "a.wav").samples.size() == 2);
    CHECK_THROWS_WITH_AS(read_wav(part, "a.wav", {.max_samples = 1}),
                         "a.wav has 1 frames of 2 channels; the limit is 1 samples", file_error);
}

TEST_CASE("read_wav: what is no whole WAV file is an error that says why")
{
    auto const fails = [](bytes const& file, char const* why)
    { CHECK_THROWS_WITH_AS(read_wav(file, "b.wav"), doctest::Contains(why), file_error); };
    fails({}, "b.wav is no WAV file");
    fails(bytes(100), "is no WAV file");
    auto const good = wav<std::int16_t>({.channels = 2}, {1, 2});
    fails({good.begin(), good.begin() + 40}, "a chunk of 16 bytes where only 8 are left");
    fails({good.begin(), good.end() - 1}, "has 3 bytes of samples, expected at least a frame of 4");
    fails({good.begin(), good.begin() + 12}, "no data chunk");
    fails(wav<std::int16_t>({}, {}), "0 bytes of samples");
    fails(wav<std::int16_t>({.channels = 0}, {1}), "0 channels");
    fails(wav<std::int16_t>({.rate = 0}, {1}), "at 0 Hz");
    fails(wav<std::int16_t>({.tag = 2}, {1}), "format 2 (MS ADPCM) and 16 bits");
    fails(wav<std::int16_t>({.tag = 3}, {1}), "format 3 and 16 bits");
    fails(wav<std::int16_t>({.bits = 40}, {1}), "40 bits");
    fails(wav<float>({.tag = 3, .bits = 32}, {0, std::numeric_limits<float>::infinity()}), "sample 1");
    auto odd = good;
    odd[good.size() - 16] = std::byte(3);    // bytes of a frame
    fails(odd, "expected 2 channels of 2");
    bytes no_format(good.begin(), good.begin() + 12);
    put(no_format, "data");
    put(no_format, std::uint32_t(0));
    fails(no_format, "no format chunk");
}

TEST_CASE("read_wav: from a file, whose name is in the errors")
{
    auto const path =
        std::filesystem::temp_directory_path() / ("gemma4-wav-" + std::to_string(::getpid()) + ".wav");
    CHECK_THROWS_WITH_AS(read_wav(path), doctest::Contains(path.string().c_str()), file_error);
    auto const file = wav<std::int16_t>({}, {1, 2, 3});
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<char const*>(file.data()), std::streamsize(file.size()));
    CHECK(read_wav(path).samples.size() == 3);
    std::filesystem::remove(path);
    CHECK_THROWS_AS(read_wav(std::filesystem::temp_directory_path()), file_error);
}
