// What this processor can do, asked once: cpuid for the instructions, xgetbv for what the operating system
// keeps; on AArch64 Linux the auxiliary vector.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace gemma4::inline v0::simd
{
    // False where the processor is of another family or cannot be asked.
    struct cpu_features
    {
        bool avx2 = false;      // with FMA, F16C and the rest of x86-64-v3
        bool avx512 = false;    // F, BW, CD, DQ and VL on top of avx2: x86-64-v4
        bool avx512_vnni = false;
        bool avx512_bf16 = false;
        bool avx512_fp16 = false;
        bool avx_vnni = false;
        bool amx_tile = false;    // the operating system still has to be asked for the tile state
        bool amx_int8 = false;
        bool amx_bf16 = false;
        bool has_matrix_unit = false;    // it is there, whether or not the operating system keeps its state
        bool arm_dotprod = false;
        bool arm_i8mm = false;
        bool arm_bf16 = false;
    };

    namespace arch
    {
        inline cpu_features probe() noexcept
        {
            cpu_features found;
#if defined(__x86_64__)
            constexpr auto bit = [](unsigned word, int i) { return (word >> i & 1u) != 0; };
            unsigned a, b, c, d;
            if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27))
            {
                return found;
            }    // no xgetbv, no wide registers
            // fma, movbe, avx, f16c
            bool const leaf1 = bit(c, 12) && bit(c, 22) && bit(c, 28) && bit(c, 29);

            unsigned low, high;
            __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
            bool const saves_ymm = (low & 0x6u) == 0x6u;
            bool const saves_zmm = (low & 0xe6u) == 0xe6u;
            bool const saves_tiles = (low & 0x60000u) == 0x60000u;

            if (!__get_cpuid_count(0x80000001u, 0, &a, &b, &c, &d)) { return found; }
            bool const lzcnt = bit(c, 5);
            if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) { return found; }
            unsigned const last_subleaf = a;
            bool const leaf7 = bit(b, 3) && bit(b, 5) && bit(b, 8);    // bmi1, avx2, bmi2
            found.avx2 = saves_ymm && leaf1 && lzcnt && leaf7;
            found.avx512 =
                found.avx2 && saves_zmm && bit(b, 16) && bit(b, 17) && bit(b, 28) && bit(b, 30) && bit(b, 31);
            found.avx512_vnni = found.avx512 && bit(c, 11);
            found.avx512_fp16 = found.avx512 && bit(d, 23);
            found.has_matrix_unit = bit(d, 24);
            found.amx_bf16 = saves_tiles && bit(d, 22);
            found.amx_tile = saves_tiles && bit(d, 24);
            found.amx_int8 = saves_tiles && bit(d, 25);
            if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d))
            {
                found.avx_vnni = found.avx2 && bit(a, 4);
                found.avx512_bf16 = found.avx512 && bit(a, 5);
            }
#elif defined(__aarch64__) && defined(__linux__)
            found.arm_dotprod = (getauxval(AT_HWCAP) >> 20 & 1u) != 0;    // HWCAP_ASIMDDP
            found.arm_i8mm = (getauxval(AT_HWCAP2) >> 13 & 1u) != 0;      // HWCAP2_I8MM
            found.arm_bf16 = (getauxval(AT_HWCAP2) >> 14 & 1u) != 0;      // HWCAP2_BF16
#endif
            return found;
        }
    }

    inline cpu_features const& cpu() noexcept
    {
        static cpu_features const found = arch::probe();
        return found;
    }

    // Asks the operating system for the matrix unit's state, once for the process; it may refuse. Without it
    // the first tile instruction ends the program.
    inline bool tiles_granted() noexcept
    {
#if defined(__x86_64__) && defined(__linux__)
        constexpr long request_permission = 0x1023;
        constexpr long tile_data = 18;
        static bool const granted =
            cpu().amx_tile && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
        return granted;
#else
        return false;
#endif
    }
}
