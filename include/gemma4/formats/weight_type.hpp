// How the numbers of a weight matrix are stored, as a value: a type of a file, row by row, or a packed
// layout.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/core/dtype.hpp>
#include <gemma4/formats/ggml_type.hpp>

namespace gemma4::inline v0
{
    // The ids of ggml_type below first_packed, packed layouts (packing/packed_type.hpp) from there on.
    enum class weight_type : std::uint8_t
    {
    };

    inline constexpr std::size_t first_packed = 48;
    inline constexpr std::size_t weight_type_count = 64;

    constexpr weight_type weight_type_of(ggml_type type) noexcept { return weight_type(type); }

    constexpr weight_type weight_type_of(dtype type) noexcept
    {
        return weight_type(type == dtype::f32    ? ggml_type::f32
                           : type == dtype::bf16 ? ggml_type::bf16
                                                 : ggml_type::f16);
    }

    constexpr bool is_packed(weight_type type) noexcept { return std::size_t(type) >= first_packed; }

    // The ggml_type of a type that is not packed.
    constexpr ggml_type ggml_type_of(weight_type type) noexcept { return ggml_type(type); }

    // Whether rows are float32, bfloat16 or binary16, which matmul kernels read as they are; which of them.
    constexpr bool is_plain(weight_type type) noexcept
    {
        return type == weight_type_of(dtype::f32) || type == weight_type_of(dtype::bf16)
               || type == weight_type_of(dtype::f16);
    }

    constexpr dtype plain_dtype(weight_type type) noexcept
    {
        return type == weight_type_of(dtype::f32)    ? dtype::f32
               : type == weight_type_of(dtype::bf16) ? dtype::bf16
                                                     : dtype::f16;
    }

    // Bytes of a row of `ins` weights, which must be whole blocks; types that are not packed.
    constexpr std::size_t row_bytes(weight_type type, std::size_t ins) noexcept
    {
        auto const traits = traits_of(ggml_type_of(type));
        return ins / traits.weights_per_block * traits.bytes_per_block;
    }
}
