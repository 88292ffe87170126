// The sample codings of WAV files, to float.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    enum class wav_coding : std::uint16_t    // the format tags of the file
    {
        pcm = 1,
        ieee_float = 3,
        a_law = 6,
        mu_law = 7
    };

    namespace detail
    {
        // Little-endian, `bytes` <= 8 of them.
        inline std::uint64_t little_endian(std::byte const* at, std::size_t bytes) noexcept
        {
            std::uint64_t value = 0;
            for (std::size_t i = bytes; i-- != 0;)
            {
                value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
            }
            return value;
        }

        // ITU-T G.711, in units of 2^-15.
        inline int expand_a_law(unsigned code) noexcept
        {
            code ^= 0x55u;
            auto const segment = (code >> 4) & 7u;
            auto magnitude = int((code & 15u) << 4) + (segment == 0 ? 8 : 0x108);
            if (segment > 1) { magnitude <<= segment - 1; }
            return code & 0x80u ? magnitude : -magnitude;
        }

        inline int expand_mu_law(unsigned code) noexcept
        {
            code = ~code & 0xffu;
            auto const magnitude = ((int((code & 15u) << 3) + 0x84) << ((code >> 4) & 7u)) - 0x84;
            return code & 0x80u ? -magnitude : magnitude;
        }
    }

    // How one sample lies in the file.
    struct wav_sample_format
    {
        wav_coding coding;
        std::size_t bytes;    // of a sample: 1, 2, 3, 4 or 8

        // The format of `bits` per sample, none where there is no such thing. PCM of a width that is no whole
        // number of bytes is left-justified in them, as the format demands.
        static std::optional<wav_sample_format> of(std::uint16_t tag, std::size_t bits)
        {
            auto const bytes = (bits + 7) / 8;
            switch (wav_coding(tag))
            {
            case wav_coding::pcm:
                if (bits < 1 || bits > 32) { return std::nullopt; }
                break;
            case wav_coding::ieee_float:
                if (bits != 32 && bits != 64) { return std::nullopt; }
                break;
            case wav_coding::a_law:
            case wav_coding::mu_law:
                if (bits != 8) { return std::nullopt; }
                break;
            default: return std::nullopt;
            }
            return wav_sample_format{wav_coding(tag), bytes};
        }

        // Full scale is -1 .. 1; PCM of one byte is unsigned. Floats are as they are.
        float read(std::byte const* at) const noexcept
        {
            auto const raw = detail::little_endian(at, bytes);
            switch (coding)
            {
            case wav_coding::ieee_float:
                return bytes == 4 ? std::bit_cast<float>(std::uint32_t(raw))
                                  : float(std::bit_cast<double>(raw));
            case wav_coding::a_law: return float(detail::expand_a_law(unsigned(raw))) / 32768.0f;
            case wav_coding::mu_law: return float(detail::expand_mu_law(unsigned(raw))) / 32768.0f;
            case wav_coding::pcm: break;
            }
            if (bytes == 1) { return (float(raw) - 128.0f) / 128.0f; }
            auto const top = std::int32_t(std::uint32_t(raw) << (32 - 8 * bytes));
            return float(double(top) / 2147483648.0);
        }
    };
}
