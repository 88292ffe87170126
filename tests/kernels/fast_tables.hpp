// Every fast table there is: those this machine runs, and the portable one, which always can be.
#pragma once

#include <vector>

#include <gemma4/kernels/fast.hpp>
#include <gemma4/kernels/fast_instantiate.hpp>

inline std::vector<gemma4::kernels::fast_table const*> all_fast_tables()
{
    static constexpr auto portable = gemma4::kernels::make_fast_table<gemma4::simd::arch::portable_dot>();
    auto const linked = gemma4::kernels::fast_available();
    std::vector<gemma4::kernels::fast_table const*> tables(linked.begin(), linked.end());
    tables.push_back(&portable);
    return tables;
}
