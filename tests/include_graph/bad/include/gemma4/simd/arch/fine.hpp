#pragma once
#include <immintrin.h>
inline __m512 zero() { return _mm512_setzero_ps(); }    // printf("...")
