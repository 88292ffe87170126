// Packs float rows: rounded to bfloat16, or quantised as ggml's reference quantises Q8_0 and Q4_0.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <gemma4/core/finite.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/packing/packed_codes.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Codes cannot say what is not finite: the scale of such a group is NaN. `zero`: the code of 0.
        inline bool is_spoiled(float const* x, std::uint8_t zero, std::uint8_t* codes, f16& scale) noexcept
        {
            if (all_finite({x, packed_group})) { return false; }
            std::memset(codes, zero, packed_group);
            scale = f16{0x7e00};
            return true;
        }

        // d = amax / 127, rounded to binary16 for storing only; code = round(x / d), halves away from zero.
        inline void quantise_q8(float const* x, std::uint8_t* codes, f16& scale) noexcept
        {
            if (is_spoiled(x, 128, codes, scale)) { return; }
            float amax = 0;
            for (std::size_t i = 0; i != packed_group; ++i) { amax = std::fmax(amax, std::fabs(x[i])); }
            auto const d = amax / 127.0f;
            auto const inverse = d != 0 ? 1.0f / d : 0.0f;
            scale = f16::from(d);
            for (std::size_t i = 0; i != packed_group; ++i)
            {
                codes[i] = std::uint8_t(int(std::round(x[i] * inverse)) + 128);
            }
        }

        // d = the value of largest magnitude / -8; code = min(15, trunc(x / d + 8.5)).
        inline void quantise_q4(float const* x, std::uint8_t* codes, f16& scale) noexcept
        {
            if (is_spoiled(x, 8, codes, scale)) { return; }
            float amax = 0, extreme = 0;
            for (std::size_t i = 0; i != packed_group; ++i)
            {
                if (std::fabs(x[i]) > amax) { amax = std::fabs(x[i]), extreme = x[i]; }
            }
            auto const d = extreme / -8.0f;
            auto const inverse = d != 0 ? 1.0f / d : 0.0f;
            scale = f16::from(d);
            for (std::size_t i = 0; i != packed_group; ++i)
            {
                auto const code = int(x[i] * inverse + 8.5f);
                codes[i] = std::uint8_t(code > 15 ? 15 : code);
            }
        }
    }

    // The types quantise_rows takes.
    constexpr bool quantises_to(packed_type type) noexcept
    {
        return type == packed_type::q4 || type == packed_type::q8 || type == packed_type::bf16;
    }

    // Up to 16 rows of any width, ldx apart, into one block of q4, q8 or bf16; missing rows and
    // columns become zero. False, and nothing is written, for other types.
    inline bool quantise_rows(packed_type type, float const* x, std::size_t ldx, std::size_t row_count,
                              std::size_t ins, std::byte* block)
    {
        if (!quantises_to(type)) { return false; }
        std::memset(block, 0, packed_block_bytes(type, ins));
        for (std::size_t row = 0; row != row_count; ++row)
        {
            for (std::size_t k = 0; k < ins; k += packed_group)
            {
                auto const count = ins - k < packed_group ? ins - k : packed_group;
                float padded[packed_group] = {};
                std::memcpy(padded, x + row * ldx + k, count * sizeof(float));
                auto const at = packed_group_at(type, k / packed_group);
                if (type == packed_type::bf16)
                {
                    for (std::size_t i = 0; i != packed_group; i += 2)
                    {
                        auto const pair =
                            bf16::from(padded[i]).bits | std::uint32_t(bf16::from(padded[i + 1]).bits) << 16;
                        detail::put_dword(block + at.codes, i / 2, row, pair);
                    }
                    continue;
                }
                std::uint8_t codes[packed_group];
                f16 scale;
                if (type == packed_type::q4)
                {
                    detail::quantise_q4(padded, codes, scale);
                    detail::put_nibbles(codes, block + at.codes, row);
                }
                else
                {
                    detail::quantise_q8(padded, codes, scale);
                    detail::put_bytes(codes, block + at.codes, row);
                }
                std::memcpy(block + at.scales + 2 * row, &scale.bits, 2);
            }
        }
        return true;
    }
}
