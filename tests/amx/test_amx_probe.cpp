// The probe of the processor (simd/arch/cpu.hpp) on processors that are made up here: its questions get our
// answers.
#include <cstdint>
#include <initializer_list>

#include <cpuid.h>
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace
{
    // Bits by their names in Intel's manual.
    struct answers
    {
        // FMA MOVBE OSXSAVE AVX F16C
        unsigned leaf1_c = 1u << 12 | 1u << 22 | 1u << 27 | 1u << 28 | 1u << 29;
        unsigned extended_c = 1u << 5;    // LZCNT
        unsigned leaf7_a = 1;             // last subleaf
        // BMI1 AVX2 BMI2, AVX-512 F DQ CD BW VL
        unsigned leaf7_b = 1u << 3 | 1u << 5 | 1u << 8 | 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
        unsigned leaf7_c = 1u << 11;                          // AVX512_VNNI
        unsigned leaf7_d = 1u << 22 | 1u << 24 | 1u << 25;    // AMX-BF16 AMX-TILE AMX-INT8
        unsigned leaf71_a = 1u << 4 | 1u << 5;                // AVX-VNNI AVX512_BF16
        unsigned xcr0 = 0x602e7;                              // x87 SSE AVX opmask ZMM PKRU TILECFG TILEDATA
    };
    answers processor;

    int made_up_cpuid_count(unsigned leaf, unsigned subleaf, unsigned* a, unsigned* b, unsigned* c,
                            unsigned* d)
    {
        *a = *b = *c = *d = 0;
        if (leaf == 1) { *c = processor.leaf1_c; }
        if (leaf == 0x80000001u) { *c = processor.extended_c; }
        if (leaf == 7 && subleaf == 0)
        {
            *a = processor.leaf7_a, *b = processor.leaf7_b, *c = processor.leaf7_c, *d = processor.leaf7_d;
        }
        if (leaf == 7 && subleaf == 1) { *a = processor.leaf71_a; }
        return 1;
    }
    int made_up_cpuid(unsigned leaf, unsigned* a, unsigned* b, unsigned* c, unsigned* d)
    {
        return made_up_cpuid_count(leaf, 0, a, b, c, d);
    }

    int requests = 0;
    long made_up_syscall(long number, long code, long argument)
    {
        ++requests;
        // ARCH_REQ_XCOMP_PERM for XFEATURE_XTILEDATA
        return number == SYS_arch_prctl && code == 0x1023 && argument == 18 ? 0 : -1;
    }
}

// The header once more, under another name, with those in place of the instructions and of the kernel.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define v0 made_up
#define __get_cpuid made_up_cpuid
#define __get_cpuid_count made_up_cpuid_count
#define syscall made_up_syscall
#define __asm__
#define volatile(...) (low = processor.xcr0, high = 0)
#include <gemma4/simd/arch/cpu.hpp>
#undef v0
#undef __get_cpuid
#undef __get_cpuid_count
#undef syscall
#undef __asm__
#undef volatile

using gemma4::made_up::simd::arch::probe;

namespace
{
    template <class Change>
    gemma4::made_up::simd::cpu_features probed(Change const& change)
    {
        processor = {};
        change(processor);
        auto const found = probe();
        processor = {};
        return found;
    }
}

TEST_CASE("the probe: a processor with all of it")
{
    auto const found = probed([](auto&) {});
    CHECK((found.avx2 && found.avx512 && found.avx512_vnni && found.avx512_bf16 && found.avx_vnni));
    CHECK((found.amx_tile && found.amx_bf16 && found.amx_int8));
    CHECK((!found.arm_dotprod && !found.arm_i8mm && !found.arm_bf16));
}

TEST_CASE("the probe: tiles are there where the operating system keeps both parts of their state")
{
    for (unsigned const xcr0 : {0x2e7u, 0x202e7u, 0x402e7u})
    {
        CAPTURE(xcr0);
        auto const found = probed([&](auto& p) { p.xcr0 = xcr0; });
        CHECK((found.avx512_vnni && found.avx512_bf16));
        CHECK((!found.amx_tile && !found.amx_bf16 && !found.amx_int8));
        CHECK(found.has_matrix_unit);
    }
    CHECK(!probed([](auto& p) { p.leaf7_d = 0; }).has_matrix_unit);
}

TEST_CASE("the probe: no instruction set without what it stands on")
{
    auto const none = [](auto const& f) { return !f.avx2 && !f.avx512 && !f.avx512_vnni && !f.avx512_bf16; };
    for (int const bit : {12, 22, 27, 28, 29})
    {
        CHECK(none(probed([&](auto& p) { p.leaf1_c &= ~(1u << bit); })));
    }
    CHECK(none(probed([](auto& p) { p.extended_c = 0; })));
    for (int const bit : {3, 5, 8})
    {
        CHECK(none(probed([&](auto& p) { p.leaf7_b &= ~(1u << bit); })));
    }
    CHECK(none(probed([](auto& p) { p.xcr0 = 3; })));

    for (int const bit : {16, 17, 28, 30, 31})
    {
        CAPTURE(bit);
        auto const found = probed([&](auto& p) { p.leaf7_b &= ~(1u << bit); });
        CHECK((found.avx2 && found.avx_vnni && !found.avx512 && !found.avx512_vnni && !found.avx512_bf16));
    }
    for (unsigned const xcr0 : {0x60007u, 0x60027u, 0x600a7u, 0x60067u})
    {
        CAPTURE(xcr0);
        auto const found = probed([&](auto& p) { p.xcr0 = xcr0; });
        CHECK((found.avx2 && !found.avx512 && !found.avx512_vnni && !found.avx512_bf16));
    }
    CHECK(!probed([](auto& p) { p.leaf7_c = 0; }).avx512_vnni);
    CHECK(!probed([](auto& p) { p.leaf71_a = 1u << 4; }).avx512_bf16);
    CHECK(!probed([](auto& p) { p.leaf7_a = 0; }).avx512_bf16);
    CHECK(!probed([](auto& p) { p.leaf7_d = 1u << 24 | 1u << 25; }).amx_bf16);
    CHECK(!probed([](auto& p) { p.leaf7_d = 1u << 22 | 1u << 25; }).amx_tile);
    CHECK(!probed([](auto& p) { p.leaf7_d = 1u << 22 | 1u << 24; }).amx_int8);
}

TEST_CASE("the probe: the kernel is asked for the tiles, once")
{
    processor = {};
    CHECK(gemma4::made_up::simd::tiles_granted());
    CHECK(gemma4::made_up::simd::tiles_granted());
    CHECK(requests == 1);
}
