// The K formats of GGUF: 256 weights in groups of 16 or 32, a binary16 scale for all, a small integer scale
// for each group, and in Q2_K, Q4_K and Q5_K the same for an offset (dmin).
#pragma once

#include <cstddef>

#include <gemma4/formats/block.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        struct scale_and_min
        {
            float scale;
            float min;
        };

        // Group j of 8 of Q4_K and Q5_K: twelve bytes at s hold eight scales and eight mins of six bits.
        [[gnu::always_inline]] inline scale_and_min scale_and_min_of(std::byte const* s,
                                                                     std::size_t j) noexcept
        {
            if (j < 4) { return {float(byte_at(s, j) & 63u), float(byte_at(s, j + 4) & 63u)}; }
            return {float((byte_at(s, j + 4) & 15u) | byte_at(s, j - 4) >> 6 << 4),
                    float(byte_at(s, j + 4) >> 4 | byte_at(s, j) >> 6 << 4)};
        }

        // Weight i of 256 of two bits: bytes at q; four weights 32 apart share a byte.
        [[gnu::always_inline]] inline unsigned two_bits(std::byte const* q, std::size_t i) noexcept
        {
            return byte_at(q, 32 * (i / 128) + i % 32) >> (i % 128 / 32 * 2) & 3u;
        }

        // Weight i of 256 of four bits: bytes at q; two weights 32 apart share a byte.
        [[gnu::always_inline]] inline unsigned four_bits(std::byte const* q, std::size_t i) noexcept
        {
            return byte_at(q, 32 * (i / 64) + i % 32) >> (i % 64 / 32 * 4) & 15u;
        }
    }

    // 16 bytes scale | min << 4 (groups of 16), 64 bytes q, d (2), dmin (2): weight = d * scale * q - dmin *
    // min
    struct q2_k
    {
        static constexpr char const* name = "Q2_K";
        static constexpr std::size_t weights_per_block = 256;
        static constexpr std::size_t bytes_per_block = 84;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 80);
            auto const dmin = detail::half_at(block, 82);
            for (std::size_t i = 0; i != 256; ++i)
            {
                auto const s = detail::byte_at(block, i / 16);
                auto const offset = dmin * float(s >> 4);
                out[i] = d * float(s & 15u) * float(detail::two_bits(block + 16, i)) - offset;
            }
        }
    };

    // 32 bytes of third bits, 64 bytes of lower bits, 12 bytes of scales (groups of 16), d (2): weight = d *
    // (scale - 32) * (q - 4)
    struct q3_k
    {
        static constexpr char const* name = "Q3_K";
        static constexpr std::size_t weights_per_block = 256;
        static constexpr std::size_t bytes_per_block = 110;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 108);
            for (std::size_t i = 0; i != 256; ++i)
            {
                auto const j = i / 16;
                auto const low = detail::byte_at(block, 96 + j % 8) >> (j / 8 * 4) & 15u;
                auto const high = detail::byte_at(block, 104 + j % 4) >> (j / 4 * 2) & 3u;
                auto const third = detail::byte_at(block, i % 32) >> (i / 32) & 1u;
                auto const q = int(detail::two_bits(block + 32, i) | third << 2) - 4;
                out[i] = d * float(int(low | high << 4) - 32) * float(q);
            }
        }
    };

    // d (2), dmin (2), 12 bytes of scales and mins (groups of 32), 128 bytes q: weight = d * scale * q - dmin
    // * min
    struct q4_k
    {
        static constexpr char const* name = "Q4_K";
        static constexpr std::size_t weights_per_block = 256;
        static constexpr std::size_t bytes_per_block = 144;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            auto const dmin = detail::half_at(block, 2);
            for (std::size_t j = 0; j != 8; ++j)
            {
                auto const [scale, min] = detail::scale_and_min_of(block + 4, j);
                auto const factor = d * scale;
                auto const offset = dmin * min;
                for (std::size_t i = 32 * j; i != 32 * j + 32; ++i)
                {
                    out[i] = factor * float(detail::four_bits(block + 16, i)) - offset;
                }
            }
        }
    };

    // d (2), dmin (2), 12 bytes of scales and mins (groups of 32), 32 bytes of fifth bits, 128 bytes of lower
    // bits: as Q4_K
    struct q5_k
    {
        static constexpr char const* name = "Q5_K";
        static constexpr std::size_t weights_per_block = 256;
        static constexpr std::size_t bytes_per_block = 176;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            auto const dmin = detail::half_at(block, 2);
            for (std::size_t j = 0; j != 8; ++j)
            {
                auto const [scale, min] = detail::scale_and_min_of(block + 4, j);
                auto const factor = d * scale;
                auto const offset = dmin * min;
                for (std::size_t i = 32 * j; i != 32 * j + 32; ++i)
                {
                    auto const fifth = detail::byte_at(block, 16 + i % 32) >> j & 1u;
                    out[i] = factor * float(detail::four_bits(block + 48, i) | fifth << 4) - offset;
                }
            }
        }
    };

    // 128 bytes of lower four bits, 64 bytes of upper two, 16 signed scales (groups of 16), d (2): weight = d
    // * scale * (q - 32)
    struct q6_k
    {
        static constexpr char const* name = "Q6_K";
        static constexpr std::size_t weights_per_block = 256;
        static constexpr std::size_t bytes_per_block = 210;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 208);
            for (std::size_t i = 0; i != 256; ++i)
            {
                auto const half = i / 128;
                auto const quarter = i % 128 / 32;
                auto const low = detail::byte_at(block, 64 * half + i % 64) >> (quarter / 2 * 4) & 15u;
                auto const high = detail::byte_at(block, 128 + 32 * half + i % 32) >> (2 * quarter) & 3u;
                auto const factor = d * float(detail::signed_byte_at(block, 192 + i / 16));
                out[i] = factor * float(int(low | high << 4) - 32);
            }
        }
    };
}
