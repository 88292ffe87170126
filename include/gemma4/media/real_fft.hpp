// The magnitude spectrum of 512 real samples, in double.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <utility>

namespace gemma4::inline v0
{
    // 512 real samples are 256 complex ones (even samples real, odd ones imaginary); four radix-4 passes
    // (Stockham: sorted as they go), then the halves are taken apart.
    class real_fft_512
    {
    public:
        static constexpr std::size_t size = 512;
        static constexpr std::size_t bins = size / 2 + 1;

        real_fft_512()
        {
            for (std::size_t k = 0; k != half; ++k)
            {
                auto const angle = 2 * std::numbers::pi * double(k) / double(size);
                m_cosine[k] = std::cos(angle);
                m_sine[k] = -std::sin(angle);
            }
        }

        // magnitude[k] = |sum over n of x[n] e^(-2 pi i k n / 512)|; x is used up.
        void magnitudes(std::span<double, size> x, std::span<double, bins> magnitude)
        {
            for (std::size_t i = 0; i != half; ++i)
            {
                m_re[0][i] = x[2 * i];
                m_im[0][i] = x[2 * i + 1];
            }
            std::size_t from = 0;
            for (std::size_t length = half, stride = 1; length != 1; length /= 4, stride *= 4, from ^= 1)
            {
                pass(length, stride, from);
            }
            auto const& re = m_re[from];
            auto const& im = m_im[from];
            magnitude[0] = std::abs(re[0] + im[0]);
            magnitude[half] = std::abs(re[0] - im[0]);
            for (std::size_t k = 1; k != half; ++k)
            {
                // even + e^(-2 pi i k / 512) odd, from z[k] = even[k] + i odd[k] and conj(z[256 - k])
                auto const even_re = 0.5 * (re[k] + re[half - k]);
                auto const even_im = 0.5 * (im[k] - im[half - k]);
                auto const odd_re = 0.5 * (im[k] + im[half - k]);
                auto const odd_im = 0.5 * (re[half - k] - re[k]);
                auto const a = even_re + m_cosine[k] * odd_re - m_sine[k] * odd_im;
                auto const b = even_im + m_cosine[k] * odd_im + m_sine[k] * odd_re;
                magnitude[k] = std::sqrt(a * a + b * b);
            }
        }

    private:
        static constexpr std::size_t half = size / 2;
        using array = std::array<double, half>;

        // One pass of butterflies over `stride` interleaved transforms of `length`, from buffer `from` to the
        // other.
        void pass(std::size_t length, std::size_t stride, std::size_t from)
        {
            auto const quarter = length / 4;
            for (std::size_t p = 0; p != quarter; ++p)
            {
                auto const turn = 2 * p * stride;    // e^(-2 pi i p / length) in steps of 1 / 512
                double const c1 = m_cosine[turn], s1 = m_sine[turn];
                double const c2 = c1 * c1 - s1 * s1, s2 = 2 * c1 * s1;
                double const c3 = c1 * c2 - s1 * s2, s3 = c1 * s2 + s1 * c2;
                auto const in = stride * p, out = 4 * stride * p;
                for (std::size_t q = 0; q != stride; ++q)
                {
                    auto const at = [&](std::size_t i) { return in + stride * quarter * i + q; };
                    auto const& re = m_re[from];
                    auto const& im = m_im[from];
                    double const a_re = re[at(0)] + re[at(2)], a_im = im[at(0)] + im[at(2)];
                    double const b_re = re[at(0)] - re[at(2)], b_im = im[at(0)] - im[at(2)];
                    double const c_re = re[at(1)] + re[at(3)], c_im = im[at(1)] + im[at(3)];
                    double const d_re = im[at(3)] - im[at(1)], d_im = re[at(1)] - re[at(3)];    // i (x1 - x3)
                    auto const put = [&](std::size_t i, double r, double m, double c, double s)
                    {
                        m_re[from ^ 1][out + stride * i + q] = c * r - s * m;
                        m_im[from ^ 1][out + stride * i + q] = c * m + s * r;
                    };
                    put(0, a_re + c_re, a_im + c_im, 1, 0);
                    put(1, b_re - d_re, b_im - d_im, c1, s1);
                    put(2, a_re - c_re, a_im - c_im, c2, s2);
                    put(3, b_re + d_re, b_im + d_im, c3, s3);
                }
            }
        }

        array m_cosine, m_sine;    // e^(-2 pi i k / 512)
        array m_re[2], m_im[2];
    };
}
