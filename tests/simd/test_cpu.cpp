#include <doctest/doctest.h>

#include <gemma4/simd/arch/cpu.hpp>

using namespace gemma4;

TEST_CASE("the probe is made once") { CHECK(&simd::cpu() == &simd::cpu()); }

TEST_CASE("the probe agrees with the compiler's own, where that has a word for it")
{
#if defined(__x86_64__)
    auto const& cpu = simd::cpu();
    bool const v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                    && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    bool const v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
                    && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
                    && __builtin_cpu_supports("avx512vl");
    CHECK(cpu.avx2 == v3);
    CHECK(cpu.avx512 == v4);
    CHECK(cpu.avx512_vnni == bool(__builtin_cpu_supports("avx512vnni")));
    CHECK(cpu.avx512_bf16 == bool(__builtin_cpu_supports("avx512bf16")));
#if !defined(__clang__)    // 16 has no word for it
    CHECK(cpu.avx512_fp16 == bool(__builtin_cpu_supports("avx512fp16")));
#endif
#else
    CHECK(!simd::cpu().avx2);
    CHECK(!simd::cpu().avx512);
#endif
}
