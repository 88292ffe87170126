// The audio tower: features of one clip to one row per soft token (Gemma4AudioModel).
//
// Everything after the subsampling looks back only, so frames that are not valid, which are the last ones,
// are never computed. The reference's gradient clipping (at 1e10) does nothing to finite values of this size
// and is left out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stop_token>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/towers/audio_attention.hpp>
#include <gemma4/towers/audio_subsampling.hpp>
#include <gemma4/towers/soft_tokens.hpp>

namespace gemma4::inline v0
{
    template <audio_config A, class Format>
    class audio_tower
    {
        using work = audio_workspace<A>;
        using weight_tree = audio_weights<A, Format>;

    public:
        static constexpr audio_config config = A;

        explicit audio_tower(weight_tree weights)
            : m_weights(std::move(weights))
        {}

        weight_tree const& weights() const noexcept { return m_weights; }

        static constexpr std::size_t soft_tokens_of(std::size_t valid_frames)
        {
            return ceil_div(valid_frames, 4);
        }

        // The tower's output after output_proj: (ceil(frames / 4), output); it lives in `w` until the next
        // call. frames: the valid ones of a clip's features, (n, 128). `c` computes in at least the scratch
        // that w.machine() gives. Throws argument_error (no frames, width of frames), capacity_error (more
        // tokens than `w` has room for), and cancelled_error within the time of one layer after `stop` is
        // requested.
        view<float const> forward(compute const& c, view<float const> frames, work& w,
                                  std::stop_token stop = {}, tower_progress progress = no_progress) const
        {
            auto const tokens = soft_tokens_of(frames.rows);
            check(frames, tokens, w);
            view<float> const x{w.x, tokens, A.hidden};
            view<float> const y{w.y, tokens, A.hidden};
            view<float> const z{w.z, tokens, A.hidden};
            subsample(c, frames, x, w);
            audio_attention<A, Format>::positions(w.positions);
            for (std::size_t l = 0; l != A.layers; ++l)
            {
                if (stop.stop_requested())
                {
                    throw cancelled_error(
                        sentence("encoding a sound was stopped before layer ", l, " of ", A.layers));
                }
                auto const& layer = m_weights.layers[l];
                add_feed_forward(c, layer.feed_forward1, x, y, z, w);
                audio_attention<A, Format>(c, layer, w).forward(x, y, z);
                add_normed(c, layer.norm_post_attn, A.norm_eps, z, x);
                add_light_convolution(c, layer.lconv1d, x, y, z, w);
                add_feed_forward(c, layer.feed_forward2, x, y, z, w);
                norm(c, layer.norm_out, A.norm_eps, x, x);
                progress(l + 1, A.layers);
            }
            view<float> const out{w.out, tokens, A.output};
            linear(c, m_weights.output_proj, x, out.data, out.columns,
                   [&](std::size_t row, std::size_t rows, std::size_t first, std::size_t outs, std::size_t)
                   {
                       for (auto r = row; r != row + rows; ++r)
                       {
                           c.kernels->add(m_weights.output_proj_bias.data + first, out.row(r) + first, outs);
                       }
                   });
            return out;
        }

    private:
        static void check(view<float const> frames, std::size_t tokens, work const& w)
        {
            if (frames.rows == 0)
            {
                throw argument_error("a clip has 0 valid frames, expected at least 1: it would give no soft "
                                     "token");
            }
            if (frames.columns != work::bins)
            {
                throw argument_error(
                    sentence("audio features have ", frames.columns, " bins, expected ", work::bins));
            }
            if (tokens > w.options().tokens)
            {
                throw capacity_error(sentence(
                    "a clip has ", tokens, " soft tokens, the workspace has room for ", w.options().tokens));
            }
        }

        void subsample(compute const& c, view<float const> frames, view<float> x, work const& w) const
        {
            view<float> const rows{w.wide, x.rows, work::frequencies * A.channels[1]};
            audio_subsampling<A, Format>(c, m_weights, w).forward(frames, rows);
            linear(c, m_weights.input_proj_linear, rows, x);
        }

        // y = norm(x), clipped for `reader`.
        static void norm_for(compute const& c, vector_weight const& gain,
                             clipped_linear<Format, true> const& reader, view<float const> x, view<float> y)
        {
            c.for_each_row(x.rows,
                           [&](std::size_t r, std::size_t)
                           {
                               c.kernels->rms_norm(x.row(r), gain.data, y.row(r), x.columns, A.norm_eps);
                               reader.bounds.input.clip(c, y.row(r), x.columns);
                           });
        }

        // x += residual_weight * norm(W2 silu(W1 norm(x)))
        static void add_feed_forward(compute const& c, audio_feed_forward<Format> const& f, view<float> x,
                                     view<float> y, view<float> z, work const& w)
        {
            norm_for(c, f.pre_layer_norm, f.ffw_layer_1, x, y);
            view<float> const inside{w.wide, x.rows, 4 * A.hidden};
            f.ffw_layer_1.forward(
                c, y, inside.data, inside.columns,
                [&](std::size_t row, std::size_t rows, std::size_t out, std::size_t outs, std::size_t)
                {
                    for (auto r = row; r != row + rows; ++r)
                    {
                        float* const h = inside.row(r) + out;
                        c.kernels->silu(h, h, outs);
                        f.ffw_layer_2.bounds.input.clip(c, h, outs);
                    }
                });
            f.ffw_layer_2.forward(c, inside, z);
            c.for_each_row(x.rows,
                           [&](std::size_t r, std::size_t)
                           {
                               c.kernels->rms_norm(z.row(r), f.post_layer_norm.data, z.row(r), A.hidden,
                                                   A.norm_eps);
                               c.kernels->add_scaled(A.residual_weight, z.row(r), x.row(r), A.hidden);
                           });
        }

        // x += Wend silu(norm(causal convolution(glu(Wstart norm(x)))))
        static void add_light_convolution(compute const& c, audio_light_convolution<Format> const& l,
                                          view<float> x, view<float> y, view<float> z, work const& w)
        {
            norm_for(c, l.pre_layer_norm, l.linear_start, x, y);
            view<float> const halves{w.wide, x.rows, 2 * A.hidden};
            l.linear_start.forward(c, y, halves);
            c.for_each_row(x.rows, [&](std::size_t r, std::size_t)
                           { c.kernels->glu(halves.row(r), halves.row(r) + A.hidden, z.row(r), A.hidden); });
            for (std::size_t i = 0; i != A.hidden; ++i)
            {
                for (std::size_t t = 0; t != A.conv_kernel; ++t)
                {
                    w.depthwise[t * A.hidden + i] = l.depthwise.data[i * A.conv_kernel + t];
                }
            }
            c.for_each_row(x.rows,
                           [&](std::size_t r, std::size_t)
                           {
                               convolve(c, z, r, w.depthwise, y.row(r));
                               c.kernels->rms_norm(y.row(r), l.conv_norm.data, y.row(r), A.hidden,
                                                   A.norm_eps);
                               c.kernels->silu(y.row(r), y.row(r), A.hidden);
                               l.linear_end.bounds.input.clip(c, y.row(r), A.hidden);
                           });
            l.linear_end.forward(c, y, z);
            c.for_each_row(x.rows,
                           [&](std::size_t r, std::size_t) { c.kernels->add(z.row(r), x.row(r), A.hidden); });
        }

        // to (hidden) = sum over taps t of kernel[t] * rows[r - (conv_kernel - 1) + t]; rows before the first
        // are zero.
        static void convolve(compute const& c, view<float const> rows, std::size_t r, float const* taps,
                             float* to)
        {
            std::fill_n(to, A.hidden, 0.0f);
            for (std::size_t t = 0; t != A.conv_kernel; ++t)
            {
                auto const back = A.conv_kernel - 1 - t;
                if (back > r) { continue; }
                c.kernels->multiply_add(taps + t * A.hidden, rows.row(r - back), to, A.hidden);
            }
        }

        weight_tree m_weights;
    };
}
