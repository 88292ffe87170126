// The tables of fast kernels that this machine can run.
//
// As in kernels/table.hpp: by default one table, of the instruction set this file is compiled for; with
// GEMMA4_SEPARATE_KERNELS the tables are separately compiled and chosen at run time.
#pragma once

#include <span>

#include <gemma4/kernels/fast_table.hpp>

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/kernels/fast_instantiate.hpp>
#endif

namespace gemma4::inline v0::kernels
{
    // Every fast table that is linked and that this processor can run, best first. Never empty.
#if defined(GEMMA4_SEPARATE_KERNELS)
    std::span<fast_table const* const> fast_available();
#else
    inline std::span<fast_table const* const> fast_available()
    {
        static constexpr fast_table here = make_fast_table<simd::native_dot>();
        static constexpr fast_table const* all[] = {&here};
        return all;
    }
#endif

    inline fast_table const& fast_best() { return *fast_available().front(); }
}
