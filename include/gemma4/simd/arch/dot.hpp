// The best dot products of the instruction set this file is compiled for.
#pragma once

#include <gemma4/simd/arch/dot_arm.hpp>
#include <gemma4/simd/arch/dot_portable.hpp>
#include <gemma4/simd/arch/dot_tiles.hpp>
#include <gemma4/simd/arch/dot_x86.hpp>

namespace gemma4::inline v0::simd
{
#if defined(__AVX512F__) && defined(__AVX512VNNI__) && defined(__AVX512BF16__)
    using native_dot = arch::avx512_bf16_dot;
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VNNI__)
    using native_dot = arch::avx512_vnni_dot;
#elif defined(__AVXVNNI__)
    using native_dot = arch::avx_vnni_dot;
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
    using native_dot = arch::avx2_dot;
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_MATMUL_INT8)           \
    && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
    using native_dot = arch::neon_bf16_dot;
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_MATMUL_INT8)
    using native_dot = arch::neon_i8mm_dot;
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
    using native_dot = arch::neon_dot;
#else
    using native_dot = arch::portable_dot;
#endif

    // The best with the conversions that the matrix unit needs.
#if defined(__AVX512VNNI__) && defined(__AVX512BF16__) && defined(__AVX512FP16__)
    using native_tile_dot = arch::avx512_tile_dot;
#else
    using native_tile_dot = arch::portable_dot;
#endif
}
