// The plain formats of GGUF: 32 weights, one binary16 scale d, with _1 also an offset m.
#pragma once

#include <cstddef>

#include <gemma4/formats/block.hpp>

namespace gemma4::inline v0
{
    // d (2), 16 bytes of q: weight = d * (q - 8)
    struct q4_0
    {
        static constexpr char const* name = "Q4_0";
        static constexpr std::size_t weights_per_block = 32;
        static constexpr std::size_t bytes_per_block = 18;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            for (std::size_t i = 0; i != 32; ++i)
            {
                out[i] = d * float(int(detail::nibble(block, 2, i)) - 8);
            }
        }
    };

    // d (2), m (2), 16 bytes of q: weight = d * q + m
    struct q4_1
    {
        static constexpr char const* name = "Q4_1";
        static constexpr std::size_t weights_per_block = 32;
        static constexpr std::size_t bytes_per_block = 20;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            auto const m = detail::half_at(block, 2);
            for (std::size_t i = 0; i != 32; ++i) { out[i] = d * float(detail::nibble(block, 4, i)) + m; }
        }
    };

    // d (2), the fifth bits of all weights (4), 16 bytes of their lower four: weight = d * (q - 16)
    struct q5_0
    {
        static constexpr char const* name = "Q5_0";
        static constexpr std::size_t weights_per_block = 32;
        static constexpr std::size_t bytes_per_block = 22;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            auto const high = detail::word_at(block, 2);
            for (std::size_t i = 0; i != 32; ++i)
            {
                auto const q = detail::nibble(block, 6, i) | (high >> i & 1u) << 4;
                out[i] = d * float(int(q) - 16);
            }
        }
    };

    // d (2), m (2), fifth bits (4), 16 bytes of lower bits: weight = d * q + m
    struct q5_1
    {
        static constexpr char const* name = "Q5_1";
        static constexpr std::size_t weights_per_block = 32;
        static constexpr std::size_t bytes_per_block = 24;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            auto const m = detail::half_at(block, 2);
            auto const high = detail::word_at(block, 4);
            for (std::size_t i = 0; i != 32; ++i)
            {
                auto const q = detail::nibble(block, 8, i) | (high >> i & 1u) << 4;
                out[i] = d * float(q) + m;
            }
        }
    };

    // d (2), 32 signed bytes q: weight = d * q
    struct q8_0
    {
        static constexpr char const* name = "Q8_0";
        static constexpr std::size_t weights_per_block = 32;
        static constexpr std::size_t bytes_per_block = 34;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            for (std::size_t i = 0; i != 32; ++i)
            {
                out[i] = d * float(detail::signed_byte_at(block, 2 + i));
            }
        }
    };
}
