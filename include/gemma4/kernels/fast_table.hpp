// The contract of the fast kernels: products of packed weights (packing/packed_type.hpp) with activations
// that are quantised once per layer input. Results depend on the kind of activation, hence on the number of
// rows; within a kind a result depends on the operands of its own row only.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/kernels/table_type.hpp>
#include <gemma4/packing/packed_type.hpp>

namespace gemma4::inline v0::kernels
{
    // What activations are turned into before they meet packed weights.
    enum class activation_kind : std::uint8_t
    {
        int8,       // one int8 and a float32 scale for 32: rms error about 0.5 % of the output's
        int16,      // two planes of int8 (15 bits): 0.005 %
        float32,    // as they are
        bfloat16,
        tiles    // bfloat16 in the order of the matrix unit
    };

    // Rows that meet one matrix and others another begin at multiples of this.
    constexpr std::size_t whole_rows(activation_kind kind) noexcept
    {
        return kind == activation_kind::tiles ? 32 : 1;
    }

    // Rows of activations as quantise leaves them. data: activation_bytes(kind, rows, ins) bytes, aligned
    // to 64.
    struct activations
    {
        void* data;
        activation_kind kind;
        std::size_t rows;
        std::size_t ins;
    };

    inline constexpr std::size_t attended_keys = 256;    // keys of a call of fast_table::attend at most

    // Where a gated product is clamped (Gemma4ClippableLinear of the towers).
    struct gated_bounds
    {
        struct range
        {
            float low = -__builtin_inff();
            float high = __builtin_inff();

            constexpr bool operator==(range const&) const = default;
        };
        range gate, up, product;

        constexpr bool bounded() const { return *this != gated_bounds{}; }
        constexpr bool operator==(gated_bounds const&) const = default;
    };

    // Whether score_page and mix_page take heads of this width.
    constexpr bool fits_page_attention(std::size_t head_dim) noexcept
    {
        return head_dim % 64 == 0 && head_dim <= 512;
    }

    struct fast_table
    {
        char const* name;    // "amx", "avx512bf16", "avx512vnni", "avxvnni", "avx2", "i8mmbf16", "i8mm",
                             // "dotprod", "portable"

        // The kind that this many rows shall have against weights of this type: the fastest whose error is
        // small for the number of rows.
        activation_kind (*wants)(packed_type type, std::size_t rows);

        std::size_t (*activation_bytes)(activation_kind kind, std::size_t rows, std::size_t ins);

        // Rows [first, first + count) of x (rows, ldx) into `to`; x points to row 0. Finite values only.
        void (*quantise)(float const* x, std::size_t ldx, std::size_t first, std::size_t count,
                         activations const& to);

        // Outputs of an item of many rows, and the bytes that a call of matmul, gated or attend works in,
        // aligned to 64; may be 0.
        std::size_t outs_at_once;
        std::size_t scratch_bytes;

        // y[(m - first) * ldy + n] = row m of the activations . row n of the weights, for m in [first, first
        // + count) and n < outs. `block` is the first of ceil(outs / 16) blocks. The kind of x must be one
        // that wants() returns for the type (of any number of rows).
        using matmul_fn = void (*)(activations const& x, std::size_t first, std::size_t count,
                                   std::byte const* block, std::size_t outs, float* y, std::size_t ldy,
                                   std::byte* scratch);
        matmul_fn matmul[packed_type_count];

        // Columns [column, column + outs) of rows [first, first + count) of `to` = gelu_tanh(gate) * up, the
        // products of the same rows of x and x_up, which may be x, with `outs` rows of two matrices of one
        // type, each clamped, and the result: the input of the matrix behind them as quantise would leave it.
        // All three are of kind `tiles` and have as many rows. column: a multiple of 32; outs too, where
        // others follow. Null where nothing is gained.
        using gated_fn = void (*)(activations const& x, activations const& x_up, std::size_t first,
                                  std::size_t count, std::byte const* gate, std::byte const* up,
                                  std::size_t outs, gated_bounds const& bounds, activations const& to,
                                  std::size_t column, std::byte* scratch);
        gated_fn gated[packed_type_count];

        // `count` keys or values (count, head_dim) of the kv_type of the index, with the scales of int8 ones,
        // as bf16 blocks, rounded to nearest: keys as the rows of a matrix, padded to whole blocks; values as
        // its columns [0, count), padded to whole groups: `to` is where the first of them lies in the first
        // of head_dim / 16 blocks of block_bytes each. head_dim: a multiple of 16. Null where attention in
        // float32 is as fast.
        using pack_keys_fn = void (*)(void const* keys, float const* scales, std::size_t count,
                                      std::size_t head_dim, std::byte* to);
        using pack_values_fn = void (*)(void const* values, float const* scales, std::size_t count,
                                        std::size_t head_dim, std::byte* to, std::size_t block_bytes);
        pack_keys_fn pack_keys[kv_type_count];
        pack_values_fn pack_values[kv_type_count];

        // Some keys and their values, packed by pack_keys and pack_values, against all rows of q (kind
        // `tiles`, head_dim wide): row r sees the keys [first[r], last[r]), 0 <= first, last <= count <=
        // attended_keys. Adds to out (q.rows, head_dim) the sum over them of w times value, and to sum the
        // sum of w = 2^(score / ln 2 - max); where max must grow, sum and out are scaled first. Before the
        // first call max is -infinity, sum and out are 0. Null where it is a row of other kernels.
        using attend_fn = void (*)(activations const& q, std::byte const* keys, std::byte const* values,
                                   std::size_t count, std::size_t head_dim, std::size_t const* first,
                                   std::size_t const* last, float* max, float* sum, float* out,
                                   std::byte* scratch);
        attend_fn attend;

        // Few query rows and the keys and values [from, to) of a page, 0 <= from < to <= page_positions, of
        // the kv_type of the index, for heads that fits_page_attention().
        //
        // scores[r * page_positions + j] = q row r . key j for j in [from, to); what other places of a row
        // hold afterwards is not specified. q: (rows, head_dim), stride ldq, rounded to bfloat16 or 15 bits.
        //
        // out row r (head_dim; stride ldo) = sum over j of weights[r * page_positions + j] * value j. Weights
        // are in [0, 1], 0 outside [from, to), and rounded to bfloat16 or 16 bits.
        //
        // Null where attention in float32 is as fast.
        using score_page_fn = void (*)(float const* q, std::size_t ldq, std::size_t rows, kv_page const& page,
                                       std::size_t head_dim, std::size_t from, std::size_t to, float* scores);
        using mix_page_fn = void (*)(float const* weights, std::size_t rows, kv_page const& page,
                                     std::size_t head_dim, std::size_t from, std::size_t to, float* out,
                                     std::size_t ldo);
        score_page_fn score_page[kv_type_count];
        mix_page_fn mix_page[kv_type_count];
    };
}
