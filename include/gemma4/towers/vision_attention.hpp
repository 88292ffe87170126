// Gemma4VisionAttention: every patch sees every patch; normed queries, keys and values, rope by column and
// row, scale 1.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <gemma4/core/math.hpp>
#include <gemma4/core/view.hpp>
#include <gemma4/layers/block_attention.hpp>
#include <gemma4/towers/vision_weights.hpp>
#include <gemma4/towers/vision_workspace.hpp>

namespace gemma4::inline v0
{
    // Patches of an image: row-major.
    struct patch_grid
    {
        std::size_t columns = 0;
        std::size_t rows = 0;

        constexpr std::size_t patches() const noexcept { return columns * rows; }
    };

    template <vision_config V, class Format>
    class vision_attention
    {
        using work = vision_workspace<V>;
        static constexpr auto head_width = work::head_width;
        static constexpr auto block = vision_query_block;

    public:
        vision_attention(compute const& c, vision_layer<V, Format> const& layer, patch_grid const& grid,
                         work const& w)
            : m_compute(c)
            , m_layer(layer)
            , m_grid(grid)
            , m_work(w)
        {}

        // y (patches, hidden) = attention(norm(x)) Wo
        void forward(view<float const> x, view<float> y) const
        {
            auto const& l = m_layer;
            clipped_inputs inputs(m_compute, l.input_layernorm, V.norm_eps, x, y, m_work.clipped,
                                  {l.v_proj.bounds.input, l.k_proj.bounds.input, l.q_proj.bounds.input});
            view<float> const query{m_work.query, x.rows, V.hidden};
            l.v_proj.forward(m_compute, inputs.prepare(m_compute, l.v_proj, m_compute.quantised), query);
            remember<false>(query, vector_weight{}, m_work.values);
            l.k_proj.forward(m_compute, inputs.prepare(m_compute, l.k_proj, m_compute.quantised), query);
            remember<true>(query, l.k_norm, m_work.keys);
            l.q_proj.forward(m_compute, inputs.prepare(m_compute, l.q_proj, m_compute.quantised), query);
            attend(query);
            l.o_proj.forward(m_compute, query, y);
        }

    private:
        // Pages of one head.
        std::size_t pages() const { return ceil_div(m_grid.patches(), kernels::page_positions); }

        // The first half of a head turns by the patch's column, the second by its row.
        void turn(float* head, std::size_t patch) const
        {
            constexpr auto half = V.head_dim / 2;
            auto const column = patch % m_grid.columns * work::angles;
            auto const row = (m_grid.columns + patch / m_grid.columns) * work::angles;
            auto const rope = m_compute.kernels->rope;
            rope(head, m_work.cosine + column, m_work.sine + column, half, work::angles);
            rope(head + half, m_work.cosine + row, m_work.sine + row, half, work::angles);
        }

        // A head of row r: normed and, if `Turned`, with its rope, filled with zeros to head_width.
        template <bool Turned>
        void head_of(view<float const> rows, vector_weight const& gain, std::size_t head, std::size_t r,
                     float* to) const
        {
            m_compute.kernels->rms_norm(rows.row(r) + head * V.head_dim, gain.data, to, V.head_dim,
                                        V.norm_eps);
            if constexpr (Turned) { turn(to, r); }
            std::fill(to + V.head_dim, to + head_width, 0.0f);
        }

        static std::size_t pieces(std::size_t rows) { return ceil_div(rows, block_attention::keys_at_once); }

        // Keys, or values, of all rows to where attend() reads them: packed for block_attention, or as
        // float32 pages of each head.
        template <bool IsKey>
        void remember(view<float const> rows, vector_weight const& gain, std::byte* to) const
        {
            if (!block_attention::serves(m_compute.fast, rows.rows))
            {
                auto const next_head = pages() * kernels::page_positions * head_width;
                auto* const heads = reinterpret_cast<float*>(to);
                m_compute.for_each_row(rows.rows,
                                       [&](std::size_t r, std::size_t)
                                       {
                                           for (std::size_t h = 0; h != V.heads; ++h)
                                           {
                                               head_of<IsKey>(rows, gain, h, r,
                                                              heads + h * next_head + r * head_width);
                                           }
                                       });
                return;
            }
            auto const of_head = pieces(rows.rows);
            m_compute.for_each(
                V.heads * of_head,
                [&](std::size_t item, std::size_t slot)
                {
                    constexpr auto most = block_attention::keys_at_once;
                    auto const first = item % of_head * most;
                    auto const count = std::min(most, rows.rows - first);
                    float* const head = m_compute.scratch(slot);
                    for (std::size_t i = 0; i != count; ++i)
                    {
                        head_of<IsKey>(rows, gain, item / of_head, first + i, head + i * head_width);
                    }
                    auto const pack = IsKey ? block_attention::pack_keys : block_attention::pack_values;
                    pack(m_compute, head, count, head_width,
                         to + item * block_attention::piece_bytes(head_width));
                });
        }

        struct item_scratch
        {
            std::size_t* first;    // (block)
            std::size_t* last;     // (block)
            float* q;              // (block, head_width)
            float* out;            // (block, head_width)
            float* scores;         // (block, page_positions)
            float* max;            // (block)
            float* sum;            // (block)

            explicit item_scratch(float* p)
                : first(reinterpret_cast<std::size_t*>(p))
                , last(first + block)
                , q(reinterpret_cast<float*>(last + block))
                , out(q + block * head_width)
                , scores(out + block * head_width)
                , max(scores + block * kernels::page_positions)
                , sum(max + block)
            {}
        };

        // The queries of all rows to the mixes of values that they see, clipped for o_proj, in place. An item
        // is a head and a block of queries, which walks the pages in order; nobody else reads its queries.
        void attend(view<float> query) const
        {
            bool const fast = block_attention::serves(m_compute.fast, query.rows);
            auto const most = fast ? block_attention::most_rows : block;
            auto const blocks = ceil_div(query.rows, most);
            m_compute.for_each(V.heads * blocks,
                               [&](std::size_t item, std::size_t slot)
                               {
                                   auto const first = item % blocks * most;
                                   auto const rows = std::min(most, query.rows - first);
                                   if (fast) { attend_fast(query, item / blocks, first, rows, slot); }
                                   else
                                   {
                                       attend_block(query, item / blocks, first, rows,
                                                    item_scratch(m_compute.scratch(slot)));
                                   }
                               });
        }

        // Keys and values of a page of a head.
        kernels::kv_page page_of(std::size_t head, std::size_t page) const
        {
            auto const at = (head * pages() + page) * kernels::page_positions * head_width * sizeof(float);
            return {m_work.keys + at, m_work.values + at};
        }

        void finish(view<float> query, std::size_t head, std::size_t row, float const* out, float sum) const
        {
            float* const to = query.row(row) + head * V.head_dim;
            std::copy_n(out, V.head_dim, to);
            m_compute.kernels->scale(1.0f / sum, to, V.head_dim);
            m_layer.o_proj.bounds.input.clip(m_compute, to, V.head_dim);
        }

        void attend_fast(view<float> query, std::size_t head, std::size_t first, std::size_t rows,
                         std::size_t slot) const
        {
            block_attention attention(m_compute, head_width, rows, slot);
            for (std::size_t r = 0; r != rows; ++r)
            {
                float q[head_width];
                head_of<true>(query, m_layer.q_norm, head, first + r, q);
                attention.set(r, 1, q, head_width, 0, query.rows);
            }
            auto const at = head * pieces(query.rows) * block_attention::piece_bytes(head_width);
            attention.run(m_work.keys + at, m_work.values + at, query.rows);
            for (std::size_t r = 0; r != rows; ++r)
            {
                finish(query, head, first + r, attention.out(r), attention.sums()[r]);
            }
        }

        void attend_block(view<float> query, std::size_t head, std::size_t first, std::size_t rows,
                          item_scratch const& s) const
        {
            auto const& kernel = *m_compute.kernels;
            for (std::size_t r = 0; r != rows; ++r)
            {
                head_of<true>(query, m_layer.q_norm, head, first + r, s.q + r * head_width);
            }
            std::fill_n(s.max, rows, -std::numeric_limits<float>::infinity());
            std::fill_n(s.sum, rows, 0.0f);
            std::fill_n(s.out, rows * head_width, 0.0f);
            std::fill_n(s.first, rows, std::size_t(0));
            for (std::size_t page = 0; page != pages(); ++page)
            {
                auto const begin = page * kernels::page_positions;
                std::fill_n(s.last, rows, std::min(kernels::page_positions, query.rows - begin));
                kernel.attend_page[std::size_t(kernels::kv_type::f32)](
                    s.q, head_width, rows, page_of(head, page), head_width, s.first, s.last, s.max, s.sum,
                    s.out, head_width, s.scores);
            }
            for (std::size_t r = 0; r != rows; ++r)
            {
                finish(query, head, first + r, s.out + r * head_width, s.sum[r]);
            }
        }

        compute const& m_compute;
        vision_layer<V, Format> const& m_layer;
        patch_grid const& m_grid;
        work const& m_work;
    };
}
