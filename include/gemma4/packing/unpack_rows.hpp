// The exact float32 weights of a packed block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <gemma4/core/types.hpp>
#include <gemma4/formats/block.hpp>
#include <gemma4/packing/packed_codes.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline float float_at(std::byte const* line, std::size_t row) noexcept
        {
            float x;
            std::memcpy(&x, line + 4 * row, 4);
            return x;
        }

        // Codes of four or five bits.
        inline void get_small(packed_type type, std::byte const* lines, std::size_t row,
                              std::uint8_t* codes) noexcept
        {
            if (packed_code_bytes(type) == packed_code_bytes(packed_type::q4))
            {
                get_nibbles(lines, row, codes);
            }
            else { get_fives(lines, row, codes); }
        }

        // Group `group` of one row: 32 weights.
        inline void unpack_group(packed_type type, std::byte const* block, std::size_t group, std::size_t row,
                                 float* out) noexcept
        {
            auto const at = packed_group_at(type, group);
            auto const* const scales = block + at.scales;
            auto const* const lines = block + at.codes;
            std::uint8_t codes[32];
            auto const each = [&](auto&& weight)
            {
                for (std::size_t i = 0; i != 32; ++i) { out[i] = weight(i); }
            };
            switch (type)
            {
            case packed_type::q4:
            case packed_type::q5:
            {
                get_small(type, lines, row, codes);
                auto const d = half_at(scales, 2 * row);
                auto const zero = type == packed_type::q4 ? 8 : 16;
                each([&](std::size_t i) { return d * float(int(codes[i]) - zero); });
                break;
            }
            case packed_type::q4s:
            case packed_type::q5s:
            {
                get_small(type, lines, row, codes);
                auto const d = half_at(scales, 2 * row);
                auto const m = half_at(scales, 32 + 2 * row);
                each([&](std::size_t i) { return d * float(codes[i]) + m; });
                break;
            }
            case packed_type::q4k:
            case packed_type::q5k:
            {
                get_small(type, lines, row, codes);
                auto const* const super = block + packed_super_at(type, group);
                auto const factor = half_at(super, 2 * row) * float(byte_at(scales, row));
                auto const offset = half_at(super, 32 + 2 * row) * float(byte_at(scales, 16 + row));
                each([&](std::size_t i) { return factor * float(codes[i]) - offset; });
                break;
            }
            case packed_type::q6:
            {
                get_sixes(lines, row, codes);
                auto const d = half_at(block + packed_super_at(type, group), 2 * row);
                float const factor[2] = {d * float(signed_byte_at(scales, row)),
                                         d * float(signed_byte_at(scales, 16 + row))};
                each([&](std::size_t i) { return factor[i / 16] * float(int(codes[i]) - 32); });
                break;
            }
            case packed_type::q8:
            {
                get_bytes(lines, row, codes);
                auto const d = half_at(scales, 2 * row);
                each([&](std::size_t i) { return d * float(int(codes[i]) - 128); });
                break;
            }
            case packed_type::q8g:
            {
                get_bytes(lines, row, codes);
                float const scale[2] = {float_at(scales, row), float_at(scales + 64, row)};
                float const offset[2] = {float_at(scales + 128, row), float_at(scales + 192, row)};
                each([&](std::size_t i)
                     { return scale[i / 16] * float(int(codes[i]) - 128) + offset[i / 16]; });
                break;
            }
            case packed_type::bf16:
                each(
                    [&](std::size_t i)
                    {
                        auto const word = dword_at(lines, i / 2, row);
                        return bf16{std::uint16_t(word >> (i % 2 * 16))}.value();
                    });
                break;
            case packed_type::f16:
                each([&](std::size_t i) { return half_at(lines, 32 * i + 2 * row); });
                break;
            }
        }
    }

    // Rows [first, first + count) of a block of 16: out (count, ldo) float32, the same bits as formats/ where
    // the block was packed from a GGUF tensor.
    inline void unpack_rows(packed_type type, std::byte const* block, std::size_t ins, std::size_t first,
                            std::size_t count, float* out, std::size_t ldo) noexcept
    {
        for (std::size_t k = 0; k < ins; k += packed_group)
        {
            auto const whole = ins - k >= packed_group;
            for (std::size_t row = 0; row != count; ++row)
            {
                float tail[packed_group];
                auto* const to = out + row * ldo + k;
                detail::unpack_group(type, block, k / packed_group, first + row, whole ? to : tail);
                if (!whole) { std::memcpy(to, tail, (ins - k) * sizeof(float)); }
            }
        }
    }
}
