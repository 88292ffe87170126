// The dot products of bytes of AArch64 (sdot, Armv8.2 with the dot product extension).
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
}
#endif
