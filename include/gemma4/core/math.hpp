// Integer helpers used at compile time and at run time.
#pragma once

#include <cstddef>

namespace gemma4::inline v0
{
    constexpr std::size_t ceil_div(std::size_t n, std::size_t by) noexcept { return n / by + (n % by != 0); }
    constexpr std::size_t round_up(std::size_t n, std::size_t to) noexcept { return ceil_div(n, to) * to; }
}
