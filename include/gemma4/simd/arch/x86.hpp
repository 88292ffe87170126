// x86-64: what xsimd lacks, does slowly, or (8.1 with AVX-512) does with two roundings.
#pragma once

#include <gemma4/simd/arch/portable.hpp>

#if defined(__x86_64__)
#include <immintrin.h>

namespace gemma4::inline v0::simd::arch
{
    [[gnu::always_inline]] inline float add_lanes(__m128 a)
    {
        __m128 const two = _mm_add_ps(a, _mm_movehl_ps(a, a));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
    }

    template <class Arch>
    [[gnu::always_inline]] inline float reduce_add(part_t<Arch> const& a, xsimd::sse2 const&)
    {
        return add_lanes(__m128(a));
    }

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_bf16(std::uint16_t const* p, xsimd::sse2 const&)
    {
        __m128i const half = _mm_loadl_epi64(reinterpret_cast<__m128i const*>(p));
        return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), half));
    }

    // widen_f16 of portable.hpp on four lanes.
    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_f16(std::uint16_t const* p, xsimd::sse2 const&)
    {
        __m128i const half =
            _mm_unpacklo_epi16(_mm_loadl_epi64(reinterpret_cast<__m128i const*>(p)), _mm_setzero_si128());
        __m128i const magnitude = _mm_and_si128(half, _mm_set1_epi32(0x7fff));
        __m128 const finite =
            _mm_mul_ps(_mm_castsi128_ps(_mm_slli_epi32(magnitude, 13)), _mm_set1_ps(0x1p112f));
        __m128i const special =
            _mm_and_si128(_mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7bff)), _mm_set1_epi32(0x7f800000));
        __m128i const sign = _mm_slli_epi32(_mm_and_si128(half, _mm_set1_epi32(0x8000)), 16);
        return _mm_or_ps(finite, _mm_castsi128_ps(_mm_or_si128(special, sign)));
    }

#if defined(__AVX__)
    template <class Arch>
    [[gnu::always_inline]] inline float reduce_add(part_t<Arch> const& a, xsimd::avx const&)
    {
        __m256 const v = a;
        return add_lanes(_mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)));
    }
#endif

#if defined(__AVX2__)
    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_bf16(std::uint16_t const* p, xsimd::avx2 const&)
    {
        __m128i const half = _mm_loadu_si128(reinterpret_cast<__m128i const*>(p));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
    }
#endif

#if defined(__AVX2__)
    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_i8(std::int8_t const* p, xsimd::avx2 const&)
    {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<__m128i const*>(p))));
    }
#endif

#if defined(__AVX2__) && defined(__F16C__)
    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_f16(std::uint16_t const* p, xsimd::avx2 const&)
    {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<__m128i const*>(p)));
    }
#endif

#if defined(__AVX512F__)
    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> fma(part_t<Arch> const& a, part_t<Arch> const& b,
                                                   part_t<Arch> const& c, xsimd::avx512f const&)
    {
        return _mm512_fmadd_ps(a, b, c);
    }

    template <class Arch>
    [[gnu::always_inline]] inline float reduce_add(part_t<Arch> const& a, xsimd::avx512f const&)
    {
        __m512 const v = a;
        __m256 const high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1));
        __m256 const eight = _mm256_add_ps(_mm512_castps512_ps256(v), high);
        return add_lanes(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
    }

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_bf16(std::uint16_t const* p, xsimd::avx512f const&)
    {
        __m256i const half = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    }

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_f16(std::uint16_t const* p, xsimd::avx512f const&)
    {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)));
    }

    template <class Arch>
    [[gnu::always_inline]] inline part_t<Arch> load_i8(std::int8_t const* p, xsimd::avx512f const&)
    {
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<__m128i const*>(p))));
    }
#endif
}
#endif
