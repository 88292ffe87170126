// Between 32 codes of one row in their natural order and their places in the lines of a group
// (packed_type.hpp).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <gemma4/packing/packed_type.hpp>

namespace gemma4::inline v0::detail
{
    static_assert(std::endian::native == std::endian::little, "gemma4: packed weights are little-endian");

    inline void put_dword(std::byte* lines, std::size_t line, std::size_t row, std::uint32_t word) noexcept
    {
        std::memcpy(lines + 64 * line + 4 * row, &word, 4);
    }

    inline std::uint32_t dword_at(std::byte const* lines, std::size_t line, std::size_t row) noexcept
    {
        std::uint32_t word;
        std::memcpy(&word, lines + 64 * line + 4 * row, 4);
        return word;
    }

    inline std::uint64_t eight_at(std::uint8_t const* codes) noexcept
    {
        std::uint64_t word;
        std::memcpy(&word, codes, 8);
        return word;
    }

    // Eight codes of four bits, one a byte: bytes (0 2, 4 6, 1 3, 5 7), the first of each in the lower half.
    inline std::uint32_t nibbles_of(std::uint64_t codes) noexcept
    {
        auto const t = codes | codes >> 12;
        return std::uint32_t(t & 0xffu) | std::uint32_t(t >> 32 & 0xffu) << 8
               | std::uint32_t(t >> 8 & 0xffu) << 16 | std::uint32_t(t >> 40 & 0xffu) << 24;
    }

    inline std::uint64_t codes_of_nibbles(std::uint32_t word) noexcept
    {
        auto const byte = [&](int i) { return std::uint64_t(word >> (8 * i) & 0xffu); };
        auto const t = byte(0) | byte(2) << 8 | byte(1) << 32 | byte(3) << 40;
        return (t | t << 12) & 0x0f0f0f0f0f0f0f0fu;
    }

    // Four bytes to the even places of eight, and back.
    inline std::uint64_t spread_bytes(std::uint64_t x) noexcept
    {
        x = (x | x << 16) & 0x0000ffff0000ffffu;
        return (x | x << 8) & 0x00ff00ff00ff00ffu;
    }

    inline std::uint64_t gather_bytes(std::uint64_t x) noexcept
    {
        x &= 0x00ff00ff00ff00ffu;
        x = (x | x >> 8) & 0x0000ffff0000ffffu;
        return (x | x >> 16) & 0xffffffffu;
    }

    // Eight bytes into packed_order, which takes turns between the first four and the last, and back.
    inline std::uint64_t ordered(std::uint64_t codes) noexcept
    {
        return spread_bytes(codes & 0xffffffffu) | spread_bytes(codes >> 32) << 8;
    }

    inline std::uint64_t natural(std::uint64_t codes) noexcept
    {
        return gather_bytes(codes) | gather_bytes(codes >> 8) << 32;
    }

    inline void put_nibbles(std::uint8_t const* codes, std::byte* lines, std::size_t row) noexcept
    {
        for (std::size_t l = 0; l != 4; ++l)
        {
            put_dword(lines, l, row, nibbles_of(eight_at(codes + 8 * l)));
        }
    }

    inline void get_nibbles(std::byte const* lines, std::size_t row, std::uint8_t* codes) noexcept
    {
        for (std::size_t l = 0; l != 4; ++l)
        {
            auto const eight = codes_of_nibbles(dword_at(lines, l, row));
            std::memcpy(codes + 8 * l, &eight, 8);
        }
    }

    inline void put_bytes(std::uint8_t const* codes, std::byte* lines, std::size_t row) noexcept
    {
        for (std::size_t l = 0; l != 4; ++l)
        {
            auto const eight = ordered(eight_at(codes + 8 * l));
            put_dword(lines, 2 * l, row, std::uint32_t(eight));
            put_dword(lines, 2 * l + 1, row, std::uint32_t(eight >> 32));
        }
    }

    inline void get_bytes(std::byte const* lines, std::size_t row, std::uint8_t* codes) noexcept
    {
        for (std::size_t l = 0; l != 4; ++l)
        {
            auto const eight =
                natural(dword_at(lines, 2 * l, row) | std::uint64_t(dword_at(lines, 2 * l + 1, row)) << 32);
            std::memcpy(codes + 8 * l, &eight, 8);
        }
    }

    // The line of fifth bits: eight(l) are those of codes [8 l, 8 l + 8), the lowest bit of each byte.
    template <class Eight>
    void put_fifths(Eight&& eight, std::byte* lines, std::size_t row) noexcept
    {
        std::uint32_t word = 0;
        for (std::size_t l = 0; l != 4; ++l)
        {
            auto const bits = ordered(eight(l) & 0x0101010101010101u);
            word |= std::uint32_t(bits) << (2 * l) | std::uint32_t(bits >> 32) << (2 * l + 1);
        }
        put_dword(lines, 4, row, word);
    }

    // Bits 0 to 7, one a byte.
    inline std::uint64_t eight_bits(std::uint32_t bits) noexcept
    {
        auto const places = (bits & 0xffu) * 0x0101010101010101u & 0x8040201008040201u;
        return (places + 0x7f7f7f7f7f7f7f7fu) >> 7 & 0x0101010101010101u;
    }

    // Codes of five bits.
    inline void get_fives(std::byte const* lines, std::size_t row, std::uint8_t* codes) noexcept
    {
        auto const fifths = dword_at(lines, 4, row);
        for (std::size_t l = 0; l != 4; ++l)
        {
            auto const high = natural((fifths >> (2 * l) & 0x01010101u)
                                      | std::uint64_t(fifths >> (2 * l + 1) & 0x01010101u) << 32);
            auto const eight = codes_of_nibbles(dword_at(lines, l, row)) | high << 4;
            std::memcpy(codes + 8 * l, &eight, 8);
        }
    }

    // Codes of six bits: 4 lines of their lower four bits, 2 of their upper two.
    inline void put_sixes(std::uint8_t const* codes, std::byte* lines, std::size_t row) noexcept
    {
        std::uint32_t upper[2] = {};
        for (std::size_t l = 0; l != 4; ++l)
        {
            auto const eight = eight_at(codes + 8 * l);
            put_dword(lines, l, row, nibbles_of(eight & 0x0f0f0f0f0f0f0f0fu));
            auto const high = ordered(eight >> 4 & 0x0303030303030303u);
            upper[l / 2] |=
                std::uint32_t(high) << (4 * (l % 2)) | std::uint32_t(high >> 32) << (4 * (l % 2) + 2);
        }
        put_dword(lines, 4, row, upper[0]);
        put_dword(lines, 5, row, upper[1]);
    }

    inline void get_sixes(std::byte const* lines, std::size_t row, std::uint8_t* codes) noexcept
    {
        for (std::size_t l = 0; l != 4; ++l)
        {
            auto const upper = dword_at(lines, 4 + l / 2, row);
            auto const high = natural((upper >> (4 * (l % 2)) & 0x03030303u)
                                      | std::uint64_t(upper >> (4 * (l % 2) + 2) & 0x03030303u) << 32);
            auto const eight = codes_of_nibbles(dword_at(lines, l, row)) | high << 4;
            std::memcpy(codes + 8 * l, &eight, 8);
        }
    }
}
