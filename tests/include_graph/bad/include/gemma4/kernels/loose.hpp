#include "near.hpp"
#include <immintrin.h>
#include <nlohmann/json.hpp>
#include <xsimd/xsimd.hpp>
#include <xtensor/xarray.hpp>

#include <gemma4/core/upward.hpp>
#define GEMMA4_TILE 4
#define tile GEMMA4_TILE
