// The table of the matrix unit, whether or not the probe would choose it.
#pragma once

#include <fstream>
#include <string>

#include <amx/tile_trap.hpp>
#include <doctest/doctest.h>

#include <gemma4/kernels/fast.hpp>
#include <gemma4/simd/arch/cpu.hpp>

namespace gemma4::inline v0::kernels
{
    extern fast_table const amx_fast_table;    // compiled into gemma4::kernels
}

namespace amx
{
    // The table as it is compiled for AVX-512 with VNNI; on processors without those the same kernels with
    // what surrounds the instructions of the unit compiled as portable C++.
    gemma4::kernels::fast_table const& table();

    // The flags that the kernel of Linux gives the processor, between blanks.
    inline std::string processor_flags()
    {
        std::ifstream info("/proc/cpuinfo");
        std::string line;
        while (std::getline(info, line) && line.rfind("flags", 0) != 0) {}
        return line + ' ';
    }

    // False, and said, on a processor that has neither the unit nor the fused products that its model is
    // made of: older than 2013.
    inline bool can_run()
    {
        if (has_unit() || gemma4::simd::cpu().avx2) { return true; }
        MESSAGE("skipped: this processor has no matrix unit, and no FMA to do its work with");
        auto const flags = processor_flags();
        bool const has_fma = flags.find(" fma ") != std::string::npos;
        bool const has_avx2 = flags.find(" avx2 ") != std::string::npos;
        REQUIRE(!(has_fma && has_avx2));
        return false;
    }

    // Afterwards: nothing was wrong, all that products of bfloat16 need was executed, by at least so many
    // threads, and no thread holds tiles. streams: what is read once is loaded as such.
    inline void check_executed(int threads = 1, bool streams = true)
    {
        unsigned char configuration[64];
        __asm__ volatile("sttilecfg %0" : "=m"(configuration));
        CHECK(configuration[0] == 0);
        CHECK(std::string(tile_trap::first_fault()) == "");
        CHECK(tile_trap::faults() == 0);
        if (has_unit()) { return; }
        CHECK(tile_trap::threads_with_tiles() == 0);
        CHECK(tile_trap::threads_seen() >= threads);
        auto const executed = &tile_trap::executed;
        CHECK(executed(operation::ldtilecfg) > 0);
        CHECK(executed(operation::ldtilecfg) == executed(operation::tilerelease));
        CHECK(executed(operation::tilezero) > 0);
        CHECK(executed(operation::tileloadd) > 0);
        CHECK((executed(operation::tileloaddt1) > 0 || !streams));
        CHECK(executed(operation::tdpbf16ps) > 0);
        CHECK(executed(operation::tilestored) > 0);
        MESSAGE("executed: ", executed(operation::ldtilecfg), " ldtilecfg, ", executed(operation::tdpbf16ps),
                " tdpbf16ps, ", executed(operation::tileloadd), " tileloadd, ",
                executed(operation::tileloaddt1), " tileloaddt1, ", executed(operation::tilestored),
                " tilestored, by ", tile_trap::threads_seen(), " threads");
    }
}
