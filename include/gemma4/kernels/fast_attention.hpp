// Keys and values as packed bfloat16 matrices (packing/packed_type.hpp), so that scores and mixes of values
// are products of the fast path: W = keys (keys, head_dim) and W = values transposed (head_dim, keys).
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/core/types.hpp>
#include <gemma4/packing/packed_type.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Isa>
    struct fast_attention
    {
        template <class Element>
        static void pack_keys(void const* from, float const* scales, std::size_t count, std::size_t head_dim,
                              std::byte* to)
        {
            auto const* const keys = static_cast<Element const*>(from);
            auto const groups = packed_groups(packed_type::bf16, head_dim);
            for (std::size_t first = 0; first < count; first += packed_rows)
            {
                auto const some = count - first < packed_rows ? count - first : packed_rows;
                for (std::size_t g = 0; g != groups; ++g, to += 1024)
                {
                    auto const width = head_dim - 32 * g < 32 ? head_dim - 32 * g : 32;
                    alignas(64) std::byte lines[packed_rows][64];
                    for (std::size_t r = 0; r != packed_rows; ++r)
                    {
                        if (r < some && width == 32)
                        {
                            auto const at = first + r;
                            line(keys + at * head_dim + 32 * g, scale_of<Element>(scales, at), lines[r]);
                            continue;
                        }
                        Element padded[32] = {};
                        for (std::size_t i = 0; r < some && i != width; ++i)
                        {
                            padded[i] = keys[(first + r) * head_dim + 32 * g + i];
                        }
                        line(padded, r < some ? scale_of<Element>(scales, first + r) : 0.0f, lines[r]);
                    }
                    Isa::transpose(lines[0], to);
                }
            }
        }

        template <class Element>
        static void pack_values(void const* from, float const* scales, std::size_t count,
                                std::size_t head_dim, std::byte* to, std::size_t block_bytes)
        {
            auto const* const values = static_cast<Element const*>(from);
            static constexpr Element nothing[packed_rows] = {};
            auto const padded = (count + 31) / 32 * 32;
            for (std::size_t d = 0; d != head_dim; d += packed_rows, to += block_bytes)
            {
                for (std::size_t k = 0; k != padded; k += 2)
                {
                    auto const* const first = k < count ? values + k * head_dim + d : nothing;
                    auto const* const second = k + 1 < count ? values + (k + 1) * head_dim + d : nothing;
                    auto const a = k < count ? scale_of<Element>(scales, k) : 0.0f;
                    auto const b = k + 1 < count ? scale_of<Element>(scales, k + 1) : 0.0f;
                    for (std::size_t i = 0; i != packed_rows; i += Isa::lanes)
                    {
                        Isa::store_bf16(to + 32 * k + 4 * i, floats_of(first + i, a),
                                        floats_of(second + i, b));
                    }
                }
            }
        }

    private:
        using floats = typename Isa::floats;

        template <class Element>
        [[gnu::always_inline]] static float scale_of(float const* scales, std::size_t at)
        {
            if constexpr (sizeof(Element) == 1) { return scales[at]; }
            else { return 1.0f; }
        }

        [[gnu::always_inline]] static floats floats_of(float const* x, float) { return Isa::load_float(x); }
        [[gnu::always_inline]] static floats floats_of(bf16 const* x, float) { return Isa::load_bf16(x); }
        [[gnu::always_inline]] static floats floats_of(std::int8_t const* x, float scale)
        {
            return Isa::multiply(Isa::load_i8(x), Isa::spread(scale));
        }

        // 32 numbers of a vector as bfloat16, in order.
        [[gnu::always_inline]] static void line(bf16 const* x, float, std::byte* to)
        {
            __builtin_memcpy(to, x, 64);
        }
        template <class Element>
        [[gnu::always_inline]] static void line(Element const* x, float scale, std::byte* to)
        {
            for (std::size_t i = 0; i != 32; i += Isa::lanes)
            {
                Isa::store_bf16(to + 2 * i, floats_of(x + i, scale));
            }
        }
    };
}
