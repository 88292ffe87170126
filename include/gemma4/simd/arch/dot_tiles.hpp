// What surrounds the matrix unit of x86-64: conversions to bfloat16 by AVX-512 BF16 and FP16, which every
// processor with the unit has.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/simd/arch/dot_x86.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BF16__) && defined(__AVX512FP16__)

namespace gemma4::inline v0::simd::arch
{
    struct avx512_tile_dot : avx512_vnni_dot
    {
        using avx512_vnni_dot::store_bf16;

        // Bytes of prefetch into the first and the second cache where 4 to 8 rows share weights (Granite
        // Rapids: 10 % for 8 rows; one row is faster without).
        static constexpr std::size_t near_ahead = 1152;
        static constexpr std::size_t far_ahead = 4608;

        // 16 bfloat16, in order, rounded to nearest even; a NaN stays one.
        [[gnu::always_inline]] static void store_bf16(void* p, floats a)
        {
            _mm256_storeu_si256(static_cast<__m256i*>(p), __m256i(narrow(a)));
        }
        // 32 of them.
        [[gnu::always_inline]] static void store_bf16_line(void* p, floats first, floats second)
        {
            auto const low = _mm512_castsi256_si512(__m256i(narrow(first)));
            _mm512_storeu_si512(p, _mm512_inserti64x4(low, __m256i(narrow(second)), 1));
        }

        // 2^a, of relative error 3e-6; and of 8e-5, for what becomes bfloat16.
        [[gnu::always_inline]] static floats exp2(floats a)
        {
            return power_of_two(a, 0.0135341f, 0.0520115f, 0.2414428f, 0.6930038f, 1.0000026f);
        }
        [[gnu::always_inline]] static floats exp2_coarse(floats a)
        {
            return power_of_two(a, 0.0780240f, 0.2260671f, 0.6958340f, 0.9999251f);
        }
        [[gnu::always_inline]] static floats max(floats a, floats b) { return _mm512_max_ps(a, b); }
        [[gnu::always_inline]] static float largest_of(floats a) { return _mm512_reduce_max_ps(a); }
        [[gnu::always_inline]] static float sum_of(floats a) { return _mm512_reduce_add_ps(a); }
        // x[i] *= a lane of factor, i < n; the lanes are the same.
        [[gnu::always_inline]] static void scale_by(float* x, floats factor, std::size_t n)
        {
            std::size_t i = 0;
            for (; i + lanes <= n; i += lanes) { store(x + i, multiply(load_float(x + i), factor)); }
            auto const f = _mm512_cvtss_f32(factor);
            for (; i != n; ++i) { x[i] *= f; }
        }
        [[gnu::always_inline]] static floats reciprocal(floats a) { return _mm512_rcp14_ps(a); }
        // x between low and high; a NaN stays one.
        [[gnu::always_inline]] static floats clamp(floats x, floats low, floats high)
        {
            return _mm512_min_ps(high, _mm512_max_ps(low, x));
        }

        // Weights as binary16, 2^8 times as large as they are, become bfloat16 by a shift of their bits: the
        // exponent, which has another bias, makes them 2^-112 of that.
        static constexpr float half_weight_factor = 0x1p-104f;

        // The 16 binary16 scales of a group, each twice.
        struct half_scales
        {
            __m512i twice;
            bool in_range;    // all below the binary16 of LimitBits, so that no weight overflows
        };
        template <int LimitBits>
        [[gnu::always_inline]] static half_scales load_half_scales(void const* p)
        {
            auto const scales = _mm256_loadu_si256(static_cast<__m256i const*>(p));
            auto const wide = _mm512_cvtepu16_epi32(scales);
            auto const magnitude = _mm256_and_si256(scales, _mm256_set1_epi16(0x7fff));
            auto const large = _mm256_cmpge_epi16_mask(magnitude, _mm256_set1_epi16(LimitBits));
            return {_mm512_or_si512(wide, _mm512_slli_epi32(wide, 16)), large == 0};
        }

        // The four bits I of each word, a code q: (q - 8) times its scale.
        template <int I>
        [[gnu::always_inline]] static void store_scaled_nibbles(void* p, bytes codes, half_scales const& s)
        {
            // (q - 8) * 2^8 as binary16; the fifth bit of the index, which is another code's, does not
            // matter.
            alignas(64) static constexpr std::uint16_t table[32] = {
                0xe800, 0xe700, 0xe600, 0xe500, 0xe400, 0xe200, 0xe000, 0xdc00, 0x0000, 0x5c00, 0x6000,
                0x6200, 0x6400, 0x6500, 0x6600, 0x6700, 0xe800, 0xe700, 0xe600, 0xe500, 0xe400, 0xe200,
                0xe000, 0xdc00, 0x0000, 0x5c00, 0x6000, 0x6200, 0x6400, 0x6500, 0x6600, 0x6700};
            auto const index = _mm512_srli_epi16(__m512i(codes), 4 * I);
            auto const q = _mm512_permutexvar_epi16(index, _mm512_load_si512(table));
            _mm512_storeu_si512(p, to_bf16(_mm512_mul_ph(_mm512_castsi512_ph(q), halves(s))));
        }

        // Byte I of each word, a code q: (q - 128) times its scale.
        template <int I>
        [[gnu::always_inline]] static void store_scaled_bytes(void* p, bytes codes, half_scales const& s)
        {
            auto const q = I == 0 ? _mm512_and_si512(__m512i(codes), _mm512_set1_epi16(0xff))
                                  : _mm512_srli_epi16(__m512i(codes), 8);
            // 1024 + q, whose last bit is worth one
            auto const above = _mm512_castsi512_ph(_mm512_or_si512(q, _mm512_set1_epi16(0x6400)));
            auto const centred = _mm512_sub_ph(above, _mm512_castsi512_ph(_mm512_set1_epi16(0x6480)));
            auto const large = _mm512_mul_ph(halves(s), _mm512_castsi512_ph(_mm512_set1_epi16(0x5c00)));
            _mm512_storeu_si512(p, to_bf16(_mm512_mul_ph(centred, large)));
        }

    private:
        // 2^a by a polynomial of its fraction, the highest coefficient first.
        template <class... Lower>
        [[gnu::always_inline]] static floats power_of_two(floats a, float highest, Lower... lower)
        {
            constexpr int fraction_below = 0x9;    // vreduceps: a - floor(a)
            auto const f = _mm512_reduce_ps(a, fraction_below);
            auto p = _mm512_set1_ps(highest);
            ((p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(lower))), ...);
            return _mm512_scalef_ps(p, a);
        }

        [[gnu::always_inline]] static __m512h halves(half_scales const& s)
        {
            return _mm512_castsi512_ph(s.twice);
        }

        // Rounded to nearest, halves up.
        [[gnu::always_inline]] static __m512i to_bf16(__m512h a)
        {
            auto const rounded = _mm512_add_epi16(_mm512_castph_si512(a), _mm512_set1_epi16(4));
            return _mm512_and_si512(_mm512_srai_epi16(rounded, 3), _mm512_set1_epi16(short(0x8fff)));
        }

        typedef std::uint32_t dwords __attribute__((vector_size(32)));
        [[gnu::always_inline]] static dwords narrow(floats a)
        {
            dwords out;
            // Written out: clang 16 crashes on vectors of bfloat16.
            __asm__("vcvtneps2bf16 %1, %0" : "=v"(out) : "v"(a));
            return out;
        }
    };
}
#endif
