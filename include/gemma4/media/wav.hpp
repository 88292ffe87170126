// RIFF WAVE files: PCM of 1 to 32 bits, float32 and float64, A-law and mu-law, WAVE_FORMAT_EXTENSIBLE and
// RF64. Source: Microsoft's "Multiple channel audio data and WAVE files", EBU Tech 3306.
//
// Lengths are taken as libsndfile takes them: writers to a pipe do not know them and put any large number,
// recordings are cut off. Samples are the whole frames that are there, up to the length that is stated.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/media/audio_limits.hpp>
#include <gemma4/media/wav_samples.hpp>
#include <gemma4/media/waveform.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        class wav_reader
        {
        public:
            wav_reader(std::span<std::byte const> bytes, std::string_view name, audio_limits const& limits)
                : m_bytes(bytes)
                , m_name(name)
                , m_limits(limits)
            {}

            waveform read()
            {
                if (m_bytes.size() < 12 || (word(0) != "RIFF" && word(0) != "RF64") || word(8) != "WAVE")
                {
                    fail("is no WAV file: it does not start with RIFF or RF64 and WAVE");
                }
                std::size_t at = 12;
                while (m_bytes.size() - at >= 8)
                {
                    auto const id = word(at);
                    auto const size = std::size_t(number(at + 4, 4));
                    at += 8;
                    auto const rest = m_bytes.size() - at;
                    if (id == "data") { return samples(at, size, rest); }
                    if (size > rest)
                    {
                        fail("has a chunk of ", size, " bytes where only ", rest, " are left");
                    }
                    if (id == "fmt " && !m_format) { read_format(at, size); }
                    if (id == "ds64" && size >= 16) { m_data_size = number(at + 8, 8); }
                    at += size;
                    if (size % 2 != 0 && at != m_bytes.size() && !begins_chunk(at)) { ++at; }
                }
                fail("has no data chunk");
            }

        private:
            template <class... Parts>
            [[noreturn]] void fail(Parts const&... parts) const
            {
                throw file_error(sentence(m_name, " ", parts...));
            }

            std::string_view word(std::size_t at) const
            {
                return {reinterpret_cast<char const*>(m_bytes.data() + at), 4};
            }

            std::uint64_t number(std::size_t at, std::size_t bytes) const
            {
                return little_endian(m_bytes.data() + at, bytes);
            }

            // Some writers leave out the byte that fills up an odd chunk.
            bool begins_chunk(std::size_t at) const
            {
                if (m_bytes.size() - at < 8) { return false; }
                auto const id = word(at);
                return id == "fmt " || id == "data" || id == "fact" || id == "LIST";
            }

            void read_format(std::size_t at, std::size_t size)
            {
                if (size < 16) { fail("has a format chunk of ", size, " bytes, expected at least 16"); }
                auto tag = std::uint16_t(number(at, 2));
                m_sound.channels = std::size_t(number(at + 2, 2));
                m_sound.rate = std::size_t(number(at + 4, 4));
                auto const frame = std::size_t(number(at + 12, 2));
                auto const bits = std::size_t(number(at + 14, 2));
                constexpr std::uint16_t extensible = 0xfffe;
                if (tag == extensible)
                {
                    if (size < 40)
                    {
                        fail("has an extensible format chunk of ", size, " bytes, expected 40");
                    }
                    tag = std::uint16_t(number(at + 24, 2));    // the first bytes of the subformat's GUID
                }
                m_format = wav_sample_format::of(tag, bits);
                if (!m_format)
                {
                    fail("has samples of format ", tag, coding_name(tag), " and ", bits,
                         " bits, expected PCM (1) of 1 to 32 bits, float (3) of 32 or 64, A-law (6) or "
                         "mu-law (7) of 8; the component gemma4::audio (libsndfile) reads more");
                }
                if (m_sound.channels == 0 || m_sound.rate == 0)
                {
                    fail("has ", m_sound.channels, " channels at ", m_sound.rate,
                         " Hz, expected at least 1 of each");
                }
                if (frame != m_sound.channels * m_format->bytes)
                {
                    fail("has frames of ", frame, " bytes, expected ", m_sound.channels, " channels of ",
                         m_format->bytes);
                }
            }

            static std::string_view coding_name(std::uint16_t tag)
            {
                switch (tag)
                {
                case 0x02: return " (MS ADPCM)";
                case 0x11: return " (IMA ADPCM)";
                case 0x14: return " (G.723)";
                case 0x31: return " (GSM 6.10)";
                case 0x40: return " (G.721)";
                case 0x50: return " (MPEG)";
                case 0x55: return " (MP3)";
                case 0xff: return " (AAC)";
                default: return "";
                }
            }

            // Bytes of samples of a data chunk of `size`, at `at`, with `rest` bytes up to the end of the file.
            std::size_t stated_size(std::size_t at, std::size_t size, std::size_t rest) const
            {
                if (size == 0xffffffffu && m_data_size) { return std::size_t(*m_data_size); }
                // A header that was never finished: the file does not end where it says either.
                auto const end = number(4, 4) + 8;
                if (size == 0 && (end <= at || end > m_bytes.size())) { return rest; }
                return size;
            }

            waveform samples(std::size_t at, std::size_t size, std::size_t rest)
            {
                if (!m_format) { fail("has no format chunk before its data"); }
                auto const frame = m_sound.channels * m_format->bytes;
                size = stated_size(at, size, rest);
                auto const frames = (size < rest ? size : rest) / frame;
                if (frames == 0)
                {
                    fail("has ", size < rest ? size : rest, " bytes of samples, expected at least a frame of ",
                         frame);
                }
                if (frames > m_limits.max_samples / m_sound.channels)
                {
                    fail("has ", frames, " frames of ", m_sound.channels, " channels; the limit is ",
                         m_limits.max_samples, " samples");
                }
                m_sound.samples.resize(frames * m_sound.channels);
                auto const* from = m_bytes.data() + at;
                for (std::size_t i = 0; i != m_sound.samples.size(); ++i, from += m_format->bytes)
                {
                    m_sound.samples[i] = m_format->read(from);
                    if (!std::isfinite(m_sound.samples[i]))
                    {
                        fail("has a sample ", i, " that is not finite");
                    }
                }
                return std::move(m_sound);
            }

            std::span<std::byte const> m_bytes;
            std::string_view m_name;
            audio_limits const& m_limits;
            waveform m_sound;
            std::optional<wav_sample_format> m_format;
            std::optional<std::uint64_t> m_data_size;
        };
    }

    // All samples of the WAV file in memory; `name` is what errors call it. file_error where the bytes are
    // no WAV file of finite samples in a coding named above, or above the limits. Memory is bounded by the
    // size of the file.
    inline waveform read_wav(std::span<std::byte const> bytes, std::string_view name,
                             audio_limits const& limits = {})
    {
        return detail::wav_reader(bytes, name, limits).read();
    }

    // The bytes of a file. file_error names it.
    inline std::vector<std::byte> read_bytes(std::filesystem::path const& path,
                                             audio_limits const& limits = {})
    {
        std::ifstream file(path, std::ios::binary | std::ios::ate);
        auto const size = file ? std::streamoff(file.tellg()) : std::streamoff(-1);
        if (size < 0 || !std::filesystem::is_regular_file(path))
        {
            throw file_error(sentence(path.string(), " cannot be opened"));
        }
        if (std::uint64_t(size) > limits.max_file_bytes)
        {
            throw file_error(sentence(path.string(), " has ", std::uint64_t(size),
                                      " bytes; the limit for a sound is ", limits.max_file_bytes));
        }
        std::vector<std::byte> bytes(static_cast<std::size_t>(size));
        file.seekg(0);
        if (!file.read(reinterpret_cast<char*>(bytes.data()), size))
        {
            throw file_error(sentence(path.string(), " cannot be read"));
        }
        return bytes;
    }

    inline waveform read_wav(std::filesystem::path const& path, audio_limits const& limits = {})
    {
        return read_wav(read_bytes(path, limits), path.string(), limits);
    }
}
