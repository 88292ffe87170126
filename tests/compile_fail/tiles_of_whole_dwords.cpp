// expect: a row of a tile has 4 to 64 bytes, whole dwords
#include <gemma4/simd/arch/tiles.hpp>

constexpr gemma4::simd::arch::tile_configuration tiles(GEMMA4_FAIL ? 1 : 16, GEMMA4_FAIL ? 2 : 64);
