// The dot products of bytes of AArch64: sdot (Armv8.2 with the dot product extension) and smmla (i8mm).
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/simd/arch/dot_portable.hpp>

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>

namespace gemma4::inline v0::simd::arch
{
    struct neon_dot
    {
        static constexpr char const* name = "dotprod";
        static constexpr std::size_t lanes = 4;
        static constexpr std::size_t registers = 32;
        static constexpr bool signed_codes = true;
        static constexpr bool has_bf16_dot = false;
        static constexpr bool has_matrix_bytes = false;
        static constexpr bool prefetches = false;

        using ints = int32x4_t;
        using bytes = uint8x16_t;
        using floats = float32x4_t;

        [[gnu::always_inline]] static bytes load(void const* p)
        {
            return vld1q_u8(static_cast<std::uint8_t const*>(p));
        }
        [[gnu::always_inline]] static bytes spread_dword(void const* p)
        {
            std::uint32_t word;
            __builtin_memcpy(&word, p, 4);
            return vreinterpretq_u8_u32(vdupq_n_u32(word));
        }
        [[gnu::always_inline]] static ints spread(std::int32_t x) { return vdupq_n_s32(x); }
        [[gnu::always_inline]] static floats spread(float x) { return vdupq_n_f32(x); }

        [[gnu::always_inline]] static bytes low4(bytes b) { return vandq_u8(b, vdupq_n_u8(0x0f)); }
        [[gnu::always_inline]] static bytes high4(bytes b) { return vshrq_n_u8(b, 4); }
        template <int I>
        [[gnu::always_inline]] static bytes six(bytes low, bytes upper)
        {
            if constexpr (I < 2)
            {
                return vorrq_u8(low, vandq_u8(vshlq_n_u8(upper, 4 - 2 * I), vdupq_n_u8(0x30)));
            }
            else if constexpr (I == 2) { return vorrq_u8(low, vandq_u8(upper, vdupq_n_u8(0x30))); }
            else { return vorrq_u8(low, vandq_u8(vshrq_n_u8(upper, 2), vdupq_n_u8(0x30))); }
        }
        template <int I>
        [[gnu::always_inline]] static bytes five(bytes low, bytes upper)
        {
            auto const bit = vdupq_n_u8(0x10);
            if constexpr (I < 4) { return vorrq_u8(low, vandq_u8(vshlq_n_u8(upper, 4 - I), bit)); }
            else if constexpr (I == 4) { return vorrq_u8(low, vandq_u8(upper, bit)); }
            else { return vorrq_u8(low, vandq_u8(vshrq_n_u8(upper, I - 4), bit)); }
        }
        [[gnu::always_inline]] static bytes wide(bytes b) { return veorq_u8(b, vdupq_n_u8(0x80)); }

        [[gnu::always_inline]] static ints dot_small(ints sum, bytes w, bytes a)
        {
            return vdotq_s32(sum, vreinterpretq_s8_u8(w), vreinterpretq_s8_u8(a));
        }
        [[gnu::always_inline]] static ints dot_wide(ints sum, bytes w, bytes a)
        {
            return dot_small(sum, w, a);
        }

        [[gnu::always_inline]] static ints add(ints a, ints b) { return vaddq_s32(a, b); }
        template <int Bits>
        [[gnu::always_inline]] static ints shift_left(ints a)
        {
            return vshlq_n_s32(a, Bits);
        }
        [[gnu::always_inline]] static floats to_floats(ints a) { return vcvtq_f32_s32(a); }

        [[gnu::always_inline]] static floats load_float(void const* p)
        {
            return vld1q_f32(static_cast<float const*>(p));
        }
        [[gnu::always_inline]] static floats load_f16(void const* p)
        {
            return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(static_cast<std::uint16_t const*>(p))));
        }
        [[gnu::always_inline]] static floats load_u8(void const* p)
        {
            std::uint32_t word;
            __builtin_memcpy(&word, p, 4);
            auto const eight = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(word)));
            return vcvtq_f32_u32(vmovl_u16(vget_low_u16(eight)));
        }
        [[gnu::always_inline]] static floats load_i8(void const* p)
        {
            std::uint32_t word;
            __builtin_memcpy(&word, p, 4);
            auto const eight = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(word)));
            return vcvtq_f32_s32(vmovl_s16(vget_low_s16(eight)));
        }
        [[gnu::always_inline]] static void store(float* p, floats a) { vst1q_f32(p, a); }

        [[gnu::always_inline]] static floats add(floats a, floats b) { return vaddq_f32(a, b); }
        [[gnu::always_inline]] static floats multiply(floats a, floats b) { return vmulq_f32(a, b); }
        [[gnu::always_inline]] static floats fma(floats a, floats b, floats c) { return vfmaq_f32(c, a, b); }

        [[gnu::always_inline]] static floats first_bf16(bytes b)
        {
            return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u8(b), 16));
        }
        [[gnu::always_inline]] static floats second_bf16(bytes b)
        {
            return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u8(b), vdupq_n_u32(0xffff0000u)));
        }

        [[gnu::always_inline]] static void prefetch(void const* p) { __builtin_prefetch(p, 0, 3); }
    };

#if defined(__ARM_FEATURE_MATMUL_INT8)
    // With products of two rows of eight bytes by two others (smmla).
    struct neon_i8mm_dot : neon_dot
    {
        static constexpr char const* name = "i8mm";
        static constexpr bool has_matrix_bytes = true;

        // Two lines, each with four codes of rows 0 1 2 3, to eight codes of rows 0 1 and of rows 2 3.
        [[gnu::always_inline]] static void pair_lines(bytes& first, bytes& second)
        {
            auto const a = vreinterpretq_u32_u8(first);
            auto const b = vreinterpretq_u32_u8(second);
            first = vreinterpretq_u8_u32(vzip1q_u32(a, b));
            second = vreinterpretq_u8_u32(vzip2q_u32(a, b));
        }
        // Eight codes of one row of activations, then eight of another.
        [[gnu::always_inline]] static bytes pair_codes(void const* first, void const* second)
        {
            return vcombine_u8(vld1_u8(static_cast<std::uint8_t const*>(first)),
                               vld1_u8(static_cast<std::uint8_t const*>(second)));
        }
        // sum + (w0 . a0, w0 . a1, w1 . a0, w1 . a1) of such pairs, all int8.
        [[gnu::always_inline]] static ints dot_pairs(ints sum, bytes w, bytes a)
        {
            return vmmlaq_s32(sum, vreinterpretq_s8_u8(w), vreinterpretq_s8_u8(a));
        }
        // The sums of the first and of the second row of activations, of those of rows 0 1 and of rows 2 3.
        [[gnu::always_inline]] static ints first_of(ints low, ints high) { return vuzp1q_s32(low, high); }
        [[gnu::always_inline]] static ints second_of(ints low, ints high) { return vuzp2q_s32(low, high); }
    };

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
    // With products of pairs of bfloat16 (bfdot).
    struct neon_bf16_dot : neon_i8mm_dot
    {
        static constexpr char const* name = "i8mmbf16";
        static constexpr bool has_bf16_dot = true;

        // sum + first . first + second . second of the bfloat16 pairs of each dword.
        [[gnu::always_inline]] static floats dot_bf16(floats sum, bytes w, bytes a)
        {
            return vbfdotq_f32(sum, vreinterpretq_bf16_u8(w), vreinterpretq_bf16_u8(a));
        }

        // 4 bfloat16, in order, rounded to nearest, halves up; and back.
        [[gnu::always_inline]] static void store_bf16(void* p, floats a)
        {
            vst1_u16(static_cast<std::uint16_t*>(p), rounded(a));
        }
        [[gnu::always_inline]] static floats load_bf16(void const* p)
        {
            return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(static_cast<std::uint16_t const*>(p)), 16));
        }
        // Pairs (first, second), rounded likewise.
        [[gnu::always_inline]] static void store_bf16(void* p, floats first, floats second)
        {
            vst2_u16(static_cast<std::uint16_t*>(p), uint16x4x2_t{{rounded(first), rounded(second)}});
        }

        // 16 lines of 16 dwords: dword j of line i to dword i of line j.
        [[gnu::always_inline]] static void transpose(void const* from, void* to)
        {
            auto const* const lines = static_cast<std::uint32_t const*>(from);
            auto* const out = static_cast<std::uint32_t*>(to);
            for (std::size_t i = 0; i != 16; i += 4)
            {
                for (std::size_t j = 0; j != 16; j += 4)
                {
                    auto const at = [&](std::size_t l) { return vld1q_u32(lines + 16 * (i + l) + j); };
                    auto const put = [&](std::size_t l, uint32x4_t x)
                    { vst1q_u32(out + 16 * (j + l) + i, x); };
                    auto const even = vzipq_u32(at(0), at(2));
                    auto const odd = vzipq_u32(at(1), at(3));
                    auto const upper = vzipq_u32(even.val[0], odd.val[0]);
                    auto const lower = vzipq_u32(even.val[1], odd.val[1]);
                    put(0, upper.val[0]);
                    put(1, upper.val[1]);
                    put(2, lower.val[0]);
                    put(3, lower.val[1]);
                }
            }
        }

    private:
        [[gnu::always_inline]] static uint16x4_t rounded(floats a)
        {
            return vaddhn_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(0x8000));
        }
    };
#endif
#endif
}
#endif
