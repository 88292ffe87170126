// Attention of many query rows as products of the fast path: some hundred keys at a time are packed as a
// bfloat16 matrix, meet all rows, and so do their values.
//
// The scheme is that of online softmax (Milakov and Gimelshein, 2018; FlashAttention, Dao et al., 2022).
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <gemma4/core/math.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/layers/compute.hpp>
#include <gemma4/packing/packed_type.hpp>

namespace gemma4::inline v0
{
    // Query rows and the keys that each sees, [first, last), with room for a running softmax of `rows` rows.
    class block_attention
    {
    public:
        static constexpr std::size_t fewest_rows = 16;    // up to so many, pages are walked
        static constexpr std::size_t most_rows = 256;     // as many as make packing keys cheap
        static constexpr std::size_t keys_at_once = kernels::attended_keys;    // a multiple of packed_group

        // Floats of slot scratch for heads of head_dim, a multiple of 16, which must begin a cache line.
        static constexpr std::size_t floats(std::size_t head_dim) { return layout(head_dim).end; }

        // Whether the fast path has it, and it pays.
        static bool serves(kernels::fast_table const* fast, std::size_t rows)
        {
            return fast && fast->pack_keys[0] && rows > fewest_rows;
        }

        // rows <= most_rows. In the scratch of this slot.
        block_attention(compute const& c, std::size_t head_dim, std::size_t rows, std::size_t slot)
            : m_compute(c)
            , m_slot(slot)
            , m_head_dim(head_dim)
            , m_rows(rows)
        {
            auto const at = layout(head_dim);
            float* const scratch = c.scratch(slot);
            auto const kind = c.fast->wants(packed_type::bf16, rows);
            m_query = {scratch + at.query, kind, rows, head_dim};
            m_weights = {scratch + at.weights, kind, rows, keys_at_once};
            m_keys = reinterpret_cast<std::byte*>(scratch + at.keys);
            m_values = reinterpret_cast<std::byte*>(scratch + at.values);
            m_scores = scratch + at.scores;
            m_part = scratch + at.part;
            m_out = scratch + at.out;
            m_max = scratch + at.max;
            m_sum = scratch + at.sum;
            m_first = reinterpret_cast<position*>(scratch + at.first);
            m_last = m_first + most_rows;
        }

        // Rows [row, row + count) are q (count, head_dim; stride ldq) and see the keys [first, last). All
        // rows must be set, in order, before run().
        void set(std::size_t row, std::size_t count, float const* q, std::size_t ldq, position first,
                 position last)
        {
            m_compute.fast->quantise(q - row * ldq, ldq, row, count, m_query);
            std::fill_n(m_first + row, count, first);
            std::fill_n(m_last + row, count, last);
        }

        // page(i): the kv_page of the positions from i * page_positions on, of kv_type `type`.
        template <class Page>
        void run(kernels::kv_type type, Page const& page)
        {
            begin();
            auto const first = *std::min_element(m_first, m_first + m_rows);
            auto const end = *std::max_element(m_last, m_last + m_rows);
            for (auto from = first / packed_group * packed_group; from < end; from += keys_at_once)
            {
                auto const last = std::min<position>(end, from + keys_at_once);
                pack(type, page, from, last);
                attend(m_keys, m_values, from, std::size_t(last - from));
            }
        }

        // The same of `count` keys and values from position 0 on in pieces of keys_at_once, one after the
        // other.
        void run(std::byte const* keys, std::byte const* values, std::size_t count)
        {
            begin();
            for (std::size_t from = 0; from < count; from += keys_at_once)
            {
                auto const at = from / keys_at_once * piece_bytes(m_head_dim);
                attend(keys + at, values + at, from, std::min(keys_at_once, count - from));
            }
        }

        // Bytes of keys_at_once packed keys, or values.
        static constexpr std::size_t piece_bytes(std::size_t head_dim)
        {
            return keys_at_once * round_up(head_dim, packed_group) * sizeof(bf16);
        }

        // `count` <= keys_at_once float32 keys, or values, (count, head_dim), as a piece.
        static void pack_keys(compute const& c, float const* keys, std::size_t count, std::size_t head_dim,
                              std::byte* piece)
        {
            c.fast->pack_keys[std::size_t(kernels::kv_type::f32)](keys, nullptr, count, head_dim, piece);
        }
        static void pack_values(compute const& c, float const* values, std::size_t count,
                                std::size_t head_dim, std::byte* piece)
        {
            c.fast->pack_values[std::size_t(kernels::kv_type::f32)](
                values, nullptr, count, head_dim, piece, packed_block_bytes(packed_type::bf16, count));
        }

        // The mix of a row's values, times sums()[row].
        float* out(std::size_t row) const noexcept { return m_out + row * m_head_dim; }
        float const* sums() const noexcept { return m_sum; }

    private:
        // Places in the scratch, in floats.
        struct places
        {
            std::size_t query, weights, keys, values, scores, part, out, max, sum, first, end;
        };

        static constexpr places layout(std::size_t head_dim)
        {
            places p{};
            std::size_t used = 0;
            auto const take = [&](std::size_t bytes)
            {
                auto const at = used;
                used += round_up(bytes, cache_line) / sizeof(float);
                return at;
            };
            auto const width = round_up(head_dim, packed_group);
            p.query = take(most_rows * width * sizeof(float));    // float32 is the widest kind
            p.weights = take(most_rows * keys_at_once * sizeof(float));
            p.keys = take(keys_at_once * width * sizeof(bf16));
            p.values = take(keys_at_once * width * sizeof(bf16));
            p.scores = take(most_rows * keys_at_once * sizeof(float));
            p.part = take(most_rows * head_dim * sizeof(float));
            p.out = take(most_rows * head_dim * sizeof(float));
            p.max = take(most_rows * sizeof(float));
            p.sum = take(most_rows * sizeof(float));
            p.first = take(2 * most_rows * sizeof(position));
            p.end = used;
            return p;
        }

        void begin()
        {
            std::fill_n(m_max, m_rows, -std::numeric_limits<float>::infinity());
            std::fill_n(m_sum, m_rows, 0.0f);
            std::fill_n(m_out, m_rows * m_head_dim, 0.0f);
        }

        // The keys [from, end) and their values into m_keys and m_values. from: a multiple of packed_group.
        template <class Page>
        void pack(kernels::kv_type type, Page const& page, position from, position end)
        {
            auto const& fast = *m_compute.fast;
            auto const key_block = packed_block_bytes(packed_type::bf16, m_head_dim);
            auto const value_block = packed_block_bytes(packed_type::bf16, std::size_t(end - from));
            for_each_page(
                page, from, end,
                [&](kernels::kv_page const& p, std::size_t in_page, std::size_t at, std::size_t n)
                {
                    fast.pack_keys[std::size_t(type)](vector(p.keys, type, in_page),
                                                      scales(p.key_scales, in_page), n, m_head_dim,
                                                      m_keys + at / packed_rows * key_block);
                    fast.pack_values[std::size_t(type)](
                        vector(p.values, type, in_page), scales(p.value_scales, in_page), n, m_head_dim,
                        m_values + at / packed_group * packed_block_bytes(packed_type::bf16, 1), value_block);
                });
        }

        // `count` packed keys from position `from` on and their values against all rows.
        void attend(std::byte const* keys, std::byte const* values, position from, std::size_t count)
        {
            auto const& fast = *m_compute.fast;
            auto* const scratch = m_compute.product_scratch_of(m_slot);
            std::size_t first[most_rows], last[most_rows];
            for (std::size_t r = 0; r != m_rows; ++r)
            {
                auto const inside = [&](position p)
                { return std::size_t(std::clamp<position>(p, from, from + count) - from); };
                first[r] = inside(m_first[r]);
                last[r] = inside(m_last[r]);
            }
            if (fast.attend && m_query.kind == kernels::activation_kind::tiles)
            {
                fast.attend(m_query, keys, values, count, m_head_dim, first, last, m_max, m_sum, m_out,
                            scratch);
                return;
            }
            auto const multiply = fast.matmul[std::size_t(packed_type::bf16)];
            multiply(m_query, 0, m_rows, keys, count, m_scores, keys_at_once, scratch);
            float max[most_rows], sum[most_rows];
            for (std::size_t r = 0; r != m_rows; ++r)
            {
                // (-infinity, 0) where it sees none of these keys
                m_compute.kernels->exponentials(m_scores + r * keys_at_once, round_up(count, packed_rows),
                                                first[r], last[r], max + r, sum + r);
            }
            m_weights.ins = count;
            fast.quantise(m_scores, keys_at_once, 0, m_rows, m_weights);
            multiply(m_weights, 0, m_rows, values, m_head_dim, m_part, m_head_dim, scratch);
            for (std::size_t r = 0; r != m_rows; ++r)
            {
                m_compute.kernels->merge(m_max + r, m_sum + r, out(r), max[r], sum[r],
                                         m_part + r * m_head_dim, m_head_dim);
            }
        }

        // f(page, first position in it, position - from, positions) for every page that holds some of [from,
        // end).
        template <class Page, class F>
        static void for_each_page(Page const& page, position from, position end, F&& f)
        {
            constexpr auto positions = kernels::page_positions;
            for (auto at = from; at < end;)
            {
                auto const in_page = at % positions;
                auto const n = std::min(positions - in_page, end - at);
                f(page(at / positions), in_page, at - from, n);
                at += n;
            }
        }

        static float const* scales(float const* first, std::size_t index)
        {
            return first ? first + index : nullptr;
        }

        void const* vector(void const* first, kernels::kv_type type, std::size_t index) const
        {
            return static_cast<std::byte const*>(first) + index * m_head_dim * kernels::size_of(type);
        }

        compute const& m_compute;
        std::size_t m_slot;
        std::size_t m_head_dim;
        std::size_t m_rows;
        kernels::activations m_query, m_weights;
        std::byte *m_keys, *m_values;
        float *m_scores, *m_part, *m_out, *m_max, *m_sum;
        position *m_first, *m_last;
    };
}
