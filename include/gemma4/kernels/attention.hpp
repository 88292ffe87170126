// Attention of query rows to one page of keys and values, and the merging of partial results.
//
// A partial is (max, sum, vector): over the keys a row sees, the largest score, the sum of exp(score - max)
// and the sum of exp(score - max) * value. The sum runs over the whole page in 16 lanes (masked keys are
// exact zeros), the vector takes the keys in order; neither depends on which rows are computed together.
#pragma once

#include <cstddef>
#include <limits>

#include <gemma4/kernels/matmul.hpp>
#include <gemma4/kernels/softmax.hpp>
#include <gemma4/kernels/table_type.hpp>
#include <gemma4/simd/f32x16.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct attention_kernel
    {
        using f32x16 = simd::f32x16<Arch>;

        static constexpr float nothing = -std::numeric_limits<float>::infinity();
        static constexpr std::size_t tile_rows = simd::f32x16_count<Arch> >= 32 ? 4 : 1;
        static constexpr std::size_t tile_columns = simd::f32x16_count<Arch> >= 32  ? 4
                                                    : simd::f32x16_count<Arch> >= 8 ? 4
                                                                                    : 2;

        struct factors
        {
            float a, b;
        };    // what the two partials of a merge are multiplied with

        static float exp_of(float x)
        {
            float lane[simd::width];
            exp(f32x16::broadcast(x)).store(lane);
            return lane[0];
        }

        // Moves (max, sum) of a on to the merge with (max_b, sum_b); max_b is finite.
        static factors merge_sums(float& max_a, float& sum_a, float max_b, float sum_b)
        {
            float const most = max_a < max_b ? max_b : max_a;
            factors const f{max_a == nothing ? 0.0f : exp_of(max_a - most), exp_of(max_b - most)};
            float lane[simd::width];
            fma(f32x16::broadcast(sum_b), f32x16::broadcast(f.b),
                f32x16::broadcast(sum_a) * f32x16::broadcast(f.a))
                .store(lane);
            max_a = most;
            sum_a = lane[0];
            return f;
        }

        [[gnu::always_inline]] static void merge_vector(float* out, f32x16 const& b, factors f)
        {
            fma(b, f32x16::broadcast(f.b), f32x16::load(out) * f32x16::broadcast(f.a)).store(out);
        }

        static void merge(float* max_a, float* sum_a, float* out_a, float max_b, float sum_b,
                          float const* out_b, std::size_t head_dim)
        {
            if (sum_b == 0.0f) { return; }    // sees no key; of scores that are all NaN it is NaN
            auto const f = merge_sums(*max_a, *sum_a, max_b, sum_b);
            for (std::size_t d = 0; d < head_dim; d += simd::width)
            {
                merge_vector(out_a + d, f32x16::load(out_b + d), f);
            }
        }

        // The scores [first, last) to exp(score - max), those that share a vector with them to 0; returns the
        // partial's (max, sum).
        static void exponentials(float* score, std::size_t first, std::size_t last, float& max, float& sum)
        {
            max = softmax_kernel<Arch>::most_of(score + first, last - first);
            auto const most = f32x16::broadcast(max);
            auto total = f32x16::zero();
            for (auto j = first / simd::width * simd::width; j < last; j += simd::width)
            {
                if (j < first || j + simd::width > last)
                {
                    for (std::size_t i = j; i != j + simd::width; ++i)
                    {
                        if (i < first || i >= last) { score[i] = max; }
                    }
                    exp(f32x16::load(score + j) - most).store(score + j);
                    for (std::size_t i = j; i != j + simd::width; ++i)
                    {
                        if (i < first || i >= last) { score[i] = 0.0f; }
                    }
                }
                else { exp(f32x16::load(score + j) - most).store(score + j); }
                total = total + f32x16::load(score + j);
            }
            sum = reduce_add(total);
        }

        // See table::exponentials.
        static void weights(float* score, std::size_t count, std::size_t first, std::size_t last, float* max,
                            float* sum)
        {
            auto const from = first / simd::width * simd::width;
            auto const to = first == last ? from : (last + simd::width - 1) / simd::width * simd::width;
            for (std::size_t j = 0; j != from; j += simd::width) { f32x16::zero().store(score + j); }
            for (auto j = to; j != count; j += simd::width) { f32x16::zero().store(score + j); }
            *max = nothing;
            *sum = 0.0f;
            if (first == last) { return; }
            exponentials(score, first, last, *max, *sum);
        }

        // One row's weighted values over the keys [from, to), added in order.
        template <std::size_t Columns, class Value>
        [[gnu::always_inline]] static void accumulate(float const* p, Value const* values,
                                                      std::size_t head_dim, std::size_t from, std::size_t to,
                                                      f32x16* sum)
        {
            for (std::size_t j = from; j < to; ++j)
            {
                auto const weight = f32x16::broadcast(p[j]);
                for (std::size_t c = 0; c != Columns; ++c)
                {
                    sum[c] = fma(weight, f32x16::load(values + j * head_dim + c * simd::width), sum[c]);
                }
            }
        }

        // Rows x Columns registers of the weighted sum of values, merged into `out`. Every row takes its own
        // keys and no others, in order; those that all rows of the tile see are taken together.
        template <std::size_t Rows, std::size_t Columns, class Value>
        static void weigh(float const* p, Value const* values, std::size_t head_dim, std::size_t const* first,
                          std::size_t const* last, factors const* f, float* out, std::size_t ldo)
        {
            std::size_t from = 0;
            std::size_t to = page_positions;
            for (std::size_t r = 0; r != Rows; ++r)
            {
                from = first[r] > from ? first[r] : from;
                to = last[r] < to ? last[r] : to;
            }
            if (to < from) { to = from; }
            f32x16 sum[Rows][Columns];
            for (std::size_t r = 0; r != Rows; ++r)
            {
                for (std::size_t c = 0; c != Columns; ++c) { sum[r][c] = f32x16::zero(); }
                std::size_t const stop = last[r] < from ? last[r] : from;
                if (first[r] < stop)
                {
                    accumulate<Columns>(p + r * page_positions, values, head_dim, first[r], stop, sum[r]);
                }
            }
            for (std::size_t j = from; j < to; ++j)
            {
                f32x16 value[Columns];
                for (std::size_t c = 0; c != Columns; ++c)
                {
                    value[c] = f32x16::load(values + j * head_dim + c * simd::width);
                }
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    auto const weight = f32x16::broadcast(p[r * page_positions + j]);
                    for (std::size_t c = 0; c != Columns; ++c)
                    {
                        sum[r][c] = fma(weight, value[c], sum[r][c]);
                    }
                }
            }
            for (std::size_t r = 0; r != Rows; ++r)
            {
                std::size_t const start = first[r] > to ? first[r] : to;
                if (start < last[r])
                {
                    accumulate<Columns>(p + r * page_positions, values, head_dim, start, last[r], sum[r]);
                }
                if (first[r] == last[r]) { continue; }
                for (std::size_t c = 0; c != Columns; ++c)
                {
                    merge_vector(out + r * ldo + c * simd::width, sum[r][c], f[r]);
                }
            }
        }

        template <std::size_t Rows, class Value>
        static void weigh_rows(float const* p, Value const* values, std::size_t head_dim,
                               std::size_t const* first, std::size_t const* last, factors const* f,
                               float* out, std::size_t ldo)
        {
            std::size_t d = 0;
            for (; d + tile_columns * simd::width <= head_dim; d += tile_columns * simd::width)
            {
                weigh<Rows, tile_columns>(p, values + d, head_dim, first, last, f, out + d, ldo);
            }
            for (; d < head_dim; d += simd::width)
            {
                weigh<Rows, 1>(p, values + d, head_dim, first, last, f, out + d, ldo);
            }
        }

        // Scores or weights of a page's positions [from, to), times the scale of each.
        static void rescale(float* p, float const* scales, std::size_t from, std::size_t to)
        {
            for (auto j = from; j != to; ++j) { p[j] *= scales[j]; }
        }

        template <class Element>
        static void run(float const* q, std::size_t ldq, std::size_t rows, kv_page const& page,
                        std::size_t head_dim, std::size_t const* first, std::size_t const* last, float* max,
                        float* sum, float* out, std::size_t ldo, float* scratch)
        {
            constexpr bool scaled = sizeof(Element) == 1;
            auto const keys = static_cast<Element const*>(page.keys);
            auto const values = static_cast<Element const*>(page.values);
            std::size_t from = page_positions;
            std::size_t to = 0;
            for (std::size_t r = 0; r != rows; ++r)
            {
                if (first[r] == last[r]) { continue; }
                from = first[r] < from ? first[r] : from;
                to = last[r] > to ? last[r] : to;
            }
            if (from >= to) { return; }
            matmul_kernel<Arch>::template run<Element>(q, ldq, keys + from * head_dim, head_dim,
                                                       scratch + from, page_positions, rows, to - from,
                                                       head_dim);
            for (std::size_t r = 0; r < rows; r += tile_rows)
            {
                std::size_t const count = rows - r < tile_rows ? rows - r : tile_rows;
                factors f[tile_rows];
                for (std::size_t i = 0; i != count; ++i)
                {
                    if (first[r + i] == last[r + i]) { continue; }
                    float* const score = scratch + (r + i) * page_positions;
                    float page_max, page_sum;
                    if constexpr (scaled) { rescale(score, page.key_scales, first[r + i], last[r + i]); }
                    exponentials(score, first[r + i], last[r + i], page_max, page_sum);
                    if constexpr (scaled) { rescale(score, page.value_scales, first[r + i], last[r + i]); }
                    f[i] = merge_sums(max[r + i], sum[r + i], page_max, page_sum);
                }
                float const* const p = scratch + r * page_positions;
                if (count == tile_rows)
                {
                    weigh_rows<tile_rows>(p, values, head_dim, first + r, last + r, f, out + r * ldo, ldo);
                }
                else
                {
                    for (std::size_t i = 0; i != count; ++i)
                    {
                        weigh_rows<1>(p + i * page_positions, values, head_dim, first + r + i, last + r + i,
                                      f + i, out + (r + i) * ldo, ldo);
                    }
                }
            }
        }
    };
}
