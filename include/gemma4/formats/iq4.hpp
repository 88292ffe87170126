// The IQ4 formats of GGUF: four bits that index a fixed table of levels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <gemma4/formats/block.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::array<std::int8_t, 16> iq4_levels{-127, -104, -83, -65, -49, -35, -22, -10,
                                                            1,    13,   25,  38,  53,  69,  89,  113};

    // d (2), 16 bytes of q: weight = d * level[q]
    struct iq4_nl
    {
        static constexpr char const* name = "IQ4_NL";
        static constexpr std::size_t weights_per_block = 32;
        static constexpr std::size_t bytes_per_block = 18;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            auto const* const levels = iq4_levels.data();
            for (std::size_t i = 0; i != 32; ++i) { out[i] = d * float(levels[detail::nibble(block, 2, i)]); }
        }
    };

    // d (2), upper two bits of eight scales (2), their lower four (4), 128 bytes of q: weight = d * (scale -
    // 32) * level[q]
    struct iq4_xs
    {
        static constexpr char const* name = "IQ4_XS";
        static constexpr std::size_t weights_per_block = 256;
        static constexpr std::size_t bytes_per_block = 136;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_at(block, 0);
            auto const upper = detail::byte_at(block, 2) | detail::byte_at(block, 3) << 8;
            auto const* const levels = iq4_levels.data();
            for (std::size_t j = 0; j != 8; ++j)
            {
                auto const low = detail::byte_at(block, 4 + j / 2) >> (j % 2 * 4) & 15u;
                auto const factor = d * float(int(low | (upper >> (2 * j) & 3u) << 4) - 32);
                for (std::size_t i = 0; i != 32; ++i)
                {
                    out[32 * j + i] = factor * float(levels[detail::nibble(block, 8 + 16 * j, i)]);
                }
            }
        }
    };
}
