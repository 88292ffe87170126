// How the block formats read their bytes: little-endian, unaligned.
//
// Everything here and in the formats is inlined into its caller, because kernels of several instruction sets
// include it and a shared copy might come from the wrong one. Every product of a format is exact in float32
// (11 bits of scale times at most 6 + 5 or 8 + 5 bits), so that a compiler may fuse it with the sum that
// follows and the bits stay the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0::detail
{
    [[gnu::always_inline]] inline unsigned byte_at(std::byte const* block, std::size_t at) noexcept
    {
        return std::to_integer<unsigned>(block[at]);
    }

    [[gnu::always_inline]] inline int signed_byte_at(std::byte const* block, std::size_t at) noexcept
    {
        return static_cast<std::int8_t>(byte_at(block, at));
    }

    [[gnu::always_inline]] inline std::uint32_t word_at(std::byte const* block, std::size_t at) noexcept
    {
        return byte_at(block, at) | byte_at(block, at + 1) << 8 | byte_at(block, at + 2) << 16
               | byte_at(block, at + 3) << 24;
    }

    // The binary16 at this offset.
    [[gnu::always_inline]] inline float half_at(std::byte const* block, std::size_t at) noexcept
    {
        auto const bits = std::uint32_t(byte_at(block, at) | byte_at(block, at + 1) << 8);
        std::uint32_t const sign = (bits & 0x8000u) << 16;
        std::uint32_t const magnitude = bits & 0x7fffu;
        if (magnitude < 0x400u)    // zero or subnormal
        {
            auto const value = float(magnitude) * 0x1p-24f;
            return sign ? -value : value;
        }
        auto const exponent = magnitude < 0x7c00u ? 0x38000000u : 0x70000000u;
        return std::bit_cast<float>(sign | (exponent + (magnitude << 13)));
    }

    // Value i of 32 of 4 bits in 16 bytes: i and i + 16 share a byte.
    [[gnu::always_inline]] inline unsigned nibble(std::byte const* block, std::size_t at,
                                                  std::size_t i) noexcept
    {
        return byte_at(block, at + i % 16) >> (i / 16 * 4) & 15u;
    }
}
