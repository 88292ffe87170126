// RIFF WAVE files: PCM of 1 to 32 bits, float32 and float64, A-law and mu-law, WAVE_FORMAT_EXTENSIBLE and
// RF64. Source: Microsoft's "Multiple channel audio data and WAVE files", EBU Tech 3306.
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
#include <gemma4/media/wav_samples.hpp>
#include <gemma4/media/waveform.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        class wav_reader
        {
        public:
            wav_reader(std::span<std::byte const> bytes, std::string_view name)
                : m_bytes(bytes)
                , m_name(name)
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
                    if (id == "fmt ") { read_format(at, size); }
                    if (id == "ds64" && size >= 16) { m_data_size = number(at + 8, 8); }
                    at += size;
                    if (size % 2 != 0 && at != m_bytes.size()) { ++at; }
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
                    fail("has samples of format ", tag, " and ", bits,
                         " bits, expected PCM (1) of 1 to 32 bits, float (3) of 32 or 64, A-law (6) or "
                         "mu-law (7) of 8");
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

            // A size of all ones means that the writer did not know it (a pipe), or RF64: see ds64.
            waveform samples(std::size_t at, std::size_t size, std::size_t rest)
            {
                if (!m_format) { fail("has no format chunk before its data"); }
                auto const frame = m_sound.channels * m_format->bytes;
                if (size == 0xffffffffu)
                {
                    size = m_data_size ? std::size_t(*m_data_size) : rest / frame * frame;
                }
                if (size > rest) { fail("says ", size, " bytes of samples, but only ", rest, " are there"); }
                if (size == 0 || size % frame != 0)
                {
                    fail("has ", size, " bytes of samples, expected whole frames of ", frame);
                }
                m_sound.samples.resize(size / m_format->bytes);
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
            waveform m_sound;
            std::optional<wav_sample_format> m_format;
            std::optional<std::uint64_t> m_data_size;
        };
    }

    // All samples of the WAV file in memory; `name` is what errors call it. file_error where the bytes are
    // not a whole WAV file of finite samples in a coding named above. Memory is bounded by the size of the
    // file.
    inline waveform read_wav(std::span<std::byte const> bytes, std::string_view name)
    {
        return detail::wav_reader(bytes, name).read();
    }

    // The bytes of a file. file_error names it.
    inline std::vector<std::byte> read_bytes(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary | std::ios::ate);
        auto const size = file ? std::streamoff(file.tellg()) : std::streamoff(-1);
        if (size < 0 || !std::filesystem::is_regular_file(path))
        {
            throw file_error(sentence(path.string(), " cannot be opened"));
        }
        std::vector<std::byte> bytes(static_cast<std::size_t>(size));
        file.seekg(0);
        if (!file.read(reinterpret_cast<char*>(bytes.data()), size))
        {
            throw file_error(sentence(path.string(), " cannot be read"));
        }
        return bytes;
    }

    inline waveform read_wav(std::filesystem::path const& path)
    {
        return read_wav(read_bytes(path), path.string());
    }
}
