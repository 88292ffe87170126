// What the fast kernels need of an instruction set, in plain C++: lanes of 32 bits, each with a dot product
// of four bytes.
//
// A type of this shape is what the kernels are keyed on; dot_x86.hpp and dot_arm.hpp have the others. `bytes`
// are `lanes` dwords of four bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gemma4::inline v0::simd::arch
{
    struct portable_dot
    {
        static constexpr char const* name = "portable";
        static constexpr std::size_t lanes = 4;
        static constexpr std::size_t registers = 16;
        // Whether wide() and dot_wide() take codes as int8 or code + 128.
        static constexpr bool signed_codes = false;
        static constexpr bool has_bf16_dot = false;
        // Whether two rows of weights meet two of activations in one instruction.
        static constexpr bool has_matrix_bytes = false;
        // Whether asking for weights ahead of the loop makes it faster.
        static constexpr bool prefetches = false;

        struct ints
        {
            std::int32_t v[lanes];
        };
        struct floats
        {
            float v[lanes];
        };
        struct bytes
        {
            std::uint32_t v[lanes];
        };

        template <class To, class Each>
        [[gnu::always_inline]] static To each(Each value)
        {
            To out;
            for (std::size_t i = 0; i != lanes; ++i) { out.v[i] = value(i); }
            return out;
        }

        [[gnu::always_inline]] static bytes load(void const* p)
        {
            bytes out;
            std::memcpy(&out, p, sizeof out);
            return out;
        }
        [[gnu::always_inline]] static bytes spread_dword(void const* p)
        {
            std::uint32_t word;
            std::memcpy(&word, p, 4);
            return each<bytes>([=](std::size_t) { return word; });
        }
        [[gnu::always_inline]] static ints spread(std::int32_t x)
        {
            return each<ints>([=](std::size_t) { return x; });
        }
        [[gnu::always_inline]] static floats spread(float x)
        {
            return each<floats>([=](std::size_t) { return x; });
        }

        // The lower and the upper half of each byte.
        [[gnu::always_inline]] static bytes low4(bytes b)
        {
            return each<bytes>([=](std::size_t i) { return b.v[i] & 0x0f0f0f0fu; });
        }
        [[gnu::always_inline]] static bytes high4(bytes b)
        {
            return each<bytes>([=](std::size_t i) { return b.v[i] >> 4 & 0x0f0f0f0fu; });
        }
        // Bits 2 I and 2 I + 1 of each byte of upper above the four of low.
        template <int I>
        [[gnu::always_inline]] static bytes six(bytes low, bytes upper)
        {
            return each<bytes>([=](std::size_t i)
                               { return low.v[i] | (upper.v[i] >> (2 * I) & 0x03030303u) << 4; });
        }
        // Bit I of each byte of upper above the four of low.
        template <int I>
        [[gnu::always_inline]] static bytes five(bytes low, bytes upper)
        {
            return each<bytes>([=](std::size_t i)
                               { return low.v[i] | (upper.v[i] >> I & 0x01010101u) << 4; });
        }
        // Stored codes (xor 0x80) as dot_wide takes them.
        [[gnu::always_inline]] static bytes wide(bytes b) { return b; }

        // sum + w . a in each lane; w < 64, a in [-127, 127].
        [[gnu::always_inline]] static ints dot_small(ints sum, bytes w, bytes a)
        {
            return each<ints>(
                [=](std::size_t i)
                {
                    auto s = sum.v[i];
                    for (int b = 0; b != 32; b += 8)
                    {
                        s += std::int32_t(w.v[i] >> b & 0xffu) * std::int8_t(a.v[i] >> b & 0xffu);
                    }
                    return s;
                });
        }
        // The same with eight bits of w.
        [[gnu::always_inline]] static ints dot_wide(ints sum, bytes w, bytes a)
        {
            return dot_small(sum, w, a);
        }

        [[gnu::always_inline]] static ints add(ints a, ints b)
        {
            return each<ints>([=](std::size_t i) { return a.v[i] + b.v[i]; });
        }
        template <int Bits>
        [[gnu::always_inline]] static ints shift_left(ints a)
        {
            return each<ints>([=](std::size_t i) { return a.v[i] * (1 << Bits); });
        }
        [[gnu::always_inline]] static floats to_floats(ints a)
        {
            return each<floats>([=](std::size_t i) { return float(a.v[i]); });
        }

        // `lanes` numbers at p as floats.
        [[gnu::always_inline]] static floats load_float(void const* p)
        {
            floats out;
            std::memcpy(&out, p, sizeof out);
            return out;
        }
        [[gnu::always_inline]] static floats load_f16(void const* p)
        {
            std::uint16_t half[lanes];
            std::memcpy(&half, p, sizeof half);
            return each<floats>(
                [&](std::size_t i)
                {
                    auto const magnitude = std::uint32_t(half[i] & 0x7fffu);
                    auto const finite = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
                    auto const special = magnitude > 0x7bffu ? 0x7f800000u : 0u;
                    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(finite) | special
                                                | std::uint32_t(half[i] & 0x8000u) << 16);
                });
        }
        [[gnu::always_inline]] static floats load_u8(void const* p)
        {
            std::uint8_t byte[lanes];
            std::memcpy(&byte, p, sizeof byte);
            return each<floats>([&](std::size_t i) { return float(byte[i]); });
        }
        [[gnu::always_inline]] static floats load_i8(void const* p)
        {
            std::int8_t byte[lanes];
            std::memcpy(&byte, p, sizeof byte);
            return each<floats>([&](std::size_t i) { return float(byte[i]); });
        }
        [[gnu::always_inline]] static void store(float* p, floats a) { std::memcpy(p, &a, sizeof a); }

        [[gnu::always_inline]] static floats add(floats a, floats b)
        {
            return each<floats>([=](std::size_t i) { return a.v[i] + b.v[i]; });
        }
        [[gnu::always_inline]] static floats multiply(floats a, floats b)
        {
            return each<floats>([=](std::size_t i) { return a.v[i] * b.v[i]; });
        }
        // a b + c, fused where the instruction set can.
        [[gnu::always_inline]] static floats fma(floats a, floats b, floats c)
        {
            return each<floats>([=](std::size_t i) { return a.v[i] * b.v[i] + c.v[i]; });
        }

        // The first and the second bfloat16 of each dword.
        [[gnu::always_inline]] static floats first_bf16(bytes b)
        {
            return each<floats>([=](std::size_t i) { return std::bit_cast<float>(b.v[i] << 16); });
        }
        [[gnu::always_inline]] static floats second_bf16(bytes b)
        {
            return each<floats>([=](std::size_t i) { return std::bit_cast<float>(b.v[i] & 0xffff0000u); });
        }

        // Byte I of each dword.
        template <int I>
        [[gnu::always_inline]] static floats byte(bytes b)
        {
            return each<floats>([=](std::size_t i) { return float(b.v[i] >> (8 * I) & 0xffu); });
        }
        // `lanes` bfloat16, in order, rounded to nearest even, a NaN stays one; and back.
        [[gnu::always_inline]] static void store_bf16(void* p, floats a)
        {
            std::uint16_t half[lanes];
            for (std::size_t i = 0; i != lanes; ++i)
            {
                auto const u = std::bit_cast<std::uint32_t>(a.v[i]);
                bool const is_nan = (u & 0x7fffffffu) > 0x7f800000u;
                half[i] = std::uint16_t((is_nan ? u | 0x400000u : u + 0x7fffu + (u >> 16 & 1u)) >> 16);
            }
            std::memcpy(p, half, sizeof half);
        }
        [[gnu::always_inline]] static floats load_bf16(void const* p)
        {
            std::uint16_t half[lanes];
            std::memcpy(half, p, sizeof half);
            return each<floats>([&](std::size_t i)
                                { return std::bit_cast<float>(std::uint32_t(half[i]) << 16); });
        }
        [[gnu::always_inline]] static void store_bf16_line(void* p, floats first, floats second)
        {
            store_bf16(p, first);
            store_bf16(static_cast<std::byte*>(p) + 2 * lanes, second);
        }
        // Pairs (first, second), rounded to nearest, halves up.
        [[gnu::always_inline]] static void store_bf16(void* p, floats first, floats second)
        {
            auto const out = each<bytes>(
                [=](std::size_t i)
                {
                    return (std::bit_cast<std::uint32_t>(first.v[i]) + 0x8000u) >> 16
                           | ((std::bit_cast<std::uint32_t>(second.v[i]) + 0x8000u) & 0xffff0000u);
                });
            std::memcpy(p, &out, sizeof out);
        }

        // For the matrix unit's epilogues, where results become bfloat16: relative errors of up to 2^-13.
        [[gnu::always_inline]] static floats exp2(floats a)
        {
            return each<floats>([=](std::size_t i) { return __builtin_exp2f(a.v[i]); });
        }
        [[gnu::always_inline]] static floats exp2_coarse(floats a) { return exp2(a); }
        [[gnu::always_inline]] static floats max(floats a, floats b)
        {
            return each<floats>([=](std::size_t i) { return a.v[i] < b.v[i] ? b.v[i] : a.v[i]; });
        }
        [[gnu::always_inline]] static float largest_of(floats a)
        {
            float most = a.v[0];
            for (std::size_t i = 1; i != lanes; ++i) { most = most < a.v[i] ? a.v[i] : most; }
            return most;
        }
        [[gnu::always_inline]] static float sum_of(floats a)
        {
            float sum = a.v[0];
            for (std::size_t i = 1; i != lanes; ++i) { sum += a.v[i]; }
            return sum;
        }
        // x[i] *= a lane of factor, i < n; the lanes are the same.
        [[gnu::always_inline]] static void scale_by(float* x, floats factor, std::size_t n)
        {
            for (std::size_t i = 0; i != n; ++i) { x[i] *= factor.v[0]; }
        }
        [[gnu::always_inline]] static floats reciprocal(floats a)
        {
            return each<floats>([=](std::size_t i) { return 1.0f / a.v[i]; });
        }
        // x between low and high; a NaN stays one.
        [[gnu::always_inline]] static floats clamp(floats x, floats low, floats high)
        {
            return each<floats>(
                [=](std::size_t i)
                {
                    auto const above = x.v[i] < low.v[i] ? low.v[i] : x.v[i];
                    return above > high.v[i] ? high.v[i] : above;
                });
        }

        // 16 lines of 16 dwords: dword j of line i to dword i of line j.
        [[gnu::always_inline]] static void transpose(void const* from, void* to)
        {
            auto const* const lines = static_cast<std::byte const*>(from);
            auto* const out = static_cast<std::byte*>(to);
            for (std::size_t i = 0; i != 16; ++i)
            {
                for (std::size_t j = 0; j != 16; ++j)
                {
                    std::memcpy(out + 64 * j + 4 * i, lines + 64 * i + 4 * j, 4);
                }
            }
        }

        [[gnu::always_inline]] static void prefetch(void const* p) { __builtin_prefetch(p, 0, 3); }
        // For what is read some thousand cycles later.
        [[gnu::always_inline]] static void prefetch_late(void const* p) { __builtin_prefetch(p, 0, 2); }
    };
}
