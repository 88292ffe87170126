// The vision tower: patches of one image to one row per soft token (Gemma4VisionModel).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <stop_token>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/layers/gated.hpp>
#include <gemma4/layers/rope.hpp>
#include <gemma4/towers/soft_tokens.hpp>
#include <gemma4/towers/vision_attention.hpp>

namespace gemma4::inline v0
{
    template <vision_config V, class Format>
    class vision_tower
    {
        using work = vision_workspace<V>;
        using weight_tree = vision_weights<V, Format>;
        static constexpr auto patch_values = weight_tree::patch_values;
        static constexpr auto minus_one = []
        {
            std::array<float, patch_values> row{};
            row.fill(-1.0f);
            return row;
        }();

    public:
        static constexpr vision_config config = V;

        explicit vision_tower(weight_tree weights)
            : m_weights(std::move(weights))
            , m_frequencies(V.rope_theta, V.head_dim / 2, V.head_dim / 4)
        {}

        weight_tree const& weights() const noexcept { return m_weights; }

        static constexpr std::size_t soft_tokens_of(patch_grid const& grid)
        {
            return grid.patches() / (V.pooling * V.pooling);
        }

        // The tower's output after pooling and standardisation: (patches / 9, hidden), row-major blocks of
        // 3 x 3 patches; it lives in `w` until the next call. patches: (grid.patches(), 768) in 0..1,
        // row-major, each (row, column, channel). `c` computes in at least the scratch that w.machine()
        // gives. Throws argument_error (grid, number of values), capacity_error (more patches than `w` has
        // room for), and cancelled_error within the time of one layer after `stop` is requested.
        view<float const> forward(compute const& c, view<float const> patches, patch_grid const& grid,
                                  work& w, std::stop_token stop = {},
                                  tower_progress progress = no_progress) const
        {
            check(patches, grid, w);
            view<float> const x{w.x, grid.patches(), V.hidden};
            view<float> const y{w.y, grid.patches(), V.hidden};
            angles(grid, w);
            embed(c, patches, grid, x, w);
            for (std::size_t l = 0; l != V.layers; ++l)
            {
                if (stop.stop_requested())
                {
                    throw cancelled_error(
                        sentence("encoding an image was stopped before layer ", l, " of ", V.layers));
                }
                auto const& layer = m_weights.layers[l];
                vision_attention<V, Format>(c, layer, grid, w).forward(x, y);
                add_normed(c, layer.post_attention_layernorm, V.norm_eps, y, x);
                feed_forward(c, layer, x, y, w);
                progress(l + 1, V.layers);
            }
            view<float> const pooled{w.y, soft_tokens_of(grid), V.hidden};
            pool(c, x, grid, pooled);
            return pooled;
        }

    private:
        static void check(view<float const> patches, patch_grid const& grid, work const& w)
        {
            auto const side = [](std::size_t n, char const* name)
            {
                if (n == 0 || n % V.pooling != 0 || n > V.positions)
                {
                    throw argument_error(sentence("an image of ", n, ' ', name,
                                                  " of patches: expected a multiple of ", V.pooling,
                                                  " up to ", V.positions));
                }
            };
            side(grid.columns, "columns");
            side(grid.rows, "rows");
            if (patches.rows != grid.patches() || patches.columns != patch_values)
            {
                throw argument_error(sentence("the patches of an image are (", patches.rows, ", ",
                                              patches.columns, "), expected (", grid.patches(), ", ",
                                              patch_values, ") for ", grid.columns, " columns and ",
                                              grid.rows, " rows"));
            }
            if (grid.patches() > w.options().patches)
            {
                throw capacity_error(sentence("an image has ", grid.patches(),
                                              " patches, the workspace has room for ", w.options().patches));
            }
        }

        void angles(patch_grid const& grid, work const& w) const
        {
            constexpr auto width = work::angles;
            for (std::size_t i = 0; i != grid.columns + grid.rows; ++i)
            {
                auto const at = i < grid.columns ? i : i - grid.columns;
                m_frequencies.angles(at, w.cosine + i * width, w.sine + i * width);
            }
        }

        // x = (2 p - 1) Wᵀ + (table of columns + table of rows). The reference's 2 (p - 0.5) is 2 p - 1,
        // rounded once.
        void embed(compute const& c, view<float const> patches, patch_grid const& grid, view<float> x,
                   work const& w) const
        {
            auto const most = work::ffn_rows(w.options().patches);
            for (std::size_t first = 0; first < x.rows; first += most)
            {
                view<float> const scaled{w.scaled, std::min(most, x.rows - first), patch_values};
                c.for_each_row(scaled.rows,
                               [&](std::size_t r, std::size_t)
                               {
                                   std::copy_n(patches.row(first + r), patch_values, scaled.row(r));
                                   c.kernels->scale(2.0f, scaled.row(r), patch_values);
                                   c.kernels->add(minus_one.data(), scaled.row(r), patch_values);
                               });
                linear(c, m_weights.input_proj, scaled, x.row(first), V.hidden, [](auto...) {});
            }
            c.for_each_row(x.rows,
                           [&](std::size_t r, std::size_t slot)
                           {
                               float* const column = c.scratch(slot);
                               float* const row = column + V.hidden;
                               auto const& table = m_weights.positions;
                               read_rows(c, table, r % grid.columns, 1, 1.0f, column);
                               read_rows(c, table, V.positions + r / grid.columns, 1, 1.0f, row);
                               c.kernels->add(row, column, V.hidden);
                               c.kernels->add(column, x.row(r), V.hidden);
                           });
        }

        // x += norm(down(gelu(gate(norm(x))) * up(norm(x)))), some rows at a time; y is overwritten.
        static void feed_forward(compute const& c, vision_layer<V, Format> const& l, view<float> x,
                                 view<float> y, work const& w)
        {
            auto const most = work::ffn_rows(w.options().patches);
            for (std::size_t first = 0; first < x.rows; first += most)
            {
                auto const rows = std::min(most, x.rows - first);
                view<float> const in{y.row(first), rows, V.hidden};
                clipped_inputs inputs(c, l.pre_feedforward_layernorm, V.norm_eps,
                                      view<float const>{x.row(first), rows, V.hidden}, in, w.clipped,
                                      {l.gate_proj.bounds.input, l.up_proj.bounds.input});
                auto const& gate = l.gate_proj;
                auto const& up = l.up_proj;
                auto const for_gate = inputs.prepare(c, gate, c.quantised);
                auto const run = [&](auto const& prepare_up)
                {
                    return gated(c, all_rows{}, gate_up<Format>{gate.weight, up.weight, V.ffn, 0}, for_gate,
                                 l.down_proj.weight, w.gate,
                                 {gate.bounds.output, up.bounds.output, l.down_proj.bounds.input},
                                 prepare_up);
                };
                auto const h = inputs.shared()
                                   ? run(nullptr)
                                   : run([&](std::byte* memory) { return inputs.prepare(c, up, memory); });
                l.down_proj.forward(c, h, in);
            }
            add_normed(c, l.post_feedforward_layernorm, V.norm_eps, y, x);
        }

        // The mean of each block of patches times sqrt(hidden), standardised where the tower is. As the
        // reference: every patch times the float32 of 1/9, added up; its order of addition is its matrix
        // product's, ours is row-major.
        void pool(compute const& c, view<float const> x, patch_grid const& grid, view<float> pooled) const
        {
            constexpr auto side = V.pooling;
            constexpr auto share = 1.0f / float(side * side);
            auto const across = grid.columns / side;
            c.for_each_row(pooled.rows,
                           [&](std::size_t r, std::size_t)
                           {
                               float* const sum = pooled.row(r);
                               auto const corner = r / across * side * grid.columns + r % across * side;
                               std::fill_n(sum, V.hidden, 0.0f);
                               for (std::size_t i = 0; i != side * side; ++i)
                               {
                                   c.kernels->add_scaled(share,
                                                         x.row(corner + i / side * grid.columns + i % side),
                                                         sum, V.hidden);
                               }
                               c.kernels->scale(float(std::sqrt(double(V.hidden))), sum, V.hidden);
                               if constexpr (V.standardised)
                               {
                                   c.kernels->add_scaled(-1.0f, m_weights.standard.bias.data, sum, V.hidden);
                                   c.kernels->multiply(m_weights.standard.scale.data, sum, V.hidden);
                               }
                           });
        }

        weight_tree m_weights;
        inverse_frequencies m_frequencies;
    };
}
