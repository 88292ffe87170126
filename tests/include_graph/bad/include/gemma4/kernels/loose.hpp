#include "near.hpp"
#include <immintrin.h>
#include <nlohmann/json.hpp>
#include <xsimd/xsimd.hpp>
#include <xtensor/xarray.hpp>

#include <gemma4/core/upward.hpp>
#define GEMMA4_TILE 4
#define tile GEMMA4_TILE
inline void configure(void const* p) { __asm__ volatile("ldtilecfg (%0)" ::"r"(p)); }
