// Sixteen float lanes: the unit of every kernel, whatever the instruction set.
//
// One, two or four vector registers (sixteen floats for `portable`). Sums over the lanes are taken in one
// fixed tree, so the order of additions never depends on the instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include <gemma4/core/types.hpp>
#include <gemma4/simd/arch/arm.hpp>
#include <gemma4/simd/arch/portable.hpp>
#include <gemma4/simd/arch/x86.hpp>

namespace gemma4::inline v0::simd
{
    inline constexpr std::size_t width = 16;

    template <class Arch>
    struct f32x16
    {
        using part = arch::part_t<Arch>;
        static constexpr std::size_t parts = width / arch::lanes<Arch>;

        part m_part[parts];

        [[gnu::always_inline]] static f32x16 broadcast(float x)
        {
            f32x16 r;
            for (auto& p : r.m_part) { p = part(x); }
            return r;
        }

        [[gnu::always_inline]] static f32x16 zero() { return broadcast(0.0f); }

        [[gnu::always_inline]] static f32x16 load(float const* p)
        {
            f32x16 r;
            for (std::size_t i = 0; i != parts; ++i)
            {
                r.m_part[i] = arch::load<Arch>(p + i * arch::lanes<Arch>);
            }
            return r;
        }

        // Widening, exact.
        [[gnu::always_inline]] static f32x16 load(bf16 const* p)
        {
            f32x16 r;
            auto const bits = reinterpret_cast<std::uint16_t const*>(p);
            for (std::size_t i = 0; i != parts; ++i)
            {
                r.m_part[i] = arch::load_bf16<Arch>(bits + i * arch::lanes<Arch>, Arch{});
            }
            return r;
        }

        // Widening, exact; a signalling NaN may come back quiet.
        [[gnu::always_inline]] static f32x16 load(f16 const* p)
        {
            f32x16 r;
            auto const bits = reinterpret_cast<std::uint16_t const*>(p);
            for (std::size_t i = 0; i != parts; ++i)
            {
                r.m_part[i] = arch::load_f16<Arch>(bits + i * arch::lanes<Arch>, Arch{});
            }
            return r;
        }

        [[gnu::always_inline]] static f32x16 load(std::int8_t const* p)
        {
            f32x16 r;
            for (std::size_t i = 0; i != parts; ++i)
            {
                r.m_part[i] = arch::load_i8<Arch>(p + i * arch::lanes<Arch>, Arch{});
            }
            return r;
        }

        // The first n < 16 elements; the other lanes are `fill`.
        template <class T>
        [[gnu::always_inline]] static f32x16 load_partial(T const* p, std::size_t n, T fill = T{})
        {
            T lane[width];
            for (std::size_t i = 0; i != width; ++i) { lane[i] = i < n ? p[i] : fill; }
            return load(lane);
        }

        [[gnu::always_inline]] void store(float* p) const
        {
            for (std::size_t i = 0; i != parts; ++i)
            {
                arch::store<Arch>(m_part[i], p + i * arch::lanes<Arch>);
            }
        }

        [[gnu::always_inline]] void store_partial(float* p, std::size_t n) const
        {
            float lane[width];
            store(lane);
            for (std::size_t i = 0; i != n; ++i) { p[i] = lane[i]; }
        }

        [[gnu::always_inline]] friend f32x16 operator+(f32x16 a, f32x16 const& b)
        {
            for (std::size_t i = 0; i != parts; ++i) { a.m_part[i] = a.m_part[i] + b.m_part[i]; }
            return a;
        }

        [[gnu::always_inline]] friend f32x16 operator-(f32x16 a, f32x16 const& b)
        {
            for (std::size_t i = 0; i != parts; ++i) { a.m_part[i] = a.m_part[i] - b.m_part[i]; }
            return a;
        }

        [[gnu::always_inline]] friend f32x16 operator*(f32x16 a, f32x16 const& b)
        {
            for (std::size_t i = 0; i != parts; ++i) { a.m_part[i] = a.m_part[i] * b.m_part[i]; }
            return a;
        }

        [[gnu::always_inline]] friend f32x16 operator/(f32x16 a, f32x16 const& b)
        {
            for (std::size_t i = 0; i != parts; ++i)
            {
                a.m_part[i] = arch::divide<Arch>(a.m_part[i], b.m_part[i], Arch{});
            }
            return a;
        }

        // a * b + c; one rounding wherever the instruction set has it (not on baseline x86-64 nor
        // `portable`).
        [[gnu::always_inline]] friend f32x16 fma(f32x16 const& a, f32x16 const& b, f32x16 c)
        {
            for (std::size_t i = 0; i != parts; ++i)
            {
                c.m_part[i] = arch::fma<Arch>(a.m_part[i], b.m_part[i], c.m_part[i], Arch{});
            }
            return c;
        }

        [[gnu::always_inline]] friend f32x16 max(f32x16 a, f32x16 const& b)
        {
            for (std::size_t i = 0; i != parts; ++i) { a.m_part[i] = arch::max(a.m_part[i], b.m_part[i]); }
            return a;
        }

        // Within 2 units in the last place; 0 for -infinity and below -87.4, infinity above 88.37.
        [[gnu::always_inline]] friend f32x16 exp(f32x16 a)
        {
            for (auto& p : a.m_part) { p = arch::exp(p); }
            return a;
        }

        [[gnu::always_inline]] friend f32x16 tanh(f32x16 a)
        {
            for (auto& p : a.m_part) { p = arch::tanh(p); }
            return a;
        }

        // The sum of the lanes as the tree i + (i + 8), i + (i + 4), i + (i + 2), 0 + 1.
        [[gnu::always_inline]] friend float reduce_add(f32x16 a)
        {
            for (std::size_t half = parts / 2; half != 0; half /= 2)
            {
                for (std::size_t i = 0; i != half; ++i) { a.m_part[i] = a.m_part[i] + a.m_part[i + half]; }
            }
            return arch::reduce_add<Arch>(a.m_part[0], Arch{});
        }

        [[gnu::always_inline]] friend float reduce_max(f32x16 const& a)
        {
            float lane[width];
            a.store(lane);
            float most = lane[0];
            for (std::size_t i = 1; i != width; ++i) { most = most < lane[i] ? lane[i] : most; }
            return most;
        }
    };

    // How many f32x16 fit in the registers.
    template <class Arch>
    inline constexpr std::size_t f32x16_count = arch::register_count<Arch> / f32x16<Arch>::parts;
}
