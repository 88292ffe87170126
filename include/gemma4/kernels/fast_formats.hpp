// The packed formats as the fast kernels see them: a group of 32 weights of some rows in registers, and its
// product with the same group of one row of activations.
#pragma once

#include <cstddef>

#include <gemma4/kernels/fast_activations.hpp>
#include <gemma4/packing/packed_type.hpp>

namespace gemma4::inline v0::kernels
{
    // A row's dot products of a group that were made together with those of its neighbour (fast_pairs.hpp):
    // one of all 32 codes, or two of 16.
    template <class Isa, std::size_t Count>
    struct fast_dots
    {
        typename Isa::ints sums[Count];
        group_terms const& terms;
    };

    // Integer dot products of a group: `count` dwords of codes from dword `from`, starting at `start`.
    template <class Isa, bool Wide>
    struct fast_dot
    {
        using ints = typename Isa::ints;
        using bytes = typename Isa::bytes;

        [[gnu::always_inline]] static ints step(ints sum, bytes w, bytes a)
        {
            if constexpr (Wide) { return Isa::dot_wide(sum, w, a); }
            else { return Isa::dot_small(sum, w, a); }
        }

        template <int From, int Count>
        [[gnu::always_inline]] static ints run(ints start, bytes const* w, int8_group const& a)
        {
            for (int i = From; i != From + Count; ++i)
            {
                start = step(start, w[i], Isa::spread_dword(a.codes + 4 * i));
            }
            return start;
        }

        template <int From, int Count>
        [[gnu::always_inline]] static ints run(ints start, bytes const* w, int16_group const& a)
        {
            auto high = Isa::spread(0);
            for (int i = From; i != From + Count; ++i)
            {
                high = step(high, w[i], Isa::spread_dword(a.high + 4 * i));
                start = step(start, w[i], Isa::spread_dword(a.low + 4 * i));
            }
            return Isa::add(start, Isa::template shift_left<7>(high));
        }

        template <int From, int Count>
        [[gnu::always_inline]] static ints run(ints start, bytes const*, fast_dots<Isa, 8 / Count> const& a)
        {
            return Isa::add(start, a.sums[From / Count]);
        }
    };

    // Codes of four or five bits.
    template <class Isa, int Bits>
    struct fast_nibbles
    {
        // `part`: which lanes of the 16 rows.
        [[gnu::always_inline]] static void load(std::byte const* codes, std::size_t part,
                                                typename Isa::bytes* w)
        {
            for (std::size_t l = 0; l != 4; ++l)
            {
                auto const line = Isa::load(codes + 64 * l + 4 * Isa::lanes * part);
                w[2 * l] = Isa::low4(line);
                w[2 * l + 1] = Isa::high4(line);
            }
            if constexpr (Bits == 5)
            {
                auto const fifths = Isa::load(codes + 256 + 4 * Isa::lanes * part);
                w[0] = Isa::template five<0>(w[0], fifths);
                w[1] = Isa::template five<1>(w[1], fifths);
                w[2] = Isa::template five<2>(w[2], fifths);
                w[3] = Isa::template five<3>(w[3], fifths);
                w[4] = Isa::template five<4>(w[4], fifths);
                w[5] = Isa::template five<5>(w[5], fifths);
                w[6] = Isa::template five<6>(w[6], fifths);
                w[7] = Isa::template five<7>(w[7], fifths);
            }
        }
    };

    template <class Isa>
    struct fast_bytes
    {
        [[gnu::always_inline]] static void load(std::byte const* codes, std::size_t part,
                                                typename Isa::bytes* w)
        {
            for (std::size_t l = 0; l != 8; ++l)
            {
                w[l] = Isa::wide(Isa::load(codes + 64 * l + 4 * Isa::lanes * part));
            }
        }
    };

    // Each format: `weights` of one group and part, load(), product(y, weights, activations): y + their dot
    // product, and line(weights, h): scale and offset of code (unsigned, where the instruction set multiplies
    // those) in 16 of k.
    template <class Isa>
    struct fast_line
    {
        typename Isa::floats scale;
        typename Isa::floats offset;

        [[gnu::always_inline]] static fast_line centred(typename Isa::floats scale, float zero)
        {
            return {scale, Isa::multiply(scale, Isa::spread(-zero))};
        }
    };

    // weight = scale * (code - half of the codes): q4 and q5.
    template <class Isa, int Bits>
    struct fast_centred
    {
        static constexpr auto type = Bits == 4 ? packed_type::q4 : packed_type::q5;
        struct weights
        {
            typename Isa::bytes w[8];
            typename Isa::floats scale;
        };

        [[gnu::always_inline]] static weights load(std::byte const* block, std::size_t group,
                                                   std::size_t part)
        {
            auto const at = packed_group_at(type, group);
            weights out;
            fast_nibbles<Isa, Bits>::load(block + at.codes, part, out.w);
            out.scale = Isa::load_f16(block + at.scales + 2 * Isa::lanes * part);
            return out;
        }

        [[gnu::always_inline]] static fast_line<Isa> line(weights const& w, int)
        {
            return fast_line<Isa>::centred(w.scale, Bits == 4 ? 8.0f : 16.0f);
        }

        template <class Group>
        [[gnu::always_inline]] static typename Isa::floats product(typename Isa::floats y, weights const& w,
                                                                   Group const& a)
        {
            auto const zero = Isa::spread(a.terms.zero_q4);
            auto sum = fast_dot<Isa, false>::template run<0, 8>(zero, w.w, a);
            if constexpr (Bits == 5) { sum = Isa::add(sum, zero); }    // -16 is twice -8
            return Isa::fma(Isa::multiply(Isa::to_floats(sum), w.scale), Isa::spread(a.terms.scale), y);
        }
    };

    template <class Isa>
    struct fast_q8
    {
        static constexpr auto type = packed_type::q8;
        using weights = typename fast_centred<Isa, 4>::weights;

        [[gnu::always_inline]] static weights load(std::byte const* block, std::size_t group,
                                                   std::size_t part)
        {
            auto const at = packed_group_at(type, group);
            weights out;
            fast_bytes<Isa>::load(block + at.codes, part, out.w);
            out.scale = Isa::load_f16(block + at.scales + 2 * Isa::lanes * part);
            return out;
        }

        [[gnu::always_inline]] static fast_line<Isa> line(weights const& w, int)
        {
            return fast_line<Isa>::centred(w.scale, 128.0f);
        }

        template <class Group>
        [[gnu::always_inline]] static typename Isa::floats product(typename Isa::floats y, weights const& w,
                                                                   Group const& a)
        {
            auto const start = Isa::spread(Isa::signed_codes ? 0 : a.terms.zero_q8);
            auto const sum = fast_dot<Isa, true>::template run<0, 8>(start, w.w, a);
            return Isa::fma(Isa::multiply(Isa::to_floats(sum), w.scale), Isa::spread(a.terms.scale), y);
        }
    };

    // weight = scale * code + offset, both of the whole group: q4s q5s q4k q5k.
    template <class Isa>
    struct fast_with_offset
    {
        struct weights
        {
            typename Isa::bytes w[8];
            typename Isa::floats scale;
            typename Isa::floats offset;
        };

        [[gnu::always_inline]] static fast_line<Isa> line(weights const& w, int)
        {
            return {w.scale, w.offset};
        }

        template <class Group>
        [[gnu::always_inline]] static typename Isa::floats product(typename Isa::floats y, weights const& w,
                                                                   Group const& a)
        {
            auto const sum = fast_dot<Isa, false>::template run<0, 8>(Isa::spread(0), w.w, a);
            y = Isa::fma(w.offset, Isa::spread(a.terms.total), y);
            return Isa::fma(Isa::multiply(Isa::to_floats(sum), w.scale), Isa::spread(a.terms.scale), y);
        }
    };

    template <class Isa, int Bits>
    struct fast_scaled : fast_with_offset<Isa>
    {
        static constexpr auto type = Bits == 4 ? packed_type::q4s : packed_type::q5s;
        using weights = typename fast_with_offset<Isa>::weights;

        [[gnu::always_inline]] static weights load(std::byte const* block, std::size_t group,
                                                   std::size_t part)
        {
            auto const at = packed_group_at(type, group);
            weights out;
            fast_nibbles<Isa, Bits>::load(block + at.codes, part, out.w);
            out.scale = Isa::load_f16(block + at.scales + 2 * Isa::lanes * part);
            out.offset = Isa::load_f16(block + at.scales + 32 + 2 * Isa::lanes * part);
            return out;
        }
    };

    template <class Isa, int Bits>
    struct fast_super : fast_with_offset<Isa>
    {
        static constexpr auto type = Bits == 4 ? packed_type::q4k : packed_type::q5k;
        using weights = typename fast_with_offset<Isa>::weights;

        [[gnu::always_inline]] static weights load(std::byte const* block, std::size_t group,
                                                   std::size_t part)
        {
            auto const at = packed_group_at(type, group);
            auto const* const super = block + packed_super_at(type, group) + 2 * Isa::lanes * part;
            weights out;
            fast_nibbles<Isa, Bits>::load(block + at.codes, part, out.w);
            auto const* const scales = block + at.scales + Isa::lanes * part;
            out.scale = Isa::multiply(Isa::load_f16(super), Isa::load_u8(scales));
            // Subtracted in the format: the sign goes to the (exact) super scale.
            out.offset = Isa::multiply(Isa::multiply(Isa::load_f16(super + 32), Isa::spread(-1.0f)),
                                       Isa::load_u8(scales + 16));
            return out;
        }
    };

    template <class Isa>
    struct fast_q6
    {
        static constexpr auto type = packed_type::q6;
        struct weights
        {
            typename Isa::bytes w[8];
            typename Isa::floats scale[2];
        };

        [[gnu::always_inline]] static weights load(std::byte const* block, std::size_t group,
                                                   std::size_t part)
        {
            auto const at = packed_group_at(type, group);
            weights out;
            fast_nibbles<Isa, 4>::load(block + at.codes, part, out.w);
            for (std::size_t h = 0; h != 2; ++h)
            {
                auto const upper = Isa::load(block + at.codes + 256 + 64 * h + 4 * Isa::lanes * part);
                auto* const w = out.w + 4 * h;
                w[0] = Isa::template six<0>(w[0], upper);
                w[1] = Isa::template six<1>(w[1], upper);
                w[2] = Isa::template six<2>(w[2], upper);
                w[3] = Isa::template six<3>(w[3], upper);
            }
            auto const d = Isa::load_f16(block + packed_super_at(type, group) + 2 * Isa::lanes * part);
            out.scale[0] = Isa::multiply(d, Isa::load_i8(block + at.scales + Isa::lanes * part));
            out.scale[1] = Isa::multiply(d, Isa::load_i8(block + at.scales + 16 + Isa::lanes * part));
            return out;
        }

        [[gnu::always_inline]] static fast_line<Isa> line(weights const& w, int h)
        {
            return fast_line<Isa>::centred(w.scale[h], 32.0f);
        }

        template <class Group>
        [[gnu::always_inline]] static typename Isa::floats product(typename Isa::floats y, weights const& w,
                                                                   Group const& a)
        {
            using dot = fast_dot<Isa, false>;
            auto const first = dot::template run<0, 4>(Isa::spread(a.terms.zero_q6[0]), w.w, a);
            auto const second = dot::template run<4, 4>(Isa::spread(a.terms.zero_q6[1]), w.w, a);
            auto const sum = Isa::fma(Isa::to_floats(second), w.scale[1],
                                      Isa::multiply(Isa::to_floats(first), w.scale[0]));
            return Isa::fma(sum, Isa::spread(a.terms.scale), y);
        }
    };

    template <class Isa>
    struct fast_q8g
    {
        static constexpr auto type = packed_type::q8g;
        struct weights
        {
            typename Isa::bytes w[8];
            typename Isa::floats scale[2];
            typename Isa::floats offset[2];
        };

        [[gnu::always_inline]] static weights load(std::byte const* block, std::size_t group,
                                                   std::size_t part)
        {
            auto const at = packed_group_at(type, group);
            weights out;
            fast_bytes<Isa>::load(block + at.codes, part, out.w);
            auto const* const scales = block + at.scales + 4 * Isa::lanes * part;
            for (std::size_t h = 0; h != 2; ++h)
            {
                out.scale[h] = Isa::load_float(scales + 64 * h);
                out.offset[h] = Isa::load_float(scales + 128 + 64 * h);
            }
            return out;
        }

        [[gnu::always_inline]] static fast_line<Isa> line(weights const& w, int h)
        {
            return {w.scale[h], Isa::fma(w.scale[h], Isa::spread(-128.0f), w.offset[h])};
        }

        template <class Group>
        [[gnu::always_inline]] static typename Isa::floats product(typename Isa::floats y, weights const& w,
                                                                   Group const& a)
        {
            using dot = fast_dot<Isa, true>;
            typename Isa::floats sums[2];
            // -128 * sum is 4 times the zero point of q6.
            auto const start = [&](int h) __attribute__((always_inline))
            {
                return Isa::signed_codes ? Isa::spread(0)
                                         : Isa::template shift_left<2>(Isa::spread(a.terms.zero_q6[h]));
            };
            sums[0] = Isa::to_floats(dot::template run<0, 4>(start(0), w.w, a));
            sums[1] = Isa::to_floats(dot::template run<4, 4>(start(1), w.w, a));
            y = Isa::fma(w.offset[0], Isa::spread(a.terms.sum[0]), y);
            y = Isa::fma(w.offset[1], Isa::spread(a.terms.sum[1]), y);
            auto const sum = Isa::fma(sums[1], w.scale[1], Isa::multiply(sums[0], w.scale[0]));
            return Isa::fma(sum, Isa::spread(a.terms.scale), y);
        }
    };
}
