// Attention of many query rows to some hundred keys on the matrix unit, in one pass: scores, weights and
// mixes of values of 32 rows stay in the first-level cache.
//
// Online softmax (Milakov and Gimelshein, 2018) in powers of two; sums are rescaled only where a row's
// maximum has grown by more than 2^8, which float32 and bfloat16 hold as well (as FlashAttention 4 does it).
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/kernels/fast_table.hpp>
#include <gemma4/kernels/fast_tile_rows.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Isa, class Tiles>
    class fast_tile_block_attention
    {
        using floats = typename Isa::floats;

    public:
        // See fast_table::attend.
        static void run(activations const& q, std::byte const* keys, std::byte const* values,
                        std::size_t count, std::size_t head_dim, std::size_t const* first,
                        std::size_t const* last, float* max, float* sum, float* out, std::byte* scratch)
        {
            fast_tile_block_attention a(q, keys, values, count, head_dim, scratch);
            a.m_tiles.open();
            for (std::size_t r = 0; r < q.rows; r += 32)
            {
                auto const rows = q.rows - r < 32 ? q.rows - r : 32;
                a.score(r / 32);
                for (std::size_t i = 0; i != rows; ++i)
                {
                    a.weigh(i, first[r + i], last[r + i], max[r + i], sum[r + i], out + (r + i) * head_dim);
                }
                a.mix(rows, out + r * head_dim);
            }
            a.m_tiles.close();
        }

        struct scratch_type
        {
            alignas(64) float scores[32][attended_keys];
            alignas(64) std::byte weights[attended_keys / 32][2][tile_bytes];    // 32 keys, 16 rows
            alignas(64) float edge[4][256];
        };

    private:
        fast_tile_block_attention(activations const& q, std::byte const* keys, std::byte const* values,
                                  std::size_t count, std::size_t head_dim, std::byte* scratch)
            : m_q(q)
            , m_keys(keys)
            , m_values(values)
            , m_count(count)
            , m_head_dim(head_dim)
            , m_padded((count + 31) / 32 * 32)
            , m_layout(tile_rows::of(q.rows, q.ins))
            , m_scratch(*reinterpret_cast<scratch_type*>(scratch))
        {}

        // The scores of a strip of 32 rows with all keys.
        void score(std::size_t strip)
        {
            auto const block_bytes = packed_block_bytes(packed_type::bf16, m_head_dim);
            auto const blocks = (m_count + packed_rows - 1) / packed_rows;
            auto const* const q = static_cast<std::byte const*>(m_q.data) + m_layout.at(0, strip);
            constexpr auto stride = sizeof m_scratch.scores[0];
            for (std::size_t b = 0; b < blocks; b += 2)
            {
                auto const* const left = m_keys + b * block_bytes;
                auto const* const right = b + 1 < blocks ? left + block_bytes : left;
                m_tiles.template zero<0>(), m_tiles.template zero<1>();
                m_tiles.template zero<2>(), m_tiles.template zero<3>();
                products(q, left, right, m_layout.groups);
                auto* const to = &m_scratch.scores[0][packed_rows * b];
                m_tiles.template store_rows<0>(to, stride);
                m_tiles.template store_rows<2>(to + 16 * attended_keys, stride);
                m_tiles.template store_rows<1>(to + packed_rows, stride);
                m_tiles.template store_rows<3>(to + 16 * attended_keys + packed_rows, stride);
            }
        }

        // Row i of the strip, which sees the keys [first, last): its weights as bfloat16; max and sum go on,
        // and what has been summed up so far is rescaled where it must be.
        [[gnu::always_inline]] void weigh(std::size_t i, std::size_t first, std::size_t last, float& max,
                                          float& sum, float* out)
        {
            constexpr auto lanes = Isa::lanes;
            float* const s = m_scratch.scores[i];
            if (first >= last)
            {
                for (std::size_t j = 0; j != m_padded; j += 32)
                {
                    __builtin_memset(m_scratch.weights[j / 32][i / 16] + i % 16 * 64, 0, 64);
                }
                return;
            }
            if (first != 0 || last != m_padded)
            {
                for (std::size_t j = 0; j != first; ++j) { s[j] = -__builtin_inff(); }
                for (auto j = last; j != m_padded; ++j) { s[j] = -__builtin_inff(); }
            }
            auto most = Isa::load_float(s);
            for (std::size_t j = lanes; j != m_padded; j += lanes)
            {
                most = Isa::max(most, Isa::load_float(s + j));
            }
            constexpr float to_power = 1.4426950408889634f / tile_factor;
            auto const here = Isa::largest_of(most) * to_power;
            if (here > max + 8)
            {
                auto const factor = Isa::exp2(Isa::spread(max - here));
                Isa::scale_by(&sum, factor, 1);
                Isa::scale_by(out, factor, m_head_dim);
                max = here;
            }
            auto const minus_max = Isa::spread(-max);
            auto const scale = Isa::spread(to_power);
            auto total = Isa::spread(0.0f);
            for (std::size_t j = 0; j != m_padded; j += 32)
            {
                auto* const line = m_scratch.weights[j / 32][i / 16] + i % 16 * 64;
                for (std::size_t x = 0; x != 32; x += 2 * lanes)
                {
                    auto const a = Isa::exp2_coarse(Isa::fma(Isa::load_float(s + j + x), scale, minus_max));
                    auto const b =
                        Isa::exp2_coarse(Isa::fma(Isa::load_float(s + j + x + lanes), scale, minus_max));
                    total = Isa::add(total, Isa::add(a, b));
                    Isa::store_bf16_line(line + 2 * x, a, b);
                }
            }
            sum += Isa::sum_of(total);
        }

        // out (rows, head_dim) += weights . values
        void mix(std::size_t rows, float* out)
        {
            auto const block_bytes = packed_block_bytes(packed_type::bf16, m_count);
            auto const stride = m_head_dim * sizeof(float);
            for (std::size_t d = 0; d < m_head_dim; d += 2 * packed_rows)
            {
                bool const two = d + packed_rows < m_head_dim;
                auto const* const left = m_values + d / packed_rows * block_bytes;
                auto const* const right = two ? left + block_bytes : left;
                m_tiles.template zero<0>(), m_tiles.template zero<1>();
                m_tiles.template zero<2>(), m_tiles.template zero<3>();
                if (rows == 32)
                {
                    auto* const upper = out + d;
                    auto* const lower = out + 16 * m_head_dim + d;
                    m_tiles.template load_rows<0>(upper, stride);
                    m_tiles.template load_rows<2>(lower, stride);
                    if (two)
                    {
                        m_tiles.template load_rows<1>(upper + packed_rows, stride);
                        m_tiles.template load_rows<3>(lower + packed_rows, stride);
                    }
                    products(m_scratch.weights[0][0], left, right, m_padded / 32);
                    m_tiles.template store_rows<0>(upper, stride);
                    m_tiles.template store_rows<2>(lower, stride);
                    if (two)
                    {
                        m_tiles.template store_rows<1>(upper + packed_rows, stride);
                        m_tiles.template store_rows<3>(lower + packed_rows, stride);
                    }
                    continue;
                }
                products(m_scratch.weights[0][0], left, right, m_padded / 32);
                auto& e = m_scratch.edge;
                m_tiles.template store<0>(e[0]), m_tiles.template store<1>(e[1]);
                m_tiles.template store<2>(e[2]), m_tiles.template store<3>(e[3]);
                for (std::size_t r = 0; r != rows; ++r)
                {
                    for (std::size_t x = 0; x != (two ? 32u : 16u); ++x)
                    {
                        out[r * m_head_dim + d + x] += e[2 * (r / 16) + x / 16][r % 16 * 16 + x % 16];
                    }
                }
            }
        }

        // Tiles 0 to 3 += rows (32; `depth` pairs of tiles) times two blocks of as many tiles.
        [[gnu::always_inline]] void products(std::byte const* rows, std::byte const* left,
                                             std::byte const* right, std::size_t depth)
        {
            for (std::size_t k = 0; k != depth; ++k)
            {
                m_tiles.template load<6>(left + tile_bytes * k);
                m_tiles.template load<4>(rows + 2 * tile_bytes * k);
                m_tiles.template load<7>(right + tile_bytes * k);
                m_tiles.template load<5>(rows + 2 * tile_bytes * k + tile_bytes);
                m_tiles.template dot_bf16<0, 4, 6>();
                m_tiles.template dot_bf16<1, 4, 7>();
                m_tiles.template dot_bf16<2, 5, 6>();
                m_tiles.template dot_bf16<3, 5, 7>();
            }
        }

        activations const& m_q;
        std::byte const* m_keys;
        std::byte const* m_values;
        std::size_t m_count, m_head_dim, m_padded;
        tile_rows m_layout;
        [[no_unique_address]] Tiles m_tiles;
        scratch_type& m_scratch;
    };
}
