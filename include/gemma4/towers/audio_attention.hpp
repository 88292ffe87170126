// Gemma4AudioAttention: every row sees itself and the rows just before it, with relative positions and a
// soft-cap on scores.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include <gemma4/core/math.hpp>
#include <gemma4/core/view.hpp>
#include <gemma4/towers/audio_weights.hpp>
#include <gemma4/towers/audio_workspace.hpp>

namespace gemma4::inline v0
{
    template <audio_config A, class Format>
    class audio_attention
    {
        using work = audio_workspace<A>;
        static constexpr auto head_dim = A.hidden / A.heads;
        static constexpr auto span = work::span;
        static constexpr auto block = work::query_block;
        static constexpr auto key_block = work::key_block;

    public:
        audio_attention(compute const& c, audio_layer<Format> const& layer, work const& w)
            : m_compute(c)
            , m_layer(layer)
            , m_work(w)
        {}

        // The sinusoids of Gemma4AudioRelPositionalEncoding, sines first: (span, hidden) for the distances
        // 0, 1, ... The scale of time is float32, as in the reference.
        static void positions(float* to)
        {
            constexpr auto half = A.hidden / 2;
            auto const step = float(-(std::log(10000.0) / double(std::max<std::size_t>(half - 1, 1))));
            for (std::size_t i = 0; i != half; ++i)
            {
                auto const exponent = float(i) * step;
                auto const scale = float(std::exp(double(exponent)));
                for (std::size_t d = 0; d != span; ++d)
                {
                    auto const angle = float(d) * scale;
                    to[d * A.hidden + i] = float(std::sin(double(angle)));
                    to[d * A.hidden + half + i] = float(std::cos(double(angle)));
                }
            }
        }

        // z (rows, hidden) = attention(norm(x)) Wpost; y is used up.
        void forward(view<float const> x, view<float> y, view<float> z) const
        {
            auto const& a = m_layer.self_attn;
            auto const size = x.rows * A.hidden;
            view<float> const query{m_work.wide, x.rows, A.hidden};
            view<float> const key{m_work.wide + size, x.rows, A.hidden};
            view<float> const value{m_work.wide + 2 * size, x.rows, A.hidden};
            clipped_inputs inputs(m_compute, m_layer.norm_pre_attn, A.norm_eps, x, y, m_work.wide + 3 * size,
                                  {a.q_proj.bounds.input, a.k_proj.bounds.input, a.v_proj.bounds.input});
            scales();
            project(inputs, a.q_proj, query,
                    [&](float* q, std::size_t out, std::size_t outs)
                    { m_compute.kernels->multiply(m_work.query_scale + out, q, outs); });
            auto const key_scale = float(std::log(1.0 + std::numbers::e) / std::numbers::ln2);
            project(inputs, a.k_proj, key,
                    [&](float* k, std::size_t, std::size_t outs)
                    { m_compute.kernels->scale(key_scale, k, outs); });
            project(inputs, a.v_proj, value, [](auto...) {});
            linear(m_compute, a.relative_k_proj, view<float const>{m_work.positions, span, A.hidden},
                   view<float>{m_work.relative, span, A.hidden});
            attend(query, key, value, y);
            a.post.forward(m_compute, y, z);
        }

    private:
        // head_dim^-1/2 / ln 2 * softplus(per_dim_scale), once per head.
        void scales() const
        {
            auto const root = 1.0 / std::sqrt(double(head_dim)) / std::numbers::ln2;
            for (std::size_t d = 0; d != A.hidden; ++d)
            {
                double const s = m_layer.self_attn.per_dim_scale.data[d % head_dim];
                auto const softplus = s > 20 ? s : std::log1p(std::exp(s));
                m_work.query_scale[d] = float(root * softplus);
            }
        }

        // then(part of a row, first output, outputs) for every part that is written.
        template <class Then>
        void project(clipped_inputs& inputs, clipped_linear<Format, true> const& by, view<float> y,
                     Then&& then) const
        {
            by.forward(m_compute, inputs.of(m_compute, by.bounds.input), y.data, y.columns,
                       [&](std::size_t row, std::size_t rows, std::size_t out, std::size_t outs, std::size_t)
                       {
                           for (auto r = row; r != row + rows; ++r) { then(y.row(r) + out, out, outs); }
                       });
        }

        // y (rows, hidden) = the mixes of values, clipped for `post`. An item is a head and a block of
        // queries.
        void attend(view<float const> query, view<float const> key, view<float const> value,
                    view<float> y) const
        {
            auto const blocks = ceil_div(y.rows, block);
            m_compute.for_each(A.heads * blocks,
                               [&](std::size_t item, std::size_t slot) {
                                   attend_block(query, key, value, y, item / blocks, item % blocks * block,
                                                m_compute.scratch(slot));
                               });
        }

        void attend_block(view<float const> query, view<float const> key, view<float const> value,
                          view<float> y, std::size_t head, std::size_t first, float* scratch) const
        {
            auto const& kernel = *m_compute.kernels;
            auto const matmul = kernel.matmul[std::size_t(dtype::f32)];
            auto const rows = std::min(block, y.rows - first);
            auto const first_key = first < span - 1 ? 0 : first - (span - 1);
            auto const at = head * head_dim;
            float* const by_key = scratch;                            // (block, key_block)
            float* const by_distance = by_key + block * key_block;    // (block, span)
            float* const scores = by_distance + block * span;         // (span)
            matmul(query.row(first) + at, A.hidden, key.row(first_key) + at, A.hidden, by_key, key_block,
                   rows, first + rows - first_key, head_dim);
            matmul(query.row(first) + at, A.hidden, m_work.relative + at, A.hidden, by_distance, span, rows,
                   span, head_dim);
            for (std::size_t r = 0; r != rows; ++r)
            {
                auto const i = first + r;
                auto const from = i < span - 1 ? 0 : i - (span - 1);
                auto const seen = i + 1 - from;
                for (std::size_t j = 0; j != seen; ++j)
                {
                    scores[j] = by_key[r * key_block + (from + j - first_key)]
                                + by_distance[r * span + (i - from - j)];
                }
                kernel.softcap(scores, seen, A.softcap);
                kernel.softmax(scores, seen);
                float* const out = y.row(i) + at;
                std::fill_n(out, head_dim, 0.0f);
                for (std::size_t j = 0; j != seen; ++j)
                {
                    kernel.add_scaled(scores[j], value.row(from + j) + at, out, head_dim);
                }
                m_layer.self_attn.post.bounds.input.clip(m_compute, out, head_dim);
            }
        }

        compute const& m_compute;
        audio_layer<Format> const& m_layer;
        work const& m_work;
    };
}
