// Packs rows of a GGUF tensor without loss: the packed weights have the bits that formats/ dequantises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include <gemma4/formats/format_of.hpp>
#include <gemma4/packing/packed_codes.hpp>

namespace gemma4::inline v0
{
    // The packed type that holds this tensor type without loss; none for F32 and for types without a format
    // here.
    constexpr std::optional<packed_type> packed_type_of(ggml_type type) noexcept
    {
        switch (type)
        {
        case ggml_type::q4_0: return packed_type::q4;
        case ggml_type::q4_1: return packed_type::q4s;
        case ggml_type::q4_k: return packed_type::q4k;
        case ggml_type::q5_0: return packed_type::q5;
        case ggml_type::q5_1: return packed_type::q5s;
        case ggml_type::q5_k: return packed_type::q5k;
        case ggml_type::q6_k: return packed_type::q6;
        case ggml_type::q8_0:
        case ggml_type::iq4_nl: return packed_type::q8;
        case ggml_type::q2_k:
        case ggml_type::q3_k:
        case ggml_type::iq4_xs:
        case ggml_type::mxfp4:
        case ggml_type::nvfp4: return packed_type::q8g;
        case ggml_type::bf16: return packed_type::bf16;
        case ggml_type::f16: return packed_type::f16;
        default: return std::nullopt;
        }
    }

    namespace detail
    {
        inline void put_half(std::byte* line, std::size_t row, std::byte const* half) noexcept
        {
            std::memcpy(line + 2 * row, half, 2);
        }

        inline void put_float(std::byte* line, std::size_t row, float x) noexcept
        {
            std::memcpy(line + 4 * row, &x, 4);
        }

        // The codes of a block of 32 whose lower bits are 16 bytes at `low`, i and i + 16 in one byte.
        inline void put_nibbles_of(std::byte const* low, std::size_t row, std::byte* lines) noexcept
        {
            std::uint64_t bytes[2];
            std::memcpy(bytes, low, 16);
            constexpr std::uint64_t mask = 0x0f0f0f0f0f0f0f0fu;
            put_dword(lines, 0, row, nibbles_of(bytes[0] & mask));
            put_dword(lines, 1, row, nibbles_of(bytes[1] & mask));
            put_dword(lines, 2, row, nibbles_of(bytes[0] >> 4 & mask));
            put_dword(lines, 3, row, nibbles_of(bytes[1] >> 4 & mask));
        }

        // The same with a word of fifth bits before them.
        inline void put_fives_of(std::byte const* fifths, std::size_t row, std::byte* lines) noexcept
        {
            put_nibbles_of(fifths + 4, row, lines);
            auto const word = word_at(fifths, 0);
            put_fifths([&](std::size_t l) { return eight_bits(word >> (8 * l)); }, lines, row);
        }

        // 32 signed codes of q8, and where their group's scale goes.
        template <class Code>
        void put_q8(std::byte const* scale, Code&& code, std::size_t row, std::size_t group,
                    std::byte* block) noexcept
        {
            std::uint8_t codes[32];
            for (std::size_t i = 0; i != 32; ++i) { codes[i] = std::uint8_t(unsigned(code(i)) ^ 0x80u); }
            auto const at = packed_group_at(packed_type::q8, group);
            put_half(block + at.scales, row, scale);
            put_bytes(codes, block + at.codes, row);
        }

        // 32 signed codes of q8g; scale(h) and offset(h) of each 16.
        template <class Code, class Scale, class Offset>
        void put_q8g(Code&& code, Scale&& scale, Offset&& offset, std::size_t row, std::size_t group,
                     std::byte* block) noexcept
        {
            std::uint8_t codes[32];
            for (std::size_t i = 0; i != 32; ++i) { codes[i] = std::uint8_t(unsigned(code(i)) ^ 0x80u); }
            auto const at = packed_group_at(packed_type::q8g, group);
            for (std::size_t h = 0; h != 2; ++h)
            {
                put_float(block + at.scales + 64 * h, row, scale(h));
                put_float(block + at.scales + 128 + 64 * h, row, offset(h));
            }
            put_bytes(codes, block + at.codes, row);
        }

        // x + (-0) is x for every x, zeros included.
        inline constexpr auto no_offset = [](std::size_t) { return -0.0f; };

        // One block of a format into its place; `group` is the first of the groups that the block covers.
        inline void pack(q4_0, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            auto const at = packed_group_at(packed_type::q4, group);
            put_half(block + at.scales, row, from);
            put_nibbles_of(from + 2, row, block + at.codes);
        }

        inline void pack(q5_0, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            auto const at = packed_group_at(packed_type::q5, group);
            put_half(block + at.scales, row, from);
            put_fives_of(from + 2, row, block + at.codes);
        }

        inline void pack(q4_1, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            auto const at = packed_group_at(packed_type::q4s, group);
            put_half(block + at.scales, row, from);
            put_half(block + at.scales + 32, row, from + 2);
            put_nibbles_of(from + 4, row, block + at.codes);
        }

        inline void pack(q5_1, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            auto const at = packed_group_at(packed_type::q5s, group);
            put_half(block + at.scales, row, from);
            put_half(block + at.scales + 32, row, from + 2);
            put_fives_of(from + 4, row, block + at.codes);
        }

        inline void pack(q8_0, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            put_q8(
                from, [&](std::size_t i) { return signed_byte_at(from, 2 + i); }, row, group, block);
        }

        inline void pack(iq4_nl, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            put_q8(
                from, [&](std::size_t i) { return int(iq4_levels[nibble(from, 2, i)]); }, row, group, block);
        }

        inline void pack(mxfp4, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            put_q8g([&](std::size_t i) { return int(doubled_e2m1[nibble(from, 1, i)]); },
                    [&](std::size_t) { return half_e8m0(byte_at(from, 0)); }, no_offset, row, group, block);
        }

        inline void pack(nvfp4, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            for (std::size_t g = 0; g != 2; ++g)
            {
                auto const* const q = from + 4 + 16 * g;
                put_q8g(
                    [&](std::size_t i)
                    { return int(doubled_e2m1[byte_at(q, i / 16 * 8 + i % 8) >> (i % 16 / 8 * 4) & 15u]); },
                    [&](std::size_t h) { return half_ue4m3(byte_at(from, 2 * g + h)); }, no_offset, row,
                    group + g, block);
            }
        }

        // Q4_K and Q5_K, whose fifth bits lie between the scales and the lower bits.
        template <packed_type Type>
        void put_super(std::byte const* from, std::byte const* low, std::size_t row, std::size_t group,
                       std::byte* block) noexcept
        {
            auto* const super = block + packed_super_at(Type, group);
            put_half(super, row, from);
            put_half(super + 32, row, from + 2);
            auto const eight = [](std::byte const* bytes, std::size_t l, std::size_t shift)
            {
                std::uint64_t word;
                std::memcpy(&word, bytes + 8 * l, 8);
                return word >> shift;
            };
            for (std::size_t j = 0; j != 8; ++j)
            {
                auto const [scale, min] = scale_and_min_of(from + 4, j);
                auto const at = packed_group_at(Type, group + j);
                block[at.scales + row] = std::byte(int(scale));
                block[at.scales + 16 + row] = std::byte(int(min));
                for (std::size_t l = 0; l != 4; ++l)
                {
                    auto const codes = eight(low + 32 * (j / 2), l, 4 * (j % 2));
                    put_dword(block + at.codes, l, row, nibbles_of(codes & 0x0f0f0f0f0f0f0f0fu));
                }
                if constexpr (Type == packed_type::q5k)
                {
                    put_fifths([&](std::size_t l) { return eight(from + 16, l, j); }, block + at.codes, row);
                }
            }
        }

        inline void pack(q4_k, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            put_super<packed_type::q4k>(from, from + 16, row, group, block);
        }

        inline void pack(q5_k, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            put_super<packed_type::q5k>(from, from + 48, row, group, block);
        }

        inline void pack(q6_k, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            put_half(block + packed_super_at(packed_type::q6, group), row, from + 208);
            for (std::size_t j = 0; j != 8; ++j)
            {
                auto const half = j / 4;
                auto const quarter = j % 4;
                std::uint8_t codes[32];
                for (std::size_t i = 0; i != 32; ++i)
                {
                    auto const low =
                        byte_at(from, 64 * half + 32 * (quarter % 2) + i) >> (quarter / 2 * 4) & 15u;
                    auto const high = byte_at(from, 128 + 32 * half + i) >> (2 * quarter) & 3u;
                    codes[i] = std::uint8_t(low | high << 4);
                }
                auto const at = packed_group_at(packed_type::q6, group + j);
                block[at.scales + row] = from[192 + 2 * j];
                block[at.scales + 16 + row] = from[192 + 2 * j + 1];
                put_sixes(codes, block + at.codes, row);
            }
        }

        inline void pack(q2_k, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            for (std::size_t j = 0; j != 8; ++j)
            {
                put_q8g([&](std::size_t i) { return int(two_bits(from + 16, 32 * j + i)); },
                        [&](std::size_t h)
                        { return half_at(from, 80) * float(byte_at(from, 2 * j + h) & 15u); },
                        [&](std::size_t h)
                        { return -(half_at(from, 82) * float(byte_at(from, 2 * j + h) >> 4)); },
                        row, group + j, block);
            }
        }

        inline void pack(q3_k, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            for (std::size_t j = 0; j != 8; ++j)
            {
                put_q8g(
                    [&](std::size_t i)
                    { return int(two_bits(from + 32, 32 * j + i) | (byte_at(from, i) >> j & 1u) << 2) - 4; },
                    [&](std::size_t h)
                    {
                        auto const s = 2 * j + h;
                        auto const low = byte_at(from, 96 + s % 8) >> (s / 8 * 4) & 15u;
                        auto const high = byte_at(from, 104 + s % 4) >> (s / 4 * 2) & 3u;
                        return half_at(from, 108) * float(int(low | high << 4) - 32);
                    },
                    no_offset, row, group + j, block);
            }
        }

        inline void pack(iq4_xs, std::byte const* from, std::size_t row, std::size_t group,
                         std::byte* block) noexcept
        {
            auto const upper = byte_at(from, 2) | byte_at(from, 3) << 8;
            for (std::size_t j = 0; j != 8; ++j)
            {
                auto const low = byte_at(from, 4 + j / 2) >> (j % 2 * 4) & 15u;
                auto const factor = half_at(from, 0) * float(int(low | (upper >> (2 * j) & 3u) << 4) - 32);
                put_q8g([&](std::size_t i) { return int(iq4_levels[nibble(from, 8 + 16 * j, i)]); },
                        [&](std::size_t) { return factor; }, no_offset, row, group + j, block);
            }
        }

        // Plain formats: 32 weights at a time (`count` of them; the rest stays zero).
        inline void pack_plain(packed_type type, std::byte const* from, std::size_t count, std::size_t row,
                               std::size_t group, std::byte* block) noexcept
        {
            auto* const lines = block + packed_group_at(type, group).codes;
            if (type == packed_type::f16)
            {
                for (std::size_t i = 0; i != count; ++i)
                {
                    std::memcpy(lines + 32 * i + 2 * row, from + 2 * i, 2);
                }
                return;
            }
            for (std::size_t i = 0; i + 1 < count; i += 2)
            {
                std::memcpy(lines + 32 * i + 4 * row, from + 2 * i, 4);
            }
            if (count % 2) { std::memcpy(lines + 32 * (count - 1) + 4 * row, from + 2 * (count - 1), 2); }
        }
    }

    // Up to 16 rows of a GGUF tensor, `row_bytes` apart, into one block of packed_type_of(type); ins is a
    // multiple of the type's block, missing rows become zero. False, and nothing is written, where there is
    // no such packed type.
    inline bool pack_rows(ggml_type type, std::byte const* rows, std::size_t row_bytes, std::size_t row_count,
                          std::size_t ins, std::byte* block)
    {
        auto const packed = packed_type_of(type);
        if (!packed) { return false; }
        if (row_count < packed_rows || ins % packed_unit(*packed) || *packed == packed_type::q4
            || *packed == packed_type::q5 || *packed == packed_type::q8 || *packed == packed_type::q6)
        {
            std::memset(block, 0, packed_block_bytes(*packed, ins));
        }
        return with_format(type,
                           [&]<class Format>(Format format)
                           {
                               for (std::size_t row = 0; row != row_count; ++row)
                               {
                                   auto const* from = rows + row * row_bytes;
                                   if constexpr (Format::weights_per_block == 1)
                                   {
                                       for (std::size_t k = 0; k < ins; k += packed_group)
                                       {
                                           auto const count = ins - k < packed_group ? ins - k : packed_group;
                                           detail::pack_plain(*packed, from + 2 * k, count, row,
                                                              k / packed_group, block);
                                       }
                                   }
                                   else
                                   {
                                       for (std::size_t k = 0; k != ins; k += Format::weights_per_block)
                                       {
                                           detail::pack(format, from, row, k / packed_group, block);
                                           from += Format::bytes_per_block;
                                       }
                                   }
                               }
                           });
    }
}
