// Attention of few query rows to a page of bfloat16 keys and values on the matrix unit. Keys are tiles as
// they lie: 16 keys by 32 of head_dim.
#pragma once

#include <cstddef>
#include <cstdint>

#include <gemma4/kernels/fast_page_attention.hpp>
#include <gemma4/kernels/fast_tile_rows.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Isa, class Tiles>
    struct fast_tile_attention
    {
        // See fast_table::score_page.
        static void score(float const* q, std::size_t ldq, std::size_t rows, kv_page const& page,
                          std::size_t head_dim, std::size_t from, std::size_t to, float* scores)
        {
            Tiles tiles;
            tiles.open();
            for (std::size_t r = 0; r < rows; r += 16)
            {
                score_rows(tiles, q + r * ldq, ldq, rows - r < 16 ? rows - r : 16, page, head_dim, from, to,
                           scores + r * page_positions);
            }
            tiles.close();
        }

        // See fast_table::mix_page.
        static void mix(float const* weights, std::size_t rows, kv_page const& page, std::size_t head_dim,
                        std::size_t from, std::size_t to, float* out, std::size_t ldo)
        {
            Tiles tiles;
            tiles.open();
            for (std::size_t r = 0; r < rows; r += 16)
            {
                mix_rows(tiles, weights + r * page_positions, rows - r < 16 ? rows - r : 16, page, head_dim,
                         from, to, out + r * ldo, ldo);
            }
            tiles.close();
        }

    private:
        static constexpr std::size_t keys_at_once = 64;    // four tiles

        // 32 numbers as bfloat16.
        [[gnu::always_inline]] static void line(float const* x, std::byte* to)
        {
            for (std::size_t i = 0; i != 32; i += Isa::lanes)
            {
                Isa::store_bf16(to + 2 * i, Isa::load_float(x + i));
            }
        }

        static void score_rows(Tiles& tiles, float const* q, std::size_t ldq, std::size_t rows,
                               kv_page const& page, std::size_t head_dim, std::size_t from, std::size_t to,
                               float* scores)
        {
            alignas(64) std::byte queries[widest_head / 32][tile_bytes];    // 16 pairs of head_dim, 16 rows
            for (std::size_t g = 0; g != head_dim / 32; ++g)
            {
                alignas(64) std::byte lines[16][64] = {};
                for (std::size_t r = 0; r != rows; ++r) { line(q + r * ldq + 32 * g, lines[r]); }
                Isa::transpose(lines[0], queries[g]);
            }
            auto const stride = head_dim * sizeof(bf16);
            auto const* const keys = static_cast<std::byte const*>(page.keys);
            auto const* const values = static_cast<std::byte const*>(page.values);
            for (auto j = from / keys_at_once * keys_at_once; j < to; j += keys_at_once)
            {
                auto const* const key = keys + j * stride;
                auto const* const value = values + j * stride;
                bool const has_next = j + keys_at_once < to;
                tiles.template zero<0>(), tiles.template zero<1>();
                tiles.template zero<2>(), tiles.template zero<3>();
                for (std::size_t g = 0; g != head_dim / 32; ++g)
                {
                    // The values of these keys, and the keys after them, which lie in pieces too small for
                    // the processor to see that they are a stream.
                    for (std::size_t i = 0; i != keys_at_once; ++i)
                    {
                        Isa::prefetch_late(value + i * stride + 64 * g);
                        if (has_next) { Isa::prefetch_late(key + (keys_at_once + i) * stride + 64 * g); }
                    }
                    tiles.template load<4>(queries[g]);
                    tiles.template load_rows<5>(key + 64 * g, stride);
                    tiles.template dot_bf16<0, 5, 4>();
                    tiles.template load_rows<6>(key + 16 * stride + 64 * g, stride);
                    tiles.template dot_bf16<1, 6, 4>();
                    tiles.template load_rows<7>(key + 32 * stride + 64 * g, stride);
                    tiles.template dot_bf16<2, 7, 4>();
                    tiles.template load_rows<5>(key + 48 * stride + 64 * g, stride);
                    tiles.template dot_bf16<3, 5, 4>();
                }
                alignas(64) float sums[4][256];    // 16 keys, 16 rows
                tiles.template store<0>(sums[0]), tiles.template store<1>(sums[1]);
                tiles.template store<2>(sums[2]), tiles.template store<3>(sums[3]);
                for (std::size_t t = 0; t != 4; ++t)
                {
                    alignas(64) float of_rows[256];
                    Isa::transpose(sums[t], of_rows);
                    for (std::size_t r = 0; r != rows; ++r)
                    {
                        __builtin_memcpy(scores + r * page_positions + j + 16 * t, of_rows + 16 * r, 64);
                    }
                }
            }
        }

        static void mix_rows(Tiles& tiles, float const* weights, std::size_t rows, kv_page const& page,
                             std::size_t head_dim, std::size_t from, std::size_t to, float* out,
                             std::size_t ldo)
        {
            alignas(64) std::byte w[page_positions / 32][tile_bytes] = {};    // 16 rows, 32 keys
            for (std::size_t k = 0; k != page_positions / 32; ++k)
            {
                for (std::size_t r = 0; r != rows; ++r)
                {
                    line(weights + r * page_positions + 32 * k, w[k] + 64 * r);
                }
            }
            auto const* const values = static_cast<bf16 const*>(page.values);
            static constexpr bf16 nothing[32] = {};
            for (std::size_t d = 0; d != head_dim; d += 32)
            {
                tiles.template zero<0>(), tiles.template zero<1>();
                for (auto k = from / 32; 32 * k < to; ++k)
                {
                    alignas(64) std::byte pairs[2][tile_bytes];    // 16 pairs of keys, 16 of head_dim
                    for (std::size_t i = 0; i != 16; ++i)
                    {
                        auto const value = [&](std::size_t j)
                        { return j >= from && j < to ? values + j * head_dim + d : nothing; };
                        auto const* const a = value(32 * k + 2 * i);
                        auto const* const b = value(32 * k + 2 * i + 1);
                        for (std::size_t x = 0; x != 32; x += Isa::lanes)
                        {
                            Isa::store_bf16(pairs[x / 16] + 64 * i + 4 * (x % 16), Isa::load_bf16(a + x),
                                            Isa::load_bf16(b + x));
                        }
                    }
                    tiles.template load<4>(w[k]);
                    tiles.template load<5>(pairs[0]);
                    tiles.template load<6>(pairs[1]);
                    tiles.template dot_bf16<0, 4, 5>();
                    tiles.template dot_bf16<1, 4, 6>();
                }
                alignas(64) float sums[2][256];
                tiles.template store<0>(sums[0]), tiles.template store<1>(sums[1]);
                for (std::size_t r = 0; r != rows; ++r)
                {
                    __builtin_memcpy(out + r * ldo + d, sums[0] + 16 * r, 64);
                    __builtin_memcpy(out + r * ldo + d + 16, sums[1] + 16 * r, 64);
                }
            }
        }
    };
}
