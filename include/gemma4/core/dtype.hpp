// The element types of checkpoint tensors, and their names at the file boundary.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    // The enumerators are named like the types of core/types.hpp on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
    enum class dtype : std::uint8_t
    {
        f32,
        bf16,
        f16
    };
#pragma GCC diagnostic pop

    inline constexpr std::size_t dtype_count = 3;

    // Bytes of one element.
    constexpr std::size_t size_of(dtype type) noexcept { return type == dtype::f32 ? 4 : 2; }

    // The word that safetensors uses.
    constexpr char const* name(dtype type) noexcept
    {
        switch (type)
        {
        case dtype::f32: return "F32";
        case dtype::bf16: return "BF16";
        case dtype::f16: return "F16";
        }
        return "?";
    }

    template <class T>
    inline constexpr dtype dtype_of = dtype{};
    template <>
    inline constexpr dtype dtype_of<float> = dtype::f32;
    template <>
    inline constexpr dtype dtype_of<bf16> = dtype::bf16;
    template <>
    inline constexpr dtype dtype_of<f16> = dtype::f16;
}
