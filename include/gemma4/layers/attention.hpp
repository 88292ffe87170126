// Gemma4TextAttention: grouped-query attention with normed queries, keys and values, rope, scale 1, a window
// on sliding layers, and keys and values that may belong to another layer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <type_traits>

#include <gemma4/layers/activations.hpp>
#include <gemma4/layers/block_attention.hpp>
#include <gemma4/layers/linear.hpp>
#include <gemma4/layers/norm.hpp>
#include <gemma4/spec/architecture.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t span_pages = 8;    // pages whose partials are merged before spans are
    inline constexpr std::size_t span_positions = span_pages * kernels::page_positions;
    inline constexpr std::size_t split_rows = 8;      // up to so many rows, spans go to different threads
    inline constexpr std::size_t split_items = 16;    // of a row on the fast path, where spans may be shorter
    inline constexpr std::size_t query_block = 64;    // query heads x tokens of an item

    // Query rows of one item: tokens of a block times the query heads that share a key head.
    constexpr std::size_t query_rows(layer_spec const& s)
    {
        return std::max(query_block, s.heads / s.kv_heads);
    }

    // Floats of slot scratch that attend() needs.
    constexpr std::size_t attention_scratch(layer_spec const& s, bool is_fast)
    {
        auto const rows = query_rows(s);
        auto const in_pages = rows * (4 * s.head_dim + kernels::page_positions + 4)
                              + 2 * rows * (sizeof(std::size_t) / sizeof(float));
        return is_fast ? std::max(in_pages, block_attention::floats(s.head_dim)) : in_pages;
    }

    // Floats of activations::spans for contexts up to `positions`.
    constexpr std::size_t span_scratch(layer_spec const& s, std::size_t rows, std::size_t positions)
    {
        auto const items = std::max(ceil_div(positions, span_positions), split_items) + 1;
        return std::min(rows, split_rows) * s.heads * items * (s.head_dim + 2);
    }

    template <class Format, bool OwnValue>
    struct own_keys_values
    {
        matrix<Format> k_proj;    // (kv_heads * head_dim, hidden)
        matrix<Format> v_proj;    // (kv_heads * head_dim, hidden)
        vector_weight k_norm;     // (head_dim)
    };

    template <class Format>
    struct own_keys_values<Format, false>
    {
        matrix<Format> k_proj;
        vector_weight k_norm;
    };

    struct no_keys_values
    {};

    template <text_model M, std::size_t Kind, class Format>
    class attention
    {
    public:
        static constexpr layer_spec spec = architecture<M>::schedule.kinds[Kind];

        matrix<Format> q_proj;    // (heads * head_dim, hidden)
        matrix<Format> o_proj;    // (hidden, heads * head_dim)
        vector_weight q_norm;     // (head_dim)
        [[no_unique_address]] std::conditional_t<spec.owns_kv(), own_keys_values<Format, !spec.value_is_key>,
                                                 no_keys_values>
            kv;

        // The first matrix that rows of a.y meet.
        matrix<Format> const& first_matrix() const
        {
            if constexpr (spec.owns_kv()) { return kv.k_proj; }
            else { return q_proj; }
        }

        // Stores keys and values of all rows: k = rope(norm(y Wk)), v = norm(y Wv), or y Wv without a
        // value_norm; y (rows, hidden) is a.y, `in` its input of first_matrix(). The pages for these
        // positions are there already.
        void remember(compute const& c, activations& a, linear_input& in, std::size_t cache) const
            requires(spec.owns_kv())
        {
            constexpr auto width = spec.kv_heads * spec.head_dim;
            view<float> const key{a.key, a.rows(), width};
            linear(c, kv.k_proj, in, key);
            float* value = a.key;    // v starts from the key projection where there is no v_proj
            if constexpr (!spec.value_is_key)
            {
                value = a.value;
                serve(c, in, kv.v_proj);
                linear(c, kv.v_proj, in, view<float>{value, a.rows(), width});
            }
            auto const& rope = a.rope_of(spec.attention);
            c.for_each_row(
                a.rows(),
                [&](std::size_t r, std::size_t slot)
                {
                    auto const& place = a.places[r];
                    auto& pages = a.caches[place.sequence][cache];
                    auto const angle = place.angles * rope.rotated;
                    auto const shape = kv_shape_of(spec, a.kv);
                    auto const store = c.kernels->store_kv[std::size_t(a.kv)];
                    float* const k = c.scratch(slot);
                    float* const v = k + spec.head_dim;
                    for (std::size_t h = 0; h != spec.kv_heads; ++h)
                    {
                        auto const from = r * width + h * spec.head_dim;
                        if constexpr (spec.value_norm)
                        {
                            c.kernels->rms_norm(value + from, nullptr, v, spec.head_dim, spec.norm_eps);
                        }
                        else { std::copy_n(value + from, spec.head_dim, v); }
                        c.kernels->rms_norm(a.key + from, kv.k_norm.data, k, spec.head_dim, spec.norm_eps);
                        c.kernels->rope(k, rope.cosine + angle, rope.sine + angle, spec.head_dim,
                                        rope.rotated);
                        auto const key_place = pages.key_at(place.at, h, shape);
                        store(k, key_place.vector, key_place.scale, spec.head_dim);
                        auto const value_place = pages.value_at(place.at, h, shape);
                        store(v, value_place.vector, value_place.scale, spec.head_dim);
                    }
                });
        }

        // a.z = attention(a.y) Wo, `in` being an input of a.y, reading keys and values from `cache` (the
        // owner's index) of each row's sequence.
        void attend(compute const& c, activations& a, linear_input& in, std::size_t cache) const
        {
            constexpr auto width = spec.heads * spec.head_dim;
            view<float> const query{a.query, a.rows(), width};
            serve(c, in, q_proj);
            linear(c, q_proj, in, query);
            auto const& rope = a.rope_of(spec.attention);
            c.for_each_row(a.rows(),
                           [&](std::size_t r, std::size_t)
                           {
                               auto const angle = a.places[r].angles * rope.rotated;
                               for (std::size_t h = 0; h != spec.heads; ++h)
                               {
                                   float* const q = query.row(r) + h * spec.head_dim;
                                   c.kernels->rms_norm(q, q_norm.data, q, spec.head_dim, spec.norm_eps);
                                   c.kernels->rope(q, rope.cosine + angle, rope.sine + angle, spec.head_dim,
                                                   rope.rotated);
                                   if constexpr (spec.query_scale != 1.0f)
                                   {
                                       c.kernels->scale(spec.query_scale, q, spec.head_dim);
                                   }
                               }
                           });
            if (a.rows() <= split_rows) { attend_by_span(c, a, cache); }
            else { attend_by_rows(c, a, cache); }
            linear(c, o_proj, query, a.z);
        }

    private:
        // Query heads that share a key head.
        static constexpr std::size_t group = spec.heads / spec.kv_heads;

        static position visible_begin(row_place const& p)
        {
            if constexpr (spec.is_global()) { return 0; }
            else { return p.at + 1 > spec.window ? p.at + 1 - spec.window : 0; }
        }

        static position visible_end(row_place const& p)
        {
            if constexpr (spec.is_global()) { return p.at + 1; }
            else { return p.visible_end; }
        }

        // Running (max, sum, vector) of query rows, in slot scratch.
        struct partial
        {
            float* max;
            float* sum;
            float* out;    // (query rows, head_dim)

            void reset(std::size_t rows) const
            {
                std::fill_n(max, rows, -std::numeric_limits<float>::infinity());
                std::fill_n(sum, rows, 0.0f);
                std::fill_n(out, rows * spec.head_dim, 0.0f);
            }
        };

        struct item_scratch
        {
            float* q;    // (query rows, head_dim)
            partial span, total;
            float* mixed;          // (query rows, head_dim)
            float* scores;         // (query rows, page_positions)
            std::size_t* first;    // (query rows)
            std::size_t* last;

            explicit item_scratch(float* p)
            {
                constexpr auto rows = query_rows(spec);
                first = reinterpret_cast<std::size_t*>(p);
                last = first + rows;
                q = reinterpret_cast<float*>(last + rows);
                span = {q + rows * spec.head_dim, q + rows * (spec.head_dim + 1),
                        q + rows * (spec.head_dim + 2)};
                total = {span.out + rows * spec.head_dim, span.out + rows * (spec.head_dim + 1),
                         span.out + rows * (spec.head_dim + 2)};
                mixed = total.out + rows * spec.head_dim;
                scores = mixed + rows * spec.head_dim;
            }
        };

        // The queries of `tokens` rows from `row` on that read key head `head`, one after the other.
        static void gather(activations const& a, std::size_t row, std::size_t tokens, std::size_t head,
                           float* q)
        {
            for (std::size_t t = 0; t != tokens; ++t)
            {
                auto const from = a.query + ((row + t) * spec.heads + head * group) * spec.head_dim;
                std::copy_n(from, group * spec.head_dim, q + t * group * spec.head_dim);
            }
        }

        // The pages [first_page, last_page) against the gathered queries; s.span holds the partial
        // afterwards.
        static void pages_of(compute const& c, activations const& a, std::size_t cache, std::size_t row,
                             std::size_t tokens, std::size_t head, std::size_t first_page,
                             std::size_t last_page, item_scratch const& s)
        {
            auto const& pages = a.caches[a.places[row].sequence][cache];
            auto const rows = tokens * group;
            s.span.reset(rows);
            for (auto page = first_page; page != last_page; ++page)
            {
                auto const begin = page * kernels::page_positions;
                std::size_t from = kernels::page_positions, to = 0;
                for (std::size_t t = 0; t != tokens; ++t)
                {
                    auto const& place = a.places[row + t];
                    auto const in_page = [&](position p)
                    { return std::clamp<position>(p, begin, begin + kernels::page_positions) - begin; };
                    auto const first = in_page(visible_begin(place));
                    auto const last = in_page(visible_end(place));
                    std::fill_n(s.first + t * group, group, first);
                    std::fill_n(s.last + t * group, group, last);
                    if (first == last) { continue; }
                    from = std::min<std::size_t>(from, first);
                    to = std::max<std::size_t>(to, last);
                }
                if (from >= to) { continue; }
                attend_page(c, a.kv, pages.page(page, head, kv_shape_of(spec, a.kv)), rows, from, to, s);
            }
        }

        // The rows see some of the positions [from, to) of a page.
        static void attend_page(compute const& c, kernels::kv_type type, kernels::kv_page const& page,
                                std::size_t rows, std::size_t from, std::size_t to, item_scratch const& s)
        {
            constexpr auto positions = kernels::page_positions;
            auto const kv = std::size_t(type);
            if (!kernels::fits_page_attention(spec.head_dim) || !c.fast || !c.fast->score_page[kv])
            {
                c.kernels->attend_page[kv](s.q, spec.head_dim, rows, page, spec.head_dim, s.first, s.last,
                                           s.span.max, s.span.sum, s.span.out, spec.head_dim, s.scores);
                return;
            }
            c.fast->score_page[kv](s.q, spec.head_dim, rows, page, spec.head_dim, from, to, s.scores);
            float max[query_rows(spec)], sum[query_rows(spec)];
            for (std::size_t r = 0; r != rows; ++r)
            {
                c.kernels->exponentials(s.scores + r * positions, positions, s.first[r], s.last[r], max + r,
                                        sum + r);
            }
            c.fast->mix_page[kv](s.scores, rows, page, spec.head_dim, from, to, s.mixed, spec.head_dim);
            for (std::size_t r = 0; r != rows; ++r)
            {
                c.kernels->merge(s.span.max + r, s.span.sum + r, s.span.out + r * spec.head_dim, max[r],
                                 sum[r], s.mixed + r * spec.head_dim, spec.head_dim);
            }
        }

        // The mix of values of one token's query heads, in place of the queries.
        static void finish(compute const& c, activations const& a, std::size_t row, std::size_t head,
                           float const* sum, float const* out)
        {
            float* const to = a.query + (row * spec.heads + head * group) * spec.head_dim;
            std::copy_n(out, group * spec.head_dim, to);
            for (std::size_t g = 0; g != group; ++g)
            {
                c.kernels->scale(1.0f / sum[g], to + g * spec.head_dim, spec.head_dim);
            }
        }

        // run(first row, rows, key head, slot) for blocks of rows of one sequence, at most `most` query rows
        // each, the last rows, which see most, first; in items that keep every thread busy.
        template <class Run>
        static void for_each_query_block(compute const& c, activations const& a, std::size_t most, Run&& run)
        {
            auto const for_all = ceil_div(a.rows() * spec.kv_heads, 2 * c.slots);
            auto const tokens = std::clamp<std::size_t>(for_all, 1, most / group);
            auto const blocks = ceil_div(a.rows(), tokens);
            c.for_each(blocks * spec.kv_heads,
                       [&](std::size_t item, std::size_t slot)
                       {
                           auto row = (blocks - 1 - item / spec.kv_heads) * tokens;
                           auto const end = std::min(a.rows(), row + tokens);
                           while (row != end)
                           {
                               auto stop = row + 1;
                               while (stop != end && a.places[stop].sequence == a.places[row].sequence)
                               {
                                   ++stop;
                               }
                               run(row, stop - row, item % spec.kv_heads, slot);
                               row = stop;
                           }
                       });
        }

        // A block of tokens and a key head walks its keys: on the fast path, where it has enough rows, as
        // products of packed keys, else page by page.
        static void attend_by_rows(compute const& c, activations& a, std::size_t cache)
        {
            static_assert(group <= block_attention::most_rows);
            bool const fast = block_attention::serves(c.fast, a.rows() * group);
            for_each_query_block(c, a, fast ? block_attention::most_rows : query_rows(spec),
                                 [&](std::size_t row, std::size_t tokens, std::size_t head, std::size_t slot)
                                 {
                                     if (block_attention::serves(c.fast, tokens * group))
                                     {
                                         packed_block(c, a, cache, row, tokens, head, slot);
                                     }
                                     else
                                     {
                                         block(c, a, cache, row, tokens, head, item_scratch(c.scratch(slot)));
                                     }
                                 });
        }

        static void packed_block(compute const& c, activations const& a, std::size_t cache, std::size_t row,
                                 std::size_t tokens, std::size_t head, std::size_t slot)
        {
            block_attention packed(c, spec.head_dim, tokens * group, slot);
            for (std::size_t t = 0; t != tokens; ++t)
            {
                auto const& place = a.places[row + t];
                packed.set(t * group, group,
                           a.query + ((row + t) * spec.heads + head * group) * spec.head_dim, spec.head_dim,
                           visible_begin(place), visible_end(place));
            }
            auto const& pages = a.caches[a.places[row].sequence][cache];
            packed.run(a.kv,
                       [&](std::size_t page) { return pages.page(page, head, kv_shape_of(spec, a.kv)); });
            for (std::size_t t = 0; t != tokens; ++t)
            {
                finish(c, a, row + t, head, packed.sums() + t * group, packed.out(t * group));
            }
        }

        static void block(compute const& c, activations const& a, std::size_t cache, std::size_t row,
                          std::size_t tokens, std::size_t head, item_scratch const& s)
        {
            auto const rows = tokens * group;
            gather(a, row, tokens, head, s.q);
            s.total.reset(rows);
            position begin = visible_begin(a.places[row]);
            position end = visible_end(a.places[row]);
            for (std::size_t t = 1; t != tokens; ++t)
            {
                begin = std::min(begin, visible_begin(a.places[row + t]));
                end = std::max(end, visible_end(a.places[row + t]));
            }
            for (auto span = begin / span_positions; span * span_positions < end; ++span)
            {
                pages_of(c, a, cache, row, tokens, head, span * span_pages, (span + 1) * span_pages, s);
                for (std::size_t r = 0; r != rows; ++r)
                {
                    if (s.span.sum[r] == 0.0f) { continue; }
                    c.kernels->merge(s.total.max + r, s.total.sum + r, s.total.out + r * spec.head_dim,
                                     s.span.max[r], s.span.sum[r], s.span.out + r * spec.head_dim,
                                     spec.head_dim);
                }
            }
            for (std::size_t t = 0; t != tokens; ++t)
            {
                finish(c, a, row + t, head, s.total.sum + t * group, s.total.out + t * group * spec.head_dim);
            }
        }

        // An item is one token, one key head and some pages: a span, or, on the fast path, fewer where a row
        // sees few; partials are merged, in the same order, afterwards.
        void attend_by_span(compute const& c, activations& a, std::size_t cache) const
        {
            constexpr auto floats = group * (spec.head_dim + 2);    // of one partial
            struct pages
            {
                std::size_t first, at_once;
            };
            pages pages_of_row[split_rows];
            std::size_t item_of[split_rows + 1] = {};
            for (std::size_t r = 0; r != a.rows(); ++r)
            {
                auto const begin = visible_begin(a.places[r]) / kernels::page_positions;
                auto const end = ceil_div(visible_end(a.places[r]), kernels::page_positions);
                auto const at_once =
                    c.fast ? std::min(ceil_div(end - begin, split_items), span_pages) : span_pages;
                auto const first = c.fast ? begin : begin / span_pages * span_pages;
                pages_of_row[r] = {first, at_once};
                item_of[r + 1] = item_of[r] + ceil_div(end - first, at_once) * spec.kv_heads;
            }
            auto const partial_of = [&](std::size_t item)
            {
                float* const p = a.spans + item * floats;
                return partial{p, p + group, p + 2 * group};
            };
            c.for_each(item_of[a.rows()],
                       [&](std::size_t item, std::size_t slot)
                       {
                           std::size_t row = 0;
                           while (item >= item_of[row + 1]) { ++row; }
                           auto const head = (item - item_of[row]) % spec.kv_heads;
                           auto const& of_row = pages_of_row[row];
                           auto const first =
                               of_row.first + (item - item_of[row]) / spec.kv_heads * of_row.at_once;
                           item_scratch s(c.scratch(slot));
                           s.span = partial_of(item);
                           gather(a, row, 1, head, s.q);
                           pages_of(c, a, cache, row, 1, head, first, first + of_row.at_once, s);
                       });
            c.for_each(
                a.rows() * spec.kv_heads,
                [&](std::size_t i, std::size_t slot)
                {
                    auto const row = i / spec.kv_heads;
                    auto const head = i % spec.kv_heads;
                    auto const total = item_scratch(c.scratch(slot)).total;
                    total.reset(group);
                    for (auto item = item_of[row] + head; item < item_of[row + 1]; item += spec.kv_heads)
                    {
                        auto const p = partial_of(item);
                        for (std::size_t g = 0; g != group; ++g)
                        {
                            c.kernels->merge(total.max + g, total.sum + g, total.out + g * spec.head_dim,
                                             p.max[g], p.sum[g], p.out + g * spec.head_dim, spec.head_dim);
                        }
                    }
                    finish(c, a, row, head, total.sum, total.out);
                });
        }
    };
}
