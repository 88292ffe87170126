// Attention of few query rows to a page of keys and values, in place: products of bfloat16 pairs, or of int8
// codes with queries and weights of 15 and 16 bits.
//
// Each key is read once for up to eight rows. While keys are read, values are asked for: they are then read
// by columns, which no prefetcher of a processor follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <gemma4/kernels/fast_activations.hpp>

namespace gemma4::inline v0::kernels
{
    inline constexpr std::size_t widest_head = 512;
    static_assert(fits_page_attention(widest_head) && !fits_page_attention(widest_head + 64));

    template <class Isa>
    struct fast_page_attention
    {
        using floats = typename Isa::floats;
        using bytes = typename Isa::bytes;
        static_assert(Isa::lanes == 16);

        // See fast_table::score_page.
        template <class Element>
        static void score(float const* q, std::size_t ldq, std::size_t rows, kv_page const& page,
                          std::size_t head_dim, std::size_t from, std::size_t to, float* scores)
        {
            constexpr std::size_t most = sizeof(Element) == 1 ? 4 : 8;
            tiles<most>(0, rows,
                        [&](auto count, std::size_t r)
                        {
                            queries<Element, count> const prepared(q + r * ldq, ldq, head_dim);
                            score_rows<count>(prepared, page, head_dim, from, to,
                                              scores + r * page_positions);
                        });
        }

        // See fast_table::mix_page.
        template <class Element>
        static void mix(float const* weights, std::size_t rows, kv_page const& page, std::size_t head_dim,
                        std::size_t from, std::size_t to, float* out, std::size_t ldo)
        {
            tiles<8>(0, rows,
                     [&](auto count, std::size_t r)
                     {
                         mix_rows<count>(static_cast<Element const*>(page.values), page.value_scales,
                                         weights + r * page_positions, head_dim, from, to, out + r * ldo,
                                         ldo);
                     });
        }

    private:
        static constexpr std::size_t keys_ahead = 16;

        // f(a constant number of rows, the first of them): as many at once as there are, up to Most.
        template <std::size_t Most, class F>
        [[gnu::always_inline]] static void tiles(std::size_t r, std::size_t rows, F const& f)
        {
            for (; r + Most <= rows; r += Most) { f(std::integral_constant<std::size_t, Most>{}, r); }
            if constexpr (Most > 1) { tiles<Most / 2>(r, rows, f); }
        }

        template <class Element, std::size_t Rows>
        struct queries;

        template <std::size_t Rows>
        struct queries<bf16, Rows>
        {
            alignas(64) std::uint16_t x[Rows][widest_head];

            queries(float const* q, std::size_t ldq, std::size_t head_dim)
            {
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    for (std::size_t d = 0; d != head_dim; d += 16)
                    {
                        Isa::store_bf16(x[r] + d, Isa::load_float(q + r * ldq + d));
                    }
                }
            }
        };

        // q = scale * (128 * high + low)
        template <std::size_t Rows>
        struct queries<std::int8_t, Rows>
        {
            alignas(64) std::int8_t high[Rows][widest_head];
            alignas(64) std::int8_t low[Rows][widest_head];
            float scale[Rows];
            std::int32_t sum[Rows];    // of the codes

            queries(float const* q, std::size_t ldq, std::size_t head_dim)
            {
                constexpr float most_code = 127 * 128;
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    auto const* const x = q + r * ldq;
                    float most = 0;
                    for (std::size_t d = 0; d != head_dim; d += 32)
                    {
                        auto const here = Isa::largest(x + d);
                        most = most > here || most != most ? most : here;
                    }
                    sum[r] = 0;
                    if (!(most < __builtin_inff()))    // codes cannot say so
                    {
                        scale[r] = __builtin_nanf("");
                        __builtin_memset(high[r], 0, sizeof high[r]);
                        __builtin_memset(low[r], 0, sizeof low[r]);
                        continue;
                    }
                    scale[r] = most / most_code;
                    auto const factor = most > 0 ? most_code / most : 0.0f;
                    for (std::size_t d = 0; d != head_dim; ++d)
                    {
                        auto const code = plain_codes::rounded(x[d] * factor);
                        high[r][d] = plain_codes::high_of(code);
                        low[r][d] = plain_codes::low_of(code);
                        sum[r] += code;
                    }
                }
            }
        };

        // Sixteen products at a time, of Rows rows with 16 / Rows keys, so that one tree adds up their lanes.
        template <std::size_t Rows, class Product>
        [[gnu::always_inline]] static void score_tiles(std::size_t from, std::size_t to, float* scores,
                                                       Product const& product)
        {
            constexpr std::size_t keys = 16 / Rows;
            for (auto j = from / keys * keys; j < to; j += keys)
            {
                floats lanes[16];
                product(j, lanes);
                alignas(64) float sums[16];
                Isa::store(sums, Isa::sums(lanes));
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    __builtin_memcpy(scores + r * page_positions + j, sums + r * keys, 4 * keys);
                }
            }
        }

        template <std::size_t Rows>
        static void score_rows(queries<bf16, Rows> const& q, kv_page const& page, std::size_t head_dim,
                               std::size_t from, std::size_t to, float* scores)
        {
            constexpr std::size_t count = 16 / Rows;
            auto const* const keys = static_cast<bf16 const*>(page.keys);
            auto const to_values = static_cast<bf16 const*>(page.values) - keys;
            score_tiles<Rows>(
                from, to, scores, [&](std::size_t j, floats(&lanes)[16]) __attribute__((always_inline)) {
                    for (auto& l : lanes) { l = Isa::spread(0.0f); }
                    auto const* const key = keys + j * head_dim;
                    for (std::size_t d = 0; d != head_dim; d += 32)
                    {
                        bytes k[count];
                        for (std::size_t i = 0; i != count; ++i)
                        {
                            k[i] = Isa::load(key + i * head_dim + d);
                            Isa::prefetch_late(key + (i + keys_ahead) * head_dim + d);
                            Isa::prefetch_late(key + to_values + i * head_dim + d);
                        }
                        for (std::size_t r = 0; r != Rows; ++r)
                        {
                            auto const x = Isa::load(q.x[r] + d);
                            for (std::size_t i = 0; i != count; ++i)
                            {
                                lanes[r * count + i] = Isa::dot_bf16(lanes[r * count + i], k[i], x);
                            }
                        }
                    }
                });
        }

        template <std::size_t Rows>
        static void score_rows(queries<std::int8_t, Rows> const& q, kv_page const& page, std::size_t head_dim,
                               std::size_t from, std::size_t to, float* scores)
        {
            constexpr std::size_t count = 16 / Rows;
            auto const* const keys = static_cast<std::int8_t const*>(page.keys);
            auto const to_values = static_cast<std::int8_t const*>(page.values) - keys;
            score_tiles<Rows>(
                from, to, scores, [&](std::size_t j, floats(&lanes)[16]) __attribute__((always_inline)) {
                    for (std::size_t first = 0; first != count; first += count / 2)
                    {
                        auto const* const key = keys + (j + first) * head_dim;
                        typename Isa::ints high[Rows][count / 2], low[Rows][count / 2];
                        for (std::size_t r = 0; r != Rows; ++r)
                        {
                            for (std::size_t i = 0; i != count / 2; ++i)
                            {
                                high[r][i] = Isa::spread(0);
                                low[r][i] = Isa::spread(-8 * q.sum[r]);    // 16 lanes: -128 * sum
                            }
                        }
                        for (std::size_t d = 0; d != head_dim; d += 64)
                        {
                            bytes k[count / 2];
                            for (std::size_t i = 0; i != count / 2; ++i)
                            {
                                k[i] = Isa::load(key + i * head_dim + d) ^ 0x80808080u;
                                Isa::prefetch_late(key + (i + keys_ahead) * head_dim + d);
                                Isa::prefetch_late(key + to_values + i * head_dim + d);
                            }
                            for (std::size_t r = 0; r != Rows; ++r)
                            {
                                auto const a = Isa::load(q.high[r] + d);
                                auto const b = Isa::load(q.low[r] + d);
                                for (std::size_t i = 0; i != count / 2; ++i)
                                {
                                    high[r][i] = Isa::dot_wide(high[r][i], k[i], a);
                                    low[r][i] = Isa::dot_wide(low[r][i], k[i], b);
                                }
                            }
                        }
                        for (std::size_t r = 0; r != Rows; ++r)
                        {
                            for (std::size_t i = 0; i != count / 2; ++i)
                            {
                                auto const sum = Isa::add(Isa::template shift_left<7>(high[r][i]), low[r][i]);
                                lanes[r * count + first + i] = Isa::to_floats(sum);
                            }
                        }
                    }
                });
            for (std::size_t r = 0; r != Rows; ++r)
            {
                float* const s = scores + r * page_positions;
                for (auto j = from; j != to; ++j) { s[j] *= q.scale[r] * page.key_scales[j]; }
            }
        }

        // Two columns of 32 at a time where two alone would wait for their sums.
        template <std::size_t Rows>
        static void mix_rows(bf16 const* values, float const*, float const* weights, std::size_t head_dim,
                             std::size_t from, std::size_t to, float* out, std::size_t ldo)
        {
            constexpr std::size_t wide = Rows >= 4 ? 1 : 2;
            alignas(64) std::uint16_t w[Rows][page_positions];
            for (std::size_t r = 0; r != Rows; ++r)
            {
                for (std::size_t j = from / 16 * 16; j < to; j += 16)
                {
                    Isa::store_bf16(w[r] + j, Isa::load_float(weights + r * page_positions + j));
                }
            }
            static constexpr bf16 nothing[32 * wide] = {};
            for (std::size_t d = 0; d != head_dim; d += 32 * wide)
            {
                floats sum[Rows][2 * wide];
                for (auto& row : sum)
                {
                    for (auto& s : row) { s = Isa::spread(0.0f); }
                }
                for (auto j = from / 2 * 2; j < to; j += 2)
                {
                    auto const* const a = j >= from ? values + j * head_dim + d : nothing;
                    auto const* const b = j + 1 < to ? values + (j + 1) * head_dim + d : nothing;
                    bytes pairs[2 * wide];
                    for (std::size_t c = 0; c != wide; ++c)
                    {
                        auto const first = Isa::load(a + 32 * c), second = Isa::load(b + 32 * c);
                        pairs[2 * c] = Isa::zip_first(first, second);
                        pairs[2 * c + 1] = Isa::zip_last(first, second);
                    }
                    for (std::size_t r = 0; r != Rows; ++r)
                    {
                        auto const both = Isa::spread_dword(w[r] + j);
                        for (std::size_t c = 0; c != 2 * wide; ++c)
                        {
                            sum[r][c] = Isa::dot_bf16(sum[r][c], pairs[c], both);
                        }
                    }
                }
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    for (std::size_t c = 0; c != 2 * wide; ++c)
                    {
                        Isa::store(out + r * ldo + d + 16 * c, sum[r][c]);
                    }
                }
            }
        }

        // A weight times its value's scale is factor * (256 * high + low). 64 columns of all values are put
        // into lines of four keys first, which all rows then share.
        template <std::size_t Rows>
        static void mix_rows(std::int8_t const* values, float const* scales, float const* weights,
                             std::size_t head_dim, std::size_t from, std::size_t to, float* out,
                             std::size_t ldo)
        {
            constexpr std::size_t at_once = Rows >= 2 ? 2 : 1;    // rows
            alignas(64) std::uint8_t high[Rows][page_positions], low[Rows][page_positions];
            float factor[Rows];
            auto const begin = from / 4 * 4;
            auto const end = (to + 3) / 4 * 4;
            for (std::size_t r = 0; r != Rows; ++r)
            {
                float scaled[page_positions] = {};
                std::uint32_t magnitude = 0;    // of their bits: of what is not finite it is the largest
                for (auto j = from; j != to; ++j)
                {
                    scaled[j] = weights[r * page_positions + j] * scales[j];
                    auto const bits = __builtin_bit_cast(std::uint32_t, scaled[j]) & 0x7fffffffu;
                    magnitude = bits > magnitude ? bits : magnitude;
                }
                auto const most = __builtin_bit_cast(float, magnitude);
                if (!(most < __builtin_inff()))    // codes cannot say so
                {
                    factor[r] = __builtin_nanf("");
                    __builtin_memset(high[r], 0, sizeof high[r]);
                    __builtin_memset(low[r], 0, sizeof low[r]);
                    continue;
                }
                constexpr float most_code = 65535;
                factor[r] = most / most_code;
                auto const inverse = most > 0 ? most_code / most : 0.0f;
                for (auto j = begin; j != end; ++j)
                {
                    auto const code = std::int32_t(scaled[j] * inverse + 0.5f);
                    high[r][j] = std::uint8_t(code >> 8);
                    low[r][j] = std::uint8_t(code);
                }
            }
            alignas(64) std::byte lines[page_positions][64];
            static constexpr std::int8_t nothing[64] = {};
            for (std::size_t d = 0; d != head_dim; d += 64)
            {
                for (auto j = begin; j != end; j += 4)
                {
                    bytes four[4], zipped[4];
                    for (std::size_t i = 0; i != 4; ++i)
                    {
                        bool const seen = j + i >= from && j + i < to;
                        four[i] = Isa::load(seen ? values + (j + i) * head_dim + d : nothing);
                    }
                    Isa::zip(four, zipped);
                    for (std::size_t i = 0; i != 4; ++i) { Isa::store_bytes(lines[j + i], zipped[i]); }
                }
                for (std::size_t r = 0; r != Rows; r += at_once)
                {
                    typename Isa::ints upper[at_once][4], lower[at_once][4];
                    for (std::size_t i = 0; i != at_once; ++i)
                    {
                        for (std::size_t c = 0; c != 4; ++c) { upper[i][c] = lower[i][c] = Isa::spread(0); }
                    }
                    for (auto j = begin; j != end; j += 4)
                    {
                        for (std::size_t c = 0; c != 4; ++c)
                        {
                            auto const v = Isa::load(lines[j + c]);
                            for (std::size_t i = 0; i != at_once; ++i)
                            {
                                upper[i][c] =
                                    Isa::dot_wide(upper[i][c], Isa::spread_dword(high[r + i] + j), v);
                                lower[i][c] =
                                    Isa::dot_wide(lower[i][c], Isa::spread_dword(low[r + i] + j), v);
                            }
                        }
                    }
                    for (std::size_t i = 0; i != at_once; ++i)
                    {
                        floats sum[4];
                        for (std::size_t c = 0; c != 4; ++c)
                        {
                            auto const both = Isa::add(Isa::template shift_left<8>(upper[i][c]), lower[i][c]);
                            sum[c] = Isa::multiply(Isa::to_floats(both), Isa::spread(factor[r + i]));
                        }
                        Isa::in_order(sum);
                        for (std::size_t c = 0; c != 4; ++c)
                        {
                            Isa::store(out + (r + i) * ldo + d + 16 * c, sum[c]);
                        }
                    }
                }
            }
        }
    };
}
