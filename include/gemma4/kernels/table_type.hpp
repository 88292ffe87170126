// The contract of every kernel, as the type of the table that an instruction set fills in.
#pragma once

#include <cstddef>

#include <gemma4/core/dtype.hpp>
#include <gemma4/formats/weight_type.hpp>

namespace gemma4::inline v0::kernels
{
    // Positions of one page of keys and values.
    inline constexpr std::size_t page_positions = 128;

    // How keys and values are kept: int8 with a float scale for each key and value vector.
    enum class kv_type : unsigned char
    {
        f32,
        bf16,
        int8
    };
    inline constexpr std::size_t kv_type_count = 3;

    constexpr std::size_t size_of(kv_type type) noexcept
    {
        return type == kv_type::f32 ? 4 : type == kv_type::bf16 ? 2 : 1;
    }

    // One head's keys and values of a page: (page_positions, head_dim) each, and, where int8, the scales of
    // each (page_positions).
    struct kv_page
    {
        void const* keys;
        void const* values;
        float const* key_scales = nullptr;
        float const* value_scales = nullptr;
    };

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
        // out / sum. q: (rows, head_dim) stride ldq; keys and values, of the kv_type of the index, that no
        // one sees are not read; head_dim a multiple of 16; scratch: (rows, page_positions).
        using attend_page_fn = void (*)(float const* q, std::size_t ldq, std::size_t rows,
                                        kv_page const& page, std::size_t head_dim, std::size_t const* first,
                                        std::size_t const* last, float* max, float* sum, float* out,
                                        std::size_t ldo, float* scratch);
        attend_page_fn attend_page[kv_type_count];

        // Scores to weights: of the keys [first, last), 0 <= first <= last <= count, score = exp(score -
        // *max) with the largest of them in *max and the sum of the weights in *sum, which are -infinity and
        // 0 where there are none; 0 elsewhere. count: a multiple of 16.
        void (*exponentials)(float* score, std::size_t count, std::size_t first, std::size_t last, float* max,
                             float* sum);

        // A key or value vector as the kv_type of the index keeps it: to bf16, round to nearest even; to
        // int8, *scale = max |x| / 127 and to[i] = x[i] / *scale, rounded to nearest even; *scale is NaN
        // where an x is not finite.
        void (*store_kv[kv_type_count])(float const* x, void* to, float* scale, std::size_t n);

        // Merges the partial b into a, as attend_page does. out_a, out_b: (head_dim), a multiple of 16.
        void (*merge)(float* max_a, float* sum_a, float* out_a, float max_b, float sum_b, float const* out_b,
                      std::size_t head_dim);

        // y = min(max(x, low), high), exact; low and high may be infinite. y may be x.
        void (*clip)(float const* x, float low, float high, float* y, std::size_t n);

        void (*silu)(float const* x, float* y, std::size_t n);    // y = x / (1 + exp(-x)). y may be x.

        // y = x / (1 + exp(-gate)). y may be x or gate.
        void (*glu)(float const* x, float const* gate, float* y, std::size_t n);

        // y += a * b, fused where it can be
        void (*multiply_add)(float const* a, float const* b, float* y, std::size_t n);

        // y = (x - mean) * (mean((x - mean)^2) + eps)^(-1/2) * weight, n >= 1. y may be x.
        void (*layer_norm)(float const* x, float const* weight, float* y, std::size_t n, float eps);
    };
}
