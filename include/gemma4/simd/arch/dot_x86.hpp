// The dot products of bytes of x86-64: AVX2 (maddubs), AVX-VNNI, AVX-512 VNNI, and of bfloat16: AVX-512 BF16.
//
// Integer accumulators are vectors of 32-bit lanes, not __m256i or __m512i: g++ 12 spills those.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/simd/arch/dot_portable.hpp>

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <immintrin.h>

namespace gemma4::inline v0::simd::arch
{
    struct avx2_dot
    {
        static constexpr char const* name = "avx2";
        static constexpr std::size_t lanes = 8;
        static constexpr std::size_t registers = 16;
        static constexpr bool signed_codes = true;
        static constexpr bool has_bf16_dot = false;
        static constexpr bool has_matrix_bytes = false;
        static constexpr bool prefetches = false;

        typedef std::int32_t ints __attribute__((vector_size(32)));
        typedef std::uint32_t bytes __attribute__((vector_size(32)));
        using floats = __m256;

        [[gnu::always_inline]] static bytes load(void const* p)
        {
            return bytes(_mm256_loadu_si256(static_cast<__m256i const*>(p)));
        }
        [[gnu::always_inline]] static bytes spread_dword(void const* p)
        {
            return bytes(_mm256_castps_si256(_mm256_broadcast_ss(static_cast<float const*>(p))));
        }
        [[gnu::always_inline]] static ints spread(std::int32_t x) { return ints(_mm256_set1_epi32(x)); }
        [[gnu::always_inline]] static floats spread(float x) { return _mm256_set1_ps(x); }

        [[gnu::always_inline]] static bytes low4(bytes b) { return b & 0x0f0f0f0fu; }
        [[gnu::always_inline]] static bytes high4(bytes b) { return (b >> 4) & 0x0f0f0f0fu; }
        template <int I>
        [[gnu::always_inline]] static bytes six(bytes low, bytes upper)
        {
            if constexpr (I < 2) { return low | ((upper << (4 - 2 * I)) & 0x30303030u); }
            else { return low | ((upper >> (2 * I - 4)) & 0x30303030u); }
        }
        template <int I>
        [[gnu::always_inline]] static bytes five(bytes low, bytes upper)
        {
            if constexpr (I < 4) { return low | ((upper << (4 - I)) & 0x10101010u); }
            else { return low | ((upper >> (I - 4)) & 0x10101010u); }
        }
        [[gnu::always_inline]] static bytes wide(bytes b) { return b ^ 0x80808080u; }

        [[gnu::always_inline]] static ints dot_small(ints sum, bytes w, bytes a)
        {
            auto const pairs = _mm256_maddubs_epi16(__m256i(w), __m256i(a));
            return sum + ints(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        }
        // maddubs adds two products in 16 bits: |w| <= 128 times |a| <= 127, twice, still fits.
        [[gnu::always_inline]] static ints dot_wide(ints sum, bytes w, bytes a)
        {
            return dot_small(sum, bytes(_mm256_abs_epi8(__m256i(w))),
                             bytes(_mm256_sign_epi8(__m256i(a), __m256i(w))));
        }

        [[gnu::always_inline]] static ints add(ints a, ints b) { return a + b; }
        template <int Bits>
        [[gnu::always_inline]] static ints shift_left(ints a)
        {
            return ints(_mm256_slli_epi32(__m256i(a), Bits));
        }
        [[gnu::always_inline]] static floats to_floats(ints a) { return _mm256_cvtepi32_ps(__m256i(a)); }

        [[gnu::always_inline]] static floats load_float(void const* p)
        {
            return _mm256_loadu_ps(static_cast<float const*>(p));
        }
        [[gnu::always_inline]] static floats load_f16(void const* p)
        {
            return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<__m128i const*>(p)));
        }
        [[gnu::always_inline]] static floats load_u8(void const* p)
        {
            return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<__m128i const*>(p))));
        }
        [[gnu::always_inline]] static floats load_i8(void const* p)
        {
            return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<__m128i const*>(p))));
        }
        [[gnu::always_inline]] static void store(float* p, floats a) { _mm256_storeu_ps(p, a); }

        [[gnu::always_inline]] static floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
        [[gnu::always_inline]] static floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
        [[gnu::always_inline]] static floats fma(floats a, floats b, floats c)
        {
            return _mm256_fmadd_ps(a, b, c);
        }

        [[gnu::always_inline]] static floats first_bf16(bytes b)
        {
            return _mm256_castsi256_ps(_mm256_slli_epi32(__m256i(b), 16));
        }
        [[gnu::always_inline]] static floats second_bf16(bytes b)
        {
            return _mm256_castsi256_ps(__m256i(b & 0xffff0000u));
        }

        [[gnu::always_inline]] static void prefetch(void const* p)
        {
            _mm_prefetch(static_cast<char const*>(p), _MM_HINT_T0);
        }
    };

#if defined(__AVXVNNI__) || (defined(__AVX512VNNI__) && defined(__AVX512VL__))
    // On 256 bits. An AVX-512 build has the same instruction under another name.
    struct avx_vnni_dot : avx2_dot
    {
        static constexpr char const* name = "avxvnni";
        static constexpr bool signed_codes = false;
        static constexpr bool prefetches = true;

        [[gnu::always_inline]] static bytes wide(bytes b) { return b; }
        [[gnu::always_inline]] static ints dot_small(ints sum, bytes w, bytes a)
        {
#if defined(__AVXVNNI__)
            return ints(_mm256_dpbusd_avx_epi32(__m256i(sum), __m256i(w), __m256i(a)));
#else
            return ints(_mm256_dpbusd_epi32(__m256i(sum), __m256i(w), __m256i(a)));
#endif
        }
        [[gnu::always_inline]] static ints dot_wide(ints sum, bytes w, bytes a)
        {
            return dot_small(sum, w, a);
        }
    };
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__)
    struct avx512_vnni_dot
    {
        static constexpr char const* name = "avx512vnni";
        static constexpr std::size_t lanes = 16;
        static constexpr std::size_t registers = 32;
        static constexpr bool signed_codes = false;
        static constexpr bool has_bf16_dot = false;
        static constexpr bool has_matrix_bytes = false;
        static constexpr bool prefetches = true;    // Sapphire Rapids: 27 GB/s without, 33 with

        typedef std::int32_t ints __attribute__((vector_size(64)));
        typedef std::uint32_t bytes __attribute__((vector_size(64)));
        using floats = __m512;

        [[gnu::always_inline]] static bytes load(void const* p) { return bytes(_mm512_loadu_si512(p)); }
        [[gnu::always_inline]] static bytes spread_dword(void const* p)
        {
            std::int32_t word;
            __builtin_memcpy(&word, p, 4);
            return bytes(_mm512_set1_epi32(word));
        }
        [[gnu::always_inline]] static ints spread(std::int32_t x) { return ints(_mm512_set1_epi32(x)); }
        [[gnu::always_inline]] static floats spread(float x) { return _mm512_set1_ps(x); }

        [[gnu::always_inline]] static bytes low4(bytes b) { return b & 0x0f0f0f0fu; }
        [[gnu::always_inline]] static bytes high4(bytes b) { return (b >> 4) & 0x0f0f0f0fu; }
        template <int I>
        [[gnu::always_inline]] static bytes six(bytes low, bytes upper)
        {
            if constexpr (I < 2) { return low | ((upper << (4 - 2 * I)) & 0x30303030u); }
            else { return low | ((upper >> (2 * I - 4)) & 0x30303030u); }
        }
        template <int I>
        [[gnu::always_inline]] static bytes five(bytes low, bytes upper)
        {
            if constexpr (I < 4) { return low | ((upper << (4 - I)) & 0x10101010u); }
            else { return low | ((upper >> (I - 4)) & 0x10101010u); }
        }
        [[gnu::always_inline]] static bytes wide(bytes b) { return b; }

        [[gnu::always_inline]] static ints dot_small(ints sum, bytes w, bytes a)
        {
            return ints(_mm512_dpbusd_epi32(__m512i(sum), __m512i(w), __m512i(a)));
        }
        [[gnu::always_inline]] static ints dot_wide(ints sum, bytes w, bytes a)
        {
            return dot_small(sum, w, a);
        }

        [[gnu::always_inline]] static ints add(ints a, ints b) { return a + b; }
        template <int Bits>
        [[gnu::always_inline]] static ints shift_left(ints a)
        {
            return ints(_mm512_slli_epi32(__m512i(a), Bits));
        }
        [[gnu::always_inline]] static floats to_floats(ints a) { return _mm512_cvtepi32_ps(__m512i(a)); }

        [[gnu::always_inline]] static floats load_float(void const* p) { return _mm512_loadu_ps(p); }
        [[gnu::always_inline]] static floats load_f16(void const* p)
        {
            return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<__m256i const*>(p)));
        }
        [[gnu::always_inline]] static floats load_u8(void const* p)
        {
            return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<__m128i const*>(p))));
        }
        [[gnu::always_inline]] static floats load_i8(void const* p)
        {
            return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<__m128i const*>(p))));
        }
        [[gnu::always_inline]] static void store(float* p, floats a) { _mm512_storeu_ps(p, a); }
        [[gnu::always_inline]] static void store_bytes(void* p, bytes b)
        {
            _mm512_storeu_si512(p, __m512i(b));
        }

        [[gnu::always_inline]] static floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
        [[gnu::always_inline]] static floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
        [[gnu::always_inline]] static floats fma(floats a, floats b, floats c)
        {
            return _mm512_fmadd_ps(a, b, c);
        }

        [[gnu::always_inline]] static floats first_bf16(bytes b)
        {
            return _mm512_castsi512_ps(_mm512_slli_epi32(__m512i(b), 16));
        }
        [[gnu::always_inline]] static floats second_bf16(bytes b)
        {
            return _mm512_castsi512_ps(__m512i(b & 0xffff0000u));
        }

        // Byte I of each dword.
        template <int I>
        [[gnu::always_inline]] static floats byte(bytes b)
        {
            auto const shifted = I == 0 ? b : bytes(_mm512_srli_epi32(__m512i(b), 8 * I));
            return _mm512_cvtepi32_ps(__m512i(I == 3 ? shifted : shifted & 0xffu));
        }
        // Pairs of bfloat16 (first, second), rounded to nearest, halves up.
        [[gnu::always_inline]] static void store_bf16(void* p, floats first, floats second)
        {
            auto const half = _mm512_set1_epi32(0x8000);
            auto const low = _mm512_srli_epi32(_mm512_add_epi32(_mm512_castps_si512(first), half), 16);
            auto const high = _mm512_add_epi32(_mm512_castps_si512(second), half);
            _mm512_storeu_si512(p, _mm512_mask_blend_epi16(0xaaaaaaaau, low, high));
        }

        // 16 bfloat16, in order, rounded to nearest even, a NaN stays one; and back.
        [[gnu::always_inline]] static void store_bf16(void* p, floats a)
        {
            auto const u = _mm512_castps_si512(a);
            auto const odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
            auto const sum = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
            auto const is_nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
            auto const rounded = _mm512_mask_or_epi32(sum, is_nan, u, _mm512_set1_epi32(0x400000));
            _mm256_storeu_si256(static_cast<__m256i*>(p),
                                _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
        }
        [[gnu::always_inline]] static floats load_bf16(void const* p)
        {
            auto const wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<__m256i const*>(p)));
            return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
        }

        // 16 lines of 16 dwords: dword j of line i to dword i of line j.
        [[gnu::always_inline]] static void transpose(void const* from, void* to)
        {
            auto const* const lines = static_cast<char const*>(from);
            auto* const out = static_cast<char*>(to);
            __m512i a[16], b[16];
            for (int i = 0; i != 16; ++i) { a[i] = _mm512_loadu_si512(lines + 64 * i); }
            // Inside each quarter: 4 x 4 dwords of lines [4 q, 4 q + 4).
            for (int q = 0; q != 16; q += 4)
            {
                auto const low = _mm512_unpacklo_epi32(a[q], a[q + 1]);
                auto const high = _mm512_unpackhi_epi32(a[q], a[q + 1]);
                auto const low2 = _mm512_unpacklo_epi32(a[q + 2], a[q + 3]);
                auto const high2 = _mm512_unpackhi_epi32(a[q + 2], a[q + 3]);
                b[q] = _mm512_unpacklo_epi64(low, low2);
                b[q + 1] = _mm512_unpackhi_epi64(low, low2);
                b[q + 2] = _mm512_unpacklo_epi64(high, high2);
                b[q + 3] = _mm512_unpackhi_epi64(high, high2);
            }
            // Quarters of the lines i, i + 4, i + 8, i + 12: a 4 x 4 transposition of quarters.
            for (int i = 0; i != 4; ++i)
            {
                auto const low = _mm512_shuffle_i32x4(b[i], b[i + 4], 0x88);
                auto const high = _mm512_shuffle_i32x4(b[i], b[i + 4], 0xdd);
                auto const low2 = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0x88);
                auto const high2 = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0xdd);
                _mm512_storeu_si512(out + 64 * i, _mm512_shuffle_i32x4(low, low2, 0x88));
                _mm512_storeu_si512(out + 64 * (i + 4), _mm512_shuffle_i32x4(high, high2, 0x88));
                _mm512_storeu_si512(out + 64 * (i + 8), _mm512_shuffle_i32x4(low, low2, 0xdd));
                _mm512_storeu_si512(out + 64 * (i + 12), _mm512_shuffle_i32x4(high, high2, 0xdd));
            }
        }

        // Numbers of 16 bits taken in turns: the first 16 of both, the last 16 of both.
        [[gnu::always_inline]] static bytes zip_first(bytes a, bytes b)
        {
            return bytes(_mm512_permutex2var_epi16(__m512i(a), __m512i(turns(0)), __m512i(b)));
        }
        [[gnu::always_inline]] static bytes zip_last(bytes a, bytes b)
        {
            return bytes(_mm512_permutex2var_epi16(__m512i(a), __m512i(turns(16)), __m512i(b)));
        }
        [[gnu::always_inline]] static bytes turns(std::uint32_t from)
        {
            bytes const steps{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
            return (steps + from) * 0x00010001u + 0x00200000u;
        }

        // Bytes of four lines of 64 taken in turns. Quarter q of out[i] has columns 16 q + 4 i to + 3;
        // in_order() puts sums over them into the order of the columns.
        [[gnu::always_inline]] static void zip(bytes const (&line)[4], bytes (&out)[4])
        {
            auto const low = _mm512_unpacklo_epi8(__m512i(line[0]), __m512i(line[1]));
            auto const high = _mm512_unpackhi_epi8(__m512i(line[0]), __m512i(line[1]));
            auto const low2 = _mm512_unpacklo_epi8(__m512i(line[2]), __m512i(line[3]));
            auto const high2 = _mm512_unpackhi_epi8(__m512i(line[2]), __m512i(line[3]));
            out[0] = bytes(_mm512_unpacklo_epi16(low, low2));
            out[1] = bytes(_mm512_unpackhi_epi16(low, low2));
            out[2] = bytes(_mm512_unpacklo_epi16(high, high2));
            out[3] = bytes(_mm512_unpackhi_epi16(high, high2));
        }
        [[gnu::always_inline]] static void in_order(floats (&x)[4])
        {
            auto const a = _mm512_shuffle_f32x4(x[0], x[1], 0x44);
            auto const b = _mm512_shuffle_f32x4(x[0], x[1], 0xee);
            auto const c = _mm512_shuffle_f32x4(x[2], x[3], 0x44);
            auto const d = _mm512_shuffle_f32x4(x[2], x[3], 0xee);
            x[0] = _mm512_shuffle_f32x4(a, c, 0x88);
            x[1] = _mm512_shuffle_f32x4(a, c, 0xdd);
            x[2] = _mm512_shuffle_f32x4(b, d, 0x88);
            x[3] = _mm512_shuffle_f32x4(b, d, 0xdd);
        }

        // Lane i: the sum of the lanes of x[i].
        [[gnu::always_inline]] static floats sums(floats const (&x)[16])
        {
            floats quarter[4];
            for (int i = 0; i != 4; ++i)
            {
                auto const a = _mm512_add_ps(_mm512_unpacklo_ps(x[4 * i], x[4 * i + 1]),
                                             _mm512_unpackhi_ps(x[4 * i], x[4 * i + 1]));
                auto const b = _mm512_add_ps(_mm512_unpacklo_ps(x[4 * i + 2], x[4 * i + 3]),
                                             _mm512_unpackhi_ps(x[4 * i + 2], x[4 * i + 3]));
                auto const low = _mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b));
                auto const high = _mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b));
                quarter[i] = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
            }
            auto const a = _mm512_add_ps(_mm512_shuffle_f32x4(quarter[0], quarter[1], 0x88),
                                         _mm512_shuffle_f32x4(quarter[0], quarter[1], 0xdd));
            auto const b = _mm512_add_ps(_mm512_shuffle_f32x4(quarter[2], quarter[3], 0x88),
                                         _mm512_shuffle_f32x4(quarter[2], quarter[3], 0xdd));
            return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
        }

        // The largest magnitude of 32 numbers.
        [[gnu::always_inline]] static float largest(float const* x)
        {
            auto const magnitude = _mm512_set1_epi32(0x7fffffff);
            auto const a = _mm512_and_si512(_mm512_loadu_si512(x), magnitude);
            auto const b = _mm512_and_si512(_mm512_loadu_si512(x + 16), magnitude);
            return __builtin_bit_cast(float, _mm512_reduce_max_epi32(_mm512_max_epi32(a, b)));
        }
        // 16 numbers times factor, rounded to integers; returns the sum of them. As int8 in the order 0 4 1 5
        // 2 6 3 7 of each eight, or as 128 * high + low.
        [[gnu::always_inline]] static std::int32_t codes(float const* x, float factor, std::int8_t* out)
        {
            auto const code = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(factor)));
            store_codes(out, code);
            return _mm512_reduce_add_epi32(code);
        }
        [[gnu::always_inline]] static std::int32_t codes(float const* x, float factor, std::int8_t* high,
                                                         std::int8_t* low)
        {
            auto const code = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(factor)));
            auto const upper = _mm512_srai_epi32(_mm512_add_epi32(code, _mm512_set1_epi32(64)), 7);
            store_codes(high, upper);
            store_codes(low, _mm512_sub_epi32(code, _mm512_slli_epi32(upper, 7)));
            return _mm512_reduce_add_epi32(code);
        }
        [[gnu::always_inline]] static void store_codes(std::int8_t* out, __m512i code)
        {
            auto const order = _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                             _mm_shuffle_epi8(_mm512_cvtepi32_epi8(code), order));
        }

        [[gnu::always_inline]] static void prefetch(void const* p)
        {
            _mm_prefetch(static_cast<char const*>(p), _MM_HINT_T0);
        }
        // For what is read some thousand cycles later.
        [[gnu::always_inline]] static void prefetch_late(void const* p)
        {
            _mm_prefetch(static_cast<char const*>(p), _MM_HINT_T1);
        }
    };

#if defined(__AVX512BF16__)
    // For processors whose bfloat16 product is faster than their float32 one (AMD).
    struct avx512_bf16_dot : avx512_vnni_dot
    {
        static constexpr char const* name = "avx512bf16";
        static constexpr bool has_bf16_dot = true;
        static constexpr bool prefetches = false;    // Zen 4: 30.5 GB/s without, 25.5 with

        // sum + first . first + second . second of the bfloat16 pairs of each dword.
        [[gnu::always_inline]] static floats dot_bf16(floats sum, bytes w, bytes a)
        {
#if defined(__clang__)
            // clang 16 crashes on vectors of bfloat16 that live through a loop.
            __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(w), "v"(a));
            return sum;
#else
            return _mm512_dpbf16_ps(sum, __m512bh(w), __m512bh(a));
#endif
        }
    };
#endif
#endif
}
#endif
