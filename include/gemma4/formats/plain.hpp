// The unquantised formats with the interface of the others: a block is one weight.
#pragma once

#include <bit>
#include <cstddef>

#include <gemma4/formats/block.hpp>

namespace gemma4::inline v0
{
    struct plain_f32
    {
        static constexpr char const* name = "F32";
        static constexpr std::size_t weights_per_block = 1;
        static constexpr std::size_t bytes_per_block = 4;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            *out = std::bit_cast<float>(detail::word_at(block, 0));
        }
    };

    struct plain_f16
    {
        static constexpr char const* name = "F16";
        static constexpr std::size_t weights_per_block = 1;
        static constexpr std::size_t bytes_per_block = 2;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            *out = detail::half_at(block, 0);
        }
    };

    struct plain_bf16
    {
        static constexpr char const* name = "BF16";
        static constexpr std::size_t weights_per_block = 1;
        static constexpr std::size_t bytes_per_block = 2;

        [[gnu::always_inline]] static void dequantise(std::byte const* block, float* out) noexcept
        {
            *out = std::bit_cast<float>((detail::byte_at(block, 0) | detail::byte_at(block, 1) << 8) << 16);
        }
    };
}
