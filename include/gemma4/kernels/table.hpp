// The kernels of one instruction set as a table of function pointers, and the tables this machine can run.
//
// Every kernel is a pure function over pointers and sizes: no allocation, no threads, no errors. All
// arithmetic is float32. A result depends on the operands of its own row only: never on tiles, neighbours or
// alignment.
//
// By default (headers only) there is one table, of the instruction set this file is compiled for. With
// GEMMA4_SEPARATE_KERNELS (set by the CMake target gemma4::kernels) the tables are separately compiled, one
// per instruction set of the processor family, and chosen at run time.
#pragma once

#include <cstddef>
#include <span>

#include <gemma4/kernels/table_type.hpp>

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/kernels/instantiate.hpp>
#endif

namespace gemma4::inline v0::kernels
{
    // Every table that is linked and that this processor can run, best first. Never empty.
#if defined(GEMMA4_SEPARATE_KERNELS)
    std::span<table const* const> available();
#else
    inline std::span<table const* const> available()
    {
        static constexpr table here = make_table<simd::native>(native_name());
        static constexpr table const* all[] = {&here};
        return all;
    }
#endif

    inline table const& best() { return *available().front(); }
}
