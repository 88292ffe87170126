// What the operating system is told about pages of memory. Advice only: nothing here fails.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/mman.h>

#include <gemma4/core/math.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t huge_page = std::size_t(2) << 20;

    // The memory will be read again and again: large pages spare the processor most of its address lookups.
    inline void advise_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes)
    {
#if defined(MADV_HUGEPAGE)
        auto const begin = round_up(reinterpret_cast<std::uintptr_t>(data), huge_page);
        auto const end = (reinterpret_cast<std::uintptr_t>(data) + bytes) / huge_page * huge_page;
        if (begin < end) { ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE); }
#endif
    }
}
