// The primitives that every instruction set must have, in their portable form. Overloads on an xsimd tag
// (x86.hpp, arm.hpp) win over these where the instruction set has something better: a tag or a tag derived
// from it matches them better than `any`.
//
// A `part` is one register: xsimd::batch<float, Arch>, or a float for `portable`.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <xsimd/xsimd.hpp>

namespace gemma4::inline v0::simd
{
    // The instruction set of last resort: no vector registers that xsimd knows.
    struct portable
    {};

#ifdef XSIMD_NO_SUPPORTED_ARCHITECTURE
    using native = portable;
#else
    using native = xsimd::default_arch;
#endif

    namespace arch
    {
        struct any
        {
            template <class Arch>
            constexpr any(Arch const&)
            {}
        };

        template <class Arch>
        struct part
        {
            using type = xsimd::batch<float, Arch>;
        };
        template <>
        struct part<portable>
        {
            using type = float;
        };
        template <class Arch>
        using part_t = typename part<Arch>::type;

        template <class Arch>
        inline constexpr std::size_t lanes = sizeof(part_t<Arch>) / sizeof(float);

        // How many vector registers there are.
        template <class Arch>
        inline constexpr std::size_t register_count = lanes<Arch> == 16 ? 32 : 16;

        template <class Arch>
        [[gnu::always_inline]] inline part_t<Arch> load(float const* p)
        {
            if constexpr (lanes<Arch> == 1) { return *p; }
            else { return part_t<Arch>::load_unaligned(p); }
        }

        template <class Arch>
        [[gnu::always_inline]] inline void store(part_t<Arch> const& a, float* p)
        {
            if constexpr (lanes<Arch> == 1) { *p = a; }
            else { a.store_unaligned(p); }
        }

        // a * b + c, rounded once where the instruction set can.
        template <class Arch>
        [[gnu::always_inline]] inline part_t<Arch> fma(part_t<Arch> const& a, part_t<Arch> const& b,
                                                       part_t<Arch> const& c, any)
        {
            if constexpr (lanes<Arch> == 1) { return a * b + c; }
            else { return xsimd::fma(a, b, c); }
        }

        template <class Arch>
        [[gnu::always_inline]] inline part_t<Arch> divide(part_t<Arch> const& a, part_t<Arch> const& b, any)
        {
            return a / b;
        }

        template <class Part>
        [[gnu::always_inline]] inline Part max(Part const& a, Part const& b)
        {
            if constexpr (sizeof(Part) == sizeof(float)) { return a < b ? b : a; }
            else { return xsimd::max(a, b); }
        }

        template <class Part>
        [[gnu::always_inline]] inline Part exp(Part const& a)
        {
            if constexpr (sizeof(Part) == sizeof(float)) { return __builtin_expf(a); }
            else { return xsimd::exp(a); }
        }

        template <class Part>
        [[gnu::always_inline]] inline Part tanh(Part const& a)
        {
            if constexpr (sizeof(Part) == sizeof(float)) { return __builtin_tanhf(a); }
            else { return xsimd::tanh(a); }
        }

        // The lanes of a register added in halves: lane i + lane (i + n / 2), n halved until one is left.
        template <class Arch>
        [[gnu::always_inline]] inline float reduce_add(part_t<Arch> const& a, any)
        {
            constexpr std::size_t n = lanes<Arch>;
            if constexpr (n == 1) { return a; }
            else
            {
                float lane[n];
                a.store_unaligned(lane);
                for (std::size_t half = n / 2; half != 0; half /= 2)
                {
                    for (std::size_t i = 0; i != half; ++i) { lane[i] += lane[i + half]; }
                }
                return lane[0];
            }
        }

        [[gnu::always_inline]] inline float widen_bf16(std::uint16_t bits)
        {
            return std::bit_cast<float>(std::uint32_t(bits) << 16);
        }

        // Exact for every value: exponent and mantissa move into place 112 too low, the product with 2^112
        // also normalises subnormals.
        [[gnu::always_inline]] inline float widen_f16(std::uint16_t bits)
        {
            std::uint32_t const magnitude = bits & 0x7fffu;
            float const finite = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
            std::uint32_t const special = magnitude >= 0x7c00u ? 0x7f800000u : 0u;
            return std::bit_cast<float>(std::bit_cast<std::uint32_t>(finite) | special
                                        | (std::uint32_t(bits & 0x8000u) << 16));
        }

        template <class Arch>
        [[gnu::always_inline]] inline part_t<Arch> load_bf16(std::uint16_t const* p, any)
        {
            float lane[lanes<Arch>];
            for (std::size_t i = 0; i != lanes<Arch>; ++i) { lane[i] = widen_bf16(p[i]); }
            return load<Arch>(lane);
        }

        template <class Arch>
        [[gnu::always_inline]] inline part_t<Arch> load_f16(std::uint16_t const* p, any)
        {
            float lane[lanes<Arch>];
            for (std::size_t i = 0; i != lanes<Arch>; ++i) { lane[i] = widen_f16(p[i]); }
            return load<Arch>(lane);
        }

        template <class Arch>
        [[gnu::always_inline]] inline part_t<Arch> load_i8(std::int8_t const* p, any)
        {
            float lane[lanes<Arch>];
            for (std::size_t i = 0; i != lanes<Arch>; ++i) { lane[i] = float(p[i]); }
            return load<Arch>(lane);
        }

        // Asks for the cache line at `p`; never faults, whatever `p` is.
        [[gnu::always_inline]] inline void prefetch(void const* p) { __builtin_prefetch(p, 0, 3); }
    }
}
