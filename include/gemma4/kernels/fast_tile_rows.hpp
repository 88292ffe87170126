// Activations of kind `tiles`: bfloat16 as [512 of k][32 rows][32 of k][16 rows] tiles of (16, 32), padded
// with zeros in k, so that the matrix unit walks them in a straight line.
//
// They are 2^52 times the numbers they stand for, which must be below 2^75: weights of 4 and 8 bits are
// unpacked to 2^-104 of theirs, and the unit drops products below 2^-126. Sums are put right where they leave
// the tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/kernels/fast_activations.hpp>

namespace gemma4::inline v0::kernels
{
    inline constexpr std::size_t tile_bytes = 1024;    // 16 lines of 64
    inline constexpr float tile_factor = 0x1p52f;

    // Groups of a panel of k: weights and sums share the first-level cache.
    inline constexpr std::size_t tile_depth = 16;

    struct tile_rows
    {
        std::size_t groups;
        std::size_t strips;    // of 32 rows

        [[gnu::always_inline]] static tile_rows of(std::size_t rows, std::size_t ins)
        {
            return {(ins + 31) / 32, (rows + 31) / 32};
        }

        // Byte offset of the first tile of a strip for groups [16 * panel, ...).
        [[gnu::always_inline]] std::size_t at(std::size_t panel, std::size_t strip) const
        {
            auto const left = groups - tile_depth * panel;
            auto const depth = left < tile_depth ? left : tile_depth;
            return 2 * tile_bytes * (panel * tile_depth * strips + strip * depth);
        }

        // Of row r and group g: 64 bytes.
        [[gnu::always_inline]] std::size_t line(std::size_t r, std::size_t g) const
        {
            return at(g / tile_depth, r / 32) + (2 * (g % tile_depth) + r % 32 / 16) * tile_bytes
                   + r % 16 * 64;
        }
    };

    template <class Isa>
    struct fast_tile_rows
    {
        static std::size_t bytes(std::size_t rows, std::size_t ins)
        {
            auto const t = tile_rows::of(rows, ins);
            return 2 * tile_bytes * t.groups * t.strips;
        }

        static void run(float const* x, std::size_t ldx, std::size_t first, std::size_t count,
                        activations const& to)
        {
            auto const t = tile_rows::of(to.rows, to.ins);
            auto const whole = to.ins / 32;
            // Some groups of all rows at a time: whole lines of x, and tiles from their beginning to their
            // end.
            for (std::size_t g = 0; g < whole; g += groups_at_once)
            {
                auto const end = g + groups_at_once < whole ? g + groups_at_once : whole;
                for (auto r = first; r != first + count; ++r)
                {
                    for (auto i = g; i != end; ++i) { line(x + r * ldx + 32 * i, line_of(to, t, r, i)); }
                }
            }
            if (whole != t.groups)
            {
                for (auto r = first; r != first + count; ++r)
                {
                    float padded[32] = {};
                    __builtin_memcpy(padded, x + r * ldx + 32 * whole, (to.ins - 32 * whole) * sizeof(float));
                    line(padded, line_of(to, t, r, whole));
                }
            }
            if (first + count == to.rows)
            {
                for (auto r = to.rows; r != 32 * t.strips; ++r)
                {
                    for (std::size_t g = 0; g != t.groups; ++g)
                    {
                        __builtin_memset(line_of(to, t, r, g), 0, 64);
                    }
                }
            }
        }

    private:
        static constexpr std::size_t groups_at_once = 4;

        [[gnu::always_inline]] static std::byte* line_of(activations const& to, tile_rows const& t,
                                                         std::size_t r, std::size_t g)
        {
            return static_cast<std::byte*>(to.data) + t.line(r, g);
        }

        [[gnu::always_inline]] static void line(float const* x, std::byte* to)
        {
            auto const factor = Isa::spread(tile_factor);
            for (std::size_t i = 0; i != 32; i += 2 * Isa::lanes)
            {
                Isa::store_bf16_line(to + 2 * i, Isa::multiply(Isa::load_float(x + i), factor),
                                     Isa::multiply(Isa::load_float(x + i + Isa::lanes), factor));
            }
        }
    };
}
