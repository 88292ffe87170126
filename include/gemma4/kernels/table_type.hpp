// The contract of every kernel, as the type of the table that an instruction set fills in.
#pragma once

#include <cstddef>

#include <gemma4/core/dtype.hpp>
#include <gemma4/formats/weight_type.hpp>

namespace gemma4::inline v0::kernels
{
    // Positions of one page of keys and values.
    inline constexpr std::size_t page_positions = 128;

    struct table
    {
        // "avx512", "avx2", "baseline" (x86-64), "neon" or "portable".
        char const* name;

        // y[m * ldy + n] = sum over k of x[m * ldx + k] * w[n * ldw + k], for m < rows, n < outs, k < inner.
        // w has the dtype of the index; strides in elements; any sizes. y overlaps neither x nor w.
        using matmul_fn = void (*)(float const* x, std::size_t ldx, void const* w, std::size_t ldw, float* y,
                                   std::size_t ldy, std::size_t rows, std::size_t outs, std::size_t inner);
        matmul_fn matmul[dtype_count];

        // y = scale * float(source), one rounding. Source: n weights, whole blocks, of the weight_type of the
        // index; null where there is no such type.
        void (*widen[weight_type_count])(void const* source, float scale, float* y, std::size_t n);

        // y = x * (mean(x^2) + eps)^(-1/2) * weight (no factor where weight is null). y may be x.
        void (*rms_norm)(float const* x, float const* weight, float* y, std::size_t n, float eps);

        // Turns the pairs (i, i + head_dim / 2), i < rotated, of one head in place:
        // (a, b) -> (a cos[i] - b sin[i], b cos[i] + a sin[i]). cosine and sine: (rotated).
        void (*rope)(float* x, float const* cosine, float const* sine, std::size_t head_dim,
                     std::size_t rotated);

        // y = gelu(gate) * up with the tanh approximation of gelu. y may be gate or up.
        void (*gelu_multiply)(float const* gate, float const* up, float* y, std::size_t n);

        void (*add)(float const* x, float* y, std::size_t n);         // y += x
        void (*scale)(float factor, float* y, std::size_t n);         // y *= factor
        void (*multiply)(float const* x, float* y, std::size_t n);    // y *= x
        void (*add_scaled)(float factor, float const* x, float* y,
                           std::size_t n);                      // y += factor * x, fused where it can be
        void (*softcap)(float* x, std::size_t n, float cap);    // x = cap * tanh(x / cap)
        void (*softmax)(float* x, std::size_t n);               // x = exp(x - max) / sum, n >= 1

        // One page of one kv head against `rows` query rows; scores are q . k, unscaled. Row r sees the keys
        // [first[r], last[r]) of the page, 0 <= first <= last <= page_positions; where that is empty, the
        // row's state is left untouched. The page's partial (max, sum of exponentials, weighted sum of
        // values) is computed in a fixed order in which masked keys count as exact zeros, then merged into
        // the running (max[r], sum[r], out[r * ldo ...]), which starts as (-infinity, 0, 0). The attention is
        // out / sum. q: (rows, head_dim) stride ldq; keys, values: (page_positions, head_dim), rows that no
        // one sees are not read; head_dim a multiple of 16; scratch: (rows, page_positions).
        void (*attend_page)(float const* q, std::size_t ldq, std::size_t rows, float const* keys,
                            float const* values, std::size_t head_dim, std::size_t const* first,
                            std::size_t const* last, float* max, float* sum, float* out, std::size_t ldo,
                            float* scratch);

        // Merges the partial b into a, as attend_page does. out_a, out_b: (head_dim), a multiple of 16.
        void (*merge)(float* max_a, float* sum_a, float* out_a, float max_b, float sum_b, float const* out_b,
                      std::size_t head_dim);

        // y = min(max(x, low), high), exact; low and high may be infinite. y may be x.
        void (*clip)(float const* x, float low, float high, float* y, std::size_t n);
    };
}
