// The formats of four-bit floats (e2m1: a sign and one of 0, 0.5, 1, 1.5, 2, 3, 4, 6) with a float scale for
// each group.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <gemma4/formats/block.hpp>

namespace gemma4::inline v0
{
    // Twice the value of each e2m1, so that they are integers; the scales below are halved in turn.
    inline constexpr std::array<std::int8_t, 16> doubled_e2m1{0, 1,  2,  3,  4,  6,  8,  12,
                                                              0, -1, -2, -3, -4, -6, -8, -12};

    namespace detail
    {
        // 2^(e - 128)
        [[gnu::always_inline]] inline float half_e8m0(unsigned e) noexcept
        {
            return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (e - 1) << 23);
        }

        // Half of the unsigned e4m3 in the lower seven bits; 0 where the byte is 0 or 127. The eighth bit is
        // no sign: ignored.
        [[gnu::always_inline]] inline float half_ue4m3(unsigned x) noexcept
        {
            auto const exponent = x >> 3 & 15u;
            auto const mantissa = x & 7u;
            if (x == 0 || x == 0x7f) { return 0.0f; }
            if (exponent == 0) { return float(mantissa) * 0x1p-10f; }
            return std::bit_cast<float>((exponent + 119u) << 23 | mantissa << 20);
        }
    }

    // e (1), 16 bytes of q: weight = 2^(e - 128) * doubled_e2m1[q]
    struct mxfp4
    {
        static constexpr char const* name = "MXFP4";
        static constexpr std::size_t weights_per_block = 32;
        static constexpr std::size_t bytes_per_block = 17;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const d = detail::half_e8m0(detail::byte_at(block, 0));
            auto const* const values = doubled_e2m1.data();
            for (std::size_t i = 0; i != 32; ++i) { out[i] = d * float(values[detail::nibble(block, 1, i)]); }
        }
    };

    // 4 scales (1 each, groups of 16), then 8 bytes of q for each group: weight j and j + 8 of a group share
    // a byte; weight = scale / 2 * doubled_e2m1[q]. A factor for the whole tensor may accompany it
    // (io/gguf_tensors.hpp).
    struct nvfp4
    {
        static constexpr char const* name = "NVFP4";
        static constexpr std::size_t weights_per_block = 64;
        static constexpr std::size_t bytes_per_block = 36;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            auto const* const values = doubled_e2m1.data();
            for (std::size_t i = 0; i != 64; ++i)
            {
                auto const group = i / 16;
                auto const d = detail::half_ue4m3(detail::byte_at(block, group));
                auto const q = detail::byte_at(block, 4 + 8 * group + i % 8) >> (i % 16 / 8 * 4) & 15u;
                out[i] = d * float(values[q]);
            }
        }
    };
}
