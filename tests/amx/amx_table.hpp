// The table of the matrix unit, whether or not the probe would choose it.
#pragma once

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
    inline gemma4::kernels::fast_table const& table() { return gemma4::kernels::amx_fast_table; }

    // The object of that table is compiled for AVX-512 with VNNI.
    inline bool can_run()
    {
        bool const can = gemma4::simd::cpu().avx512_vnni;
        if (!can) { MESSAGE("not run: this processor has no AVX-512 VNNI"); }
        return can;
    }

    // Afterwards: nothing was wrong, all that products of bfloat16 need was executed, by at least so many
    // threads, and no thread holds tiles. streams: what is read once is loaded as such.
    inline void check_executed(int threads = 1, bool streams = true)
    {
        unsigned char configuration[64];
        __asm__ volatile("sttilecfg %0" : "=m"(configuration));
        CHECK(configuration[0] == 0);
        if (has_unit()) { return; }
        CHECK(std::string(tile_trap::first_fault()) == "");
        CHECK(tile_trap::faults() == 0);
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
