#include <limits>

#include <doctest/doctest.h>

#include <gemma4/simd/arch/denormals.hpp>

using namespace gemma4;

TEST_CASE("denormals are zero while the guard lives, and come back afterwards")
{
    float const volatile small = std::numeric_limits<float>::min();
    float volatile half = small * 0.5f;
    CHECK(half != 0.0f);
    {
        simd::flush_denormals const untouched(false);
        half = small * 0.5f;
        CHECK(half != 0.0f);
    }
#if defined(__x86_64__) || defined(__aarch64__)
    {
        simd::flush_denormals const guard(true);
        half = small * 0.5f;
        CHECK(half == 0.0f);
    }
#endif
    half = small * 0.5f;
    CHECK(half != 0.0f);
}
