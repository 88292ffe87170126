// Triangular filters on the HTK mel scale (transformers' mel_filter_bank with norm None).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace gemma4::inline v0
{
    // `filters` triangles whose corners are equally far apart in mel from 0 Hz to half the rate, sampled at
    // `bins` frequencies from 0 Hz to half the rate. A filter that is narrower than the bins may be empty.
    class mel_filters
    {
    public:
        mel_filters(std::size_t filters, std::size_t bins, double rate)
        {
            auto const highest_mel = 2595.0 * std::log10(1.0 + rate / 2 / 700.0);
            auto const corner = [&](std::size_t i)
            {
                auto const mel = highest_mel * double(i) / double(filters + 1);
                return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
            };
            for (std::size_t f = 0; f != filters; ++f)
            {
                double const low = corner(f), centre = corner(f + 1), high = corner(f + 2);
                m_filters.push_back({0, 0, m_weights.size()});
                auto& made = m_filters.back();
                for (std::size_t b = 0; b != bins; ++b)
                {
                    auto const hertz = rate / 2 * double(b) / double(bins - 1);
                    auto const weight =
                        std::min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
                    if (!(weight > 0)) { continue; }
                    if (made.count == 0) { made.first = b; }
                    ++made.count;
                    m_weights.push_back(weight);
                }
            }
        }

        std::size_t size() const noexcept { return m_filters.size(); }

        // The sum of a spectrum (bins) under filter f.
        double apply(std::size_t f, std::span<double const> spectrum) const
        {
            auto const& t = m_filters[f];
            double sum = 0;
            for (std::size_t i = 0; i != t.count; ++i)
            {
                sum += spectrum[t.first + i] * m_weights[t.weights + i];
            }
            return sum;
        }

    private:
        struct triangle
        {
            std::size_t first, count;    // bins
            std::size_t weights;         // where they start
        };
        std::vector<triangle> m_filters;
        std::vector<double> m_weights;
    };
}
