// Frames to a quarter as many rows: two 3 x 3 convolutions of stride 2, each with LayerNorm over channels and
// ReLU (Gemma4AudioSubSampleConvProjection, up to its linear layer).
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <gemma4/core/math.hpp>
#include <gemma4/core/view.hpp>
#include <gemma4/towers/audio_weights.hpp>
#include <gemma4/towers/audio_workspace.hpp>

namespace gemma4::inline v0
{
    // Only valid frames are read: the reference sets the others to zero before each convolution, which is
    // what its padding does beyond the last frame.
    template <audio_config A, class Format>
    class audio_subsampling
    {
        using work = audio_workspace<A>;
        static constexpr auto channels = A.channels[0];
        static constexpr auto outs = A.channels[1];
        static constexpr auto half_row = work::half_row;

    public:
        audio_subsampling(compute const& c, audio_weights<A, Format> const& weights, work const& w)
            : m_compute(c)
            , m_weights(weights)
            , m_work(w)
        {
            for (std::size_t o = 0; o != channels; ++o)
            {
                for (std::size_t t = 0; t != work::taps; ++t)
                {
                    w.conv0[t * channels + o] = weights.conv0.data[o * work::taps + t];
                }
            }
            for (std::size_t o = 0; o != outs; ++o)
            {
                for (std::size_t i = 0; i != channels; ++i)
                {
                    for (std::size_t t = 0; t != work::taps; ++t)
                    {
                        w.conv1[(o * work::taps + t) * channels + i] =
                            weights.conv1.data[(o * channels + i) * work::taps + t];
                    }
                }
            }
        }

        // rows (ceil(frames.rows / 4), frequencies * channels 1), frequency-major, from frames (n, bins).
        void forward(view<float const> frames, view<float> rows) const
        {
            m_compute.for_each(ceil_div(rows.rows, work::token_block),
                               [&](std::size_t item, std::size_t slot)
                               {
                                   auto const first = item * work::token_block;
                                   auto const count = std::min(work::token_block, rows.rows - first);
                                   block(frames, first, count, rows, m_compute.scratch(slot));
                               });
        }

    private:
        // scratch: half_rows rows of the first convolution, from 2 first - 1 on; then the second's partial.
        void block(view<float const> frames, std::size_t first, std::size_t count, view<float> rows,
                   float* scratch) const
        {
            auto const halves = ceil_div(frames.rows, 2);
            for (std::size_t i = 0; i != 2 * count + 1; ++i)
            {
                float* const row = scratch + i * half_row;
                auto const at = 2 * first + i;    // one more than the row's number
                if (at == 0 || at > halves) { std::fill_n(row, half_row, 0.0f); }
                else { half(frames, at - 1, row); }
            }
            float* const partial = scratch + work::half_rows * half_row;
            for (std::size_t i = 0; i != count; ++i)
            {
                quarter(scratch + 2 * i * half_row, partial, rows.row(first + i));
            }
        }

        // Row `t` of the first convolution: (half_bins + 1, channels), the first of zeros.
        void half(view<float const> frames, std::size_t t, float* row) const
        {
            auto const& kernel = *m_compute.kernels;
            std::fill_n(row, half_row, 0.0f);
            for (std::size_t f = 0; f != work::half_bins; ++f)
            {
                float* const y = row + (f + 1) * channels;
                for (std::size_t tap = 0; tap != work::taps; ++tap)
                {
                    auto const frame = 2 * t + tap / 3;    // one more than its number, as is bin
                    auto const bin = 2 * f + tap % 3;
                    if (frame == 0 || frame > frames.rows || bin == 0) { continue; }
                    kernel.add_scaled(frames.row(frame - 1)[bin - 1], m_work.conv0 + tap * channels, y,
                                      channels);
                }
                finish(m_weights.conv0_norm, y, channels);
            }
        }

        // One row of the second convolution from three of the first. Three taps of a row lie next to each
        // other there, so each row of the kernel is one matrix product.
        void quarter(float const* halves, float* partial, float* y) const
        {
            auto const& kernel = *m_compute.kernels;
            constexpr auto size = work::frequencies * outs;
            for (std::size_t i = 0; i != 3; ++i)
            {
                kernel.matmul[std::size_t(dtype::f32)](
                    halves + i * half_row, 2 * channels, m_work.conv1 + i * 3 * channels,
                    work::taps * channels, i == 0 ? y : partial, outs, work::frequencies, outs, 3 * channels);
                if (i != 0) { kernel.add(partial, y, size); }
            }
            for (std::size_t f = 0; f != work::frequencies; ++f)
            {
                finish(m_weights.conv1_norm, y + f * outs, outs);
            }
        }

        void finish(vector_weight const& gain, float* y, std::size_t n) const
        {
            m_compute.kernels->layer_norm(y, gain.data, y, n, A.norm_eps);
            m_compute.kernels->clip(y, 0.0f, std::numeric_limits<float>::infinity(), y, n);
        }

        compute const& m_compute;
        audio_weights<A, Format> const& m_weights;
        work const& m_work;
    };
}
