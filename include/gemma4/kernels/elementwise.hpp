// Kernels that treat every element alike: widen, add, scale, multiply, gelu, silu, glu, softcap, clip.
#pragma once

#include <cstddef>

#include <gemma4/simd/f32x16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct elementwise_kernel
    {
        using f32x16 = simd::f32x16<Arch>;

        // y[i] = f(a[i], b[i]), i < n; y may be a or b.
        template <class A, class F>
        [[gnu::always_inline]] static void map(A const* a, float const* b, float* y, std::size_t n, F f)
        {
            std::size_t i = 0;
            for (; i + simd::width <= n; i += simd::width)
            {
                f(f32x16::load(a + i), f32x16::load(b + i)).store(y + i);
            }
            if (i != n)
            {
                f(f32x16::load_partial(a + i, n - i), f32x16::load_partial(b + i, n - i))
                    .store_partial(y + i, n - i);
            }
        }

        template <class A, class F>
        [[gnu::always_inline]] static void map(A const* a, float* y, std::size_t n, F f)
        {
            std::size_t i = 0;
            for (; i + simd::width <= n; i += simd::width) { f(f32x16::load(a + i)).store(y + i); }
            if (i != n) { f(f32x16::load_partial(a + i, n - i)).store_partial(y + i, n - i); }
        }

        template <class Source>
        static void widen(void const* source, float factor, float* y, std::size_t n)
        {
            auto const f = f32x16::broadcast(factor);
            map(
                static_cast<Source const*>(source), y,
                n, [&](f32x16 const& a) __attribute__((always_inline)) { return f * a; });
        }

        // gelu(x) = x / 2 (1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3). The second
        // form costs one exp and does not cancel for negative x.
        static void gelu_multiply(float const* gate, float const* up, float* y, std::size_t n)
        {
            auto const one = f32x16::broadcast(1.0f);
            auto const cubic = f32x16::broadcast(0.044715f);
            auto const minus_two_root = f32x16::broadcast(-1.5957691216057308f);
            map(
                gate, up, y, n, [&](f32x16 const& x, f32x16 const& other) __attribute__((always_inline)) {
                    auto const inside = x * fma(cubic, x * x, one);
                    return x / (one + exp(minus_two_root * inside)) * other;
                });
        }

        static void add(float const* x, float* y, std::size_t n)
        {
            map(
                x, y, y, n,
                [](f32x16 const& a, f32x16 const& b) __attribute__((always_inline)) { return b + a; });
        }

        static void scale(float factor, float* y, std::size_t n) { widen<float>(y, factor, y, n); }

        static void multiply(float const* x, float* y, std::size_t n)
        {
            map(
                x, y, y, n,
                [](f32x16 const& a, f32x16 const& b) __attribute__((always_inline)) { return b * a; });
        }

        static void add_scaled(float factor, float const* x, float* y, std::size_t n)
        {
            auto const f = f32x16::broadcast(factor);
            map(
                x, y, y, n, [&](f32x16 const& a, f32x16 const& b) __attribute__((always_inline)) {
                    return fma(f, a, b);
                });
        }

        // min(a, b) = -max(-a, -b)
        static void clip(float const* x, float low, float high, float* y, std::size_t n)
        {
            auto const zero = f32x16::zero();
            auto const least = f32x16::broadcast(low);
            auto const minus_most = f32x16::broadcast(-high);
            map(
                x, y, n, [&](f32x16 const& a) __attribute__((always_inline)) {
                    return zero - max(zero - max(a, least), minus_most);
                });
        }

        static void silu(float const* x, float* y, std::size_t n)
        {
            auto const zero = f32x16::zero();
            auto const one = f32x16::broadcast(1.0f);
            map(
                x, y,
                n, [&](f32x16 const& a) __attribute__((always_inline)) { return a / (one + exp(zero - a)); });
        }

        static void glu(float const* x, float const* gate, float* y, std::size_t n)
        {
            auto const zero = f32x16::zero();
            auto const one = f32x16::broadcast(1.0f);
            map(
                x, gate, y, n, [&](f32x16 const& a, f32x16 const& b) __attribute__((always_inline)) {
                    return a / (one + exp(zero - b));
                });
        }

        static void multiply_add(float const* a, float const* b, float* y, std::size_t n)
        {
            std::size_t i = 0;
            for (; i + simd::width <= n; i += simd::width)
            {
                fma(f32x16::load(a + i), f32x16::load(b + i), f32x16::load(y + i)).store(y + i);
            }
            if (i != n)
            {
                fma(f32x16::load_partial(a + i, n - i), f32x16::load_partial(b + i, n - i),
                    f32x16::load_partial(y + i, n - i))
                    .store_partial(y + i, n - i);
            }
        }

        static void softcap(float* x, std::size_t n, float cap)
        {
            auto const c = f32x16::broadcast(cap);
            map(
                x, x, n, [&](f32x16 const& a) __attribute__((always_inline)) { return c * tanh(a / c); });
        }
    };
}
