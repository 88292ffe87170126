// Every table there is: those this machine runs, and the portable one, which always can be.
#pragma once

#include <vector>

#include <gemma4/kernels/instantiate.hpp>
#include <gemma4/kernels/table.hpp>

inline std::vector<gemma4::kernels::table const*> all_tables()
{
    static constexpr auto portable = gemma4::kernels::make_table<gemma4::simd::portable>("portable");
    auto const linked = gemma4::kernels::available();
    std::vector<gemma4::kernels::table const*> tables(linked.begin(), linked.end());
    tables.push_back(&portable);
    return tables;
}

// Half a unit in the last place of 1.
inline constexpr double half_ulp = 0x1p-24;
