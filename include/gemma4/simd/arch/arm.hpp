// AArch64: fused multiply-add (xsimd 8.1 rounds twice), exact division (it refines an estimate) and the
// 16-bit floats.
#pragma once

#include <gemma4/simd/arch/portable.hpp>

#if defined(__aarch64__)
#include <arm_neon.h>

namespace gemma4::inline v0::simd::arch
{
    template <>
    inline constexpr std::size_t register_count<xsimd::neon64> = 32;

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> fma(part_t<Arch> const& a, part_t<Arch> const& b,
                                                   part_t<Arch> const& c, xsimd::neon64 const&)
    {
        return vfmaq_f32(c, a, b);
    }

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> divide(part_t<Arch> const& a, part_t<Arch> const& b,
                                                      xsimd::neon64 const&)
    {
        return vdivq_f32(a, b);
    }

    template <class Arch>
    [[gnu::always_inline]] inline float reduce_add(part_t<Arch> const& a, xsimd::neon64 const&)
    {
        float32x4_t const v = a;
        float32x2_t const two = vadd_f32(vget_low_f32(v), vget_high_f32(v));
        return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
    }

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_bf16(std::uint16_t const* p, xsimd::neon64 const&)
    {
        return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
    }

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_f16(std::uint16_t const* p, xsimd::neon64 const&)
    {
        return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
    }
}
#endif
