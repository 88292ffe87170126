// What a spinning thread tells its processor.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace gemma4::inline v0::simd
{
    inline void pause() noexcept
    {
#if defined(__x86_64__)
        _mm_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}
