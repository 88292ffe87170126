// Packed weights as tiles of bfloat16: line i of group g holds the pairs of k (2 i, 2 i + 1) of 16 rows.
//
// Each source: `type`, unpack(), and `factor`: the tiles are so many times the weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <gemma4/kernels/fast_formats.hpp>
#include <gemma4/kernels/fast_matmul.hpp>
#include <gemma4/kernels/fast_plain.hpp>

namespace gemma4::inline v0::kernels
{
    // In float32, as the format says.
    template <class Isa, class Format>
    struct fast_tile
    {
        static constexpr auto type = Format::type;
        static constexpr float factor = 1;

        [[gnu::always_inline]] static void unpack(std::byte const* block, std::size_t g, std::byte* tile)
        {
            for (std::size_t p = 0; p != packed_rows / Isa::lanes; ++p)
            {
                auto const w = Format::load(block, g, p);
                auto* const out = tile + 4 * Isa::lanes * p;
                fast_each(
                    std::make_index_sequence<8>{}, [&](auto i) __attribute__((always_inline)) {
                        auto const of = Format::line(w, i / 4);
                        constexpr auto at = 64 * (4 * (i / 2) + i % 2);
                        Isa::store_bf16(out + at, code<0>(w.w[i], of), code<2>(w.w[i], of));
                        Isa::store_bf16(out + at + 128, code<1>(w.w[i], of), code<3>(w.w[i], of));
                    });
            }
        }

    private:
        template <int Byte>
        [[gnu::always_inline]] static typename Isa::floats code(typename Isa::bytes w,
                                                                fast_line<Isa> const& of)
        {
            return Isa::fma(Isa::template byte<Byte>(w), of.scale, of.offset);
        }
    };

    // In binary16, of half the instructions: q4 and q8. Groups whose weights would not fit binary16 go
    // through float32. Each weight is rounded twice, to 11 bits and to 8.
    template <class Isa, packed_type Type>
    struct fast_half_tile
    {
        static constexpr auto type = Type;
        static constexpr float factor = Isa::half_weight_factor;

        static void unpack(std::byte const* block, std::size_t g, std::byte* tile)
        {
            auto const at = packed_group_at(type, g);
            auto const* const codes = block + at.codes;
            if constexpr (type == packed_type::q4)
            {
                auto const scales = Isa::template load_half_scales<0x5000>(block + at.scales);    // 32
                if (!scales.in_range) [[unlikely]] { return in_float32(block, g, tile); }
                fast_each(
                    std::make_index_sequence<4>{}, [&](auto l) __attribute__((always_inline)) {
                        auto const line = Isa::load(codes + 64 * l);
                        auto* const out = tile + 256 * l;
                        Isa::template store_scaled_nibbles<0>(out, line, scales);
                        Isa::template store_scaled_nibbles<1>(out + 64, line, scales);
                        Isa::template store_scaled_nibbles<2>(out + 128, line, scales);
                        Isa::template store_scaled_nibbles<3>(out + 192, line, scales);
                    });
            }
            else
            {
                static_assert(type == packed_type::q8);
                auto const scales = Isa::template load_half_scales<0x3c00>(block + at.scales);    // 1
                if (!scales.in_range) [[unlikely]] { return in_float32(block, g, tile); }
                fast_each(
                    std::make_index_sequence<8>{}, [&](auto l) __attribute__((always_inline)) {
                        auto const line = Isa::load(codes + 64 * l);
                        auto* const out = tile + 64 * (4 * (l / 2) + l % 2);
                        Isa::template store_scaled_bytes<0>(out, line, scales);
                        Isa::template store_scaled_bytes<1>(out + 128, line, scales);
                    });
            }
        }

    private:
        [[gnu::noinline]] static void in_float32(std::byte const* block, std::size_t g, std::byte* tile)
        {
            using format = std::conditional_t<type == packed_type::q4, fast_centred<Isa, 4>, fast_q8<Isa>>;
            fast_tile<Isa, format>::unpack(block, g, tile);
            auto const small = Isa::spread(factor);
            for (std::size_t line = 0; line != 16; ++line)
            {
                auto const both = Isa::load(tile + 64 * line);
                Isa::store_bf16(tile + 64 * line, Isa::multiply(Isa::first_bf16(both), small),
                                Isa::multiply(Isa::second_bf16(both), small));
            }
        }
    };

    template <class Isa, packed_type Type>
    struct fast_plain_tile
    {
        static constexpr auto type = Type;
        static constexpr float factor = 1;

        [[gnu::always_inline]] static void unpack(std::byte const* block, std::size_t g, std::byte* tile)
        {
            for (std::size_t i = 0; i != 16; ++i)
            {
                for (std::size_t p = 0; p != packed_rows / Isa::lanes; ++p)
                {
                    auto const pair = fast_pair<Isa, Type>::load(block, 16 * g + i, p);
                    Isa::store_bf16(tile + 64 * i + 4 * Isa::lanes * p, pair.first, pair.second);
                }
            }
        }
    };

    template <class Isa>
    inline constexpr bool has_half_products = requires { Isa::half_weight_factor; };
    template <class Isa>
    using fast_q4_tile = std::conditional_t<has_half_products<Isa>, fast_half_tile<Isa, packed_type::q4>,
                                            fast_tile<Isa, fast_centred<Isa, 4>>>;
    template <class Isa>
    using fast_q8_tile = std::conditional_t<has_half_products<Isa>, fast_half_tile<Isa, packed_type::q8>,
                                            fast_tile<Isa, fast_q8<Isa>>>;
}
