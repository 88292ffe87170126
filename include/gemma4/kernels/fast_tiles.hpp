// Products of many rows on the matrix unit: weights become tiles of bfloat16 while the unit multiplies the
// ones before; sums stay in the second-level cache.
//
// Activations of kind `tiles`: bfloat16 as [512 of k][32 rows][32 of k][16 rows] tiles of (16, 32), padded
// with zeros, so that the unit walks them in a straight line.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <gemma4/kernels/fast_formats.hpp>
#include <gemma4/kernels/fast_instantiate.hpp>
#include <gemma4/kernels/fast_tile_attention.hpp>
#include <gemma4/simd/arch/tiles.hpp>

namespace gemma4::inline v0::kernels
{
    // Groups of a panel of k: weights and sums share the first-level cache.
    inline constexpr std::size_t tile_depth = 16;

    struct tile_rows
    {
        std::size_t groups;
        std::size_t strips;    // of 32 rows

        [[gnu::always_inline]] static tile_rows of(std::size_t rows, std::size_t ins)
        {
            return {(ins + 31) / 32, (rows + 31) / 32};
        }

        // Byte offset of the first tile of a strip for groups [16 * panel, ...).
        [[gnu::always_inline]] std::size_t at(std::size_t panel, std::size_t strip) const
        {
            auto const left = groups - tile_depth * panel;
            auto const depth = left < tile_depth ? left : tile_depth;
            return 2 * tile_bytes * (panel * tile_depth * strips + strip * depth);
        }
    };

    template <class Isa>
    struct fast_tile_rows
    {
        static std::size_t bytes(std::size_t rows, std::size_t ins)
        {
            auto const t = tile_rows::of(rows, ins);
            return 2 * tile_bytes * t.groups * t.strips;
        }

        static void run(float const* x, std::size_t ldx, std::size_t first, std::size_t count,
                        activations const& to)
        {
            auto const t = tile_rows::of(to.rows, to.ins);
            for (auto r = first; r != first + count; ++r) { row(x + r * ldx, to.ins, r, t, to); }
            if (first + count == to.rows)
            {
                for (auto r = to.rows; r != 32 * t.strips; ++r) { row(nullptr, 0, r, t, to); }
            }
        }

    private:
        // The first `ins` values of row r; zeros behind them.
        static void row(float const* x, std::size_t ins, std::size_t r, tile_rows const& t,
                        activations const& to)
        {
            for (std::size_t g = 0; g != t.groups; ++g)
            {
                auto* const out = static_cast<std::byte*>(to.data) + t.at(g / tile_depth, r / 32)
                                  + (2 * (g % tile_depth) + r % 32 / 16) * tile_bytes + r % 16 * 64;
                std::uint16_t values[32] = {};
                auto const left = 32 * g < ins ? ins - 32 * g : 0;
                auto const some = left < 32 ? left : 32;
                for (std::size_t i = 0; i != some; ++i) { values[i] = bfloat16_of(x[32 * g + i]); }
                __builtin_memcpy(out, values, sizeof values);
            }
        }
    };

    // Group g of a block as a tile: line i holds the pairs of k (2 i, 2 i + 1) of 16 rows.
    template <class Isa, class Format>
    struct fast_tile
    {
        static constexpr auto type = Format::type;

        [[gnu::always_inline]] static void unpack(std::byte const* block, std::size_t g, std::byte* tile)
        {
            for (std::size_t p = 0; p != packed_rows / Isa::lanes; ++p)
            {
                auto const w = Format::load(block, g, p);
                auto* const out = tile + 4 * Isa::lanes * p;
                fast_each(
                    std::make_index_sequence<8>{}, [&](auto i) __attribute__((always_inline)) {
                        auto const of = Format::line(w, i / 4);
                        constexpr auto at = 64 * (4 * (i / 2) + i % 2);
                        Isa::store_bf16(out + at, code<0>(w.w[i], of), code<2>(w.w[i], of));
                        Isa::store_bf16(out + at + 128, code<1>(w.w[i], of), code<3>(w.w[i], of));
                    });
            }
        }

    private:
        template <int Byte>
        [[gnu::always_inline]] static typename Isa::floats code(typename Isa::bytes w,
                                                                fast_line<Isa> const& of)
        {
            return Isa::fma(Isa::template byte<Byte>(w), of.scale, of.offset);
        }
    };

    template <class Isa, packed_type Type>
    struct fast_plain_tile
    {
        static constexpr auto type = Type;

        [[gnu::always_inline]] static void unpack(std::byte const* block, std::size_t g, std::byte* tile)
        {
            for (std::size_t i = 0; i != 16; ++i)
            {
                for (std::size_t p = 0; p != packed_rows / Isa::lanes; ++p)
                {
                    auto const pair = fast_pair<Isa, Type>::load(block, 16 * g + i, p);
                    Isa::store_bf16(tile + 64 * i + 4 * Isa::lanes * p, pair.first, pair.second);
                }
            }
        }
    };

    template <class Isa, class Tiles, class Source>
    class fast_tile_matmul
    {
    public:
        static void run(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                        std::size_t outs, float* y, std::size_t ldy)
        {
            if (count == 0) { return; }
            fast_tile_matmul m(x, block, outs);
            m.m_tiles.open();
            auto const last = first + count;
            for (auto r = first / 32 * 32; r < last; r += 32 * most_strips)
            {
                auto const end = r + 32 * most_strips < last ? r + 32 * most_strips : last;
                auto const from = r < first ? first : r;
                m.rows_of(r / 32, (end + 31) / 32, from, end, y + (from - first) * ldy, ldy);
            }
            m.m_tiles.close();
        }

    private:
        // Strips whose sums of two pairs of blocks fill half of `sums`.
        static constexpr std::size_t most_strips = 16;
        static constexpr std::size_t most_sums = 64;    // of a strip and a pair of blocks: 256 KiB
        static constexpr bool in_place = Source::type == packed_type::bf16;

        fast_tile_matmul(activations const& x, std::byte const* block, std::size_t outs)
            : m_x(static_cast<std::byte const*>(x.data))
            , m_layout(tile_rows::of(x.rows, x.ins))
            , m_block(block)
            , m_block_bytes(packed_block_bytes(Source::type, x.ins))
            , m_blocks((outs + packed_rows - 1) / packed_rows)
            , m_outs(outs)
        {}

        // A panel: a pair of blocks and up to 512 of k.
        struct panel
        {
            std::size_t pair;     // which, from m_first_pair
            std::size_t depth;    // which 16 groups
        };

        // Strips [strip, strip_end); rows [first, last) of them go to y.
        void rows_of(std::size_t strip, std::size_t strip_end, std::size_t first, std::size_t last, float* y,
                     std::size_t ldy)
        {
            auto const strips = strip_end - strip;
            auto const pairs = (m_blocks + 1) / 2;
            auto const together = most_sums / strips < pairs ? most_sums / strips : pairs;
            auto const depths = (m_layout.groups + tile_depth - 1) / tile_depth;
            for (std::size_t p = 0; p < pairs; p += together)
            {
                m_first_pair = p;
                auto const count = pairs - p < together ? pairs - p : together;
                unpack({0, 0}, m_panel[0], 0, 2 * tile_depth);
                auto const panel_at = [&](std::size_t i) { return panel{i % count, i / count}; };
                for (std::size_t i = 0; i != depths * count; ++i)
                {
                    auto const left = depths * count - i - 1;
                    multiply(panel_at(i), panel_at(i + 1), left > 0, i % 2, strip, strips, last);
                }
                for (auto r = first; r != last; ++r)
                {
                    for (std::size_t q = 0; q != count; ++q)
                    {
                        store(q, r - 32 * strip, strips, y + (r - first) * ldy);
                    }
                }
            }
        }

        std::size_t depth_of(panel const& p) const
        {
            auto const left = m_layout.groups - tile_depth * p.depth;
            return left < tile_depth ? left : tile_depth;
        }

        std::byte const* block_of(panel const& p, std::size_t side) const
        {
            // A last block without a partner is its own: its second half is not stored.
            auto const b = 2 * (m_first_pair + p.pair) + side;
            return m_block + (b < m_blocks ? b : b - 1) * m_block_bytes;
        }

        // Tiles [from, to) of a panel, in the order they are used: group, then side.
        [[gnu::always_inline]] void unpack(panel const& p, std::byte* out, std::size_t from, std::size_t to)
        {
            if constexpr (!in_place)
            {
                auto const end = 2 * depth_of(p) < to ? 2 * depth_of(p) : to;
                for (auto i = from; i < end; ++i)
                {
                    if constexpr (Isa::prefetches) { prefetch(p, i); }
                    Source::unpack(block_of(p, i % 2), tile_depth * p.depth + i / 2, out + tile_bytes * i);
                }
            }
        }

        // The codes that the panel after this one needs at the same time.
        [[gnu::always_inline]] void prefetch(panel const& p, std::size_t i)
        {
            constexpr auto line = std::size_t(64);
            constexpr auto bytes =
                packed_group_at(Source::type, 2).codes - packed_group_at(Source::type, 0).codes;
            panel after = p;
            if (2 * (m_first_pair + p.pair + 1) < m_blocks) { ++after.pair; }
            else { ++after.depth; }
            auto const* const codes = block_of(after, i % 2)
                                      + packed_group_at(Source::type, tile_depth * after.depth + i / 2).codes;
            for (std::size_t at = 0; at < bytes / 2; at += line) { Isa::prefetch(codes + at); }
        }

        float* sums_of(std::size_t pair, std::size_t strip, std::size_t strips)
        {
            return m_sums + (pair * strips + strip) * tile_bytes;
        }

        void multiply(panel const& now, panel const& next, bool has_next, std::size_t slot, std::size_t strip,
                      std::size_t strips, std::size_t last)
        {
            auto const depth = depth_of(now);
            auto const steps = strips * depth;
            auto const work = has_next ? 2 * depth_of(next) : 0;
            std::byte const* const left =
                in_place ? block_of(now, 0) + tile_bytes * tile_depth * now.depth : m_panel[slot];
            std::byte const* const right = in_place ? block_of(now, 1) + tile_bytes * tile_depth * now.depth
                                                    : m_panel[slot] + tile_bytes;
            constexpr std::size_t stride = in_place ? tile_bytes : 2 * tile_bytes;
            std::size_t done = 0;
            for (std::size_t s = 0; s != strips; ++s)
            {
                auto* const sums = reinterpret_cast<std::byte*>(sums_of(now.pair, s, strips));
                auto const* a = m_x + m_layout.at(now.depth, strip + s);
                bool const both = 32 * (strip + s) + 16 < last;
                if (now.depth == 0)
                {
                    m_tiles.template zero<0>(), m_tiles.template zero<1>();
                    if (both) { m_tiles.template zero<2>(), m_tiles.template zero<3>(); }
                }
                else
                {
                    m_tiles.template load<0>(sums), m_tiles.template load<1>(sums + tile_bytes);
                    if (both)
                    {
                        m_tiles.template load<2>(sums + 2 * tile_bytes),
                            m_tiles.template load<3>(sums + 3 * tile_bytes);
                    }
                }
                for (std::size_t k = 0; k != depth; ++k, a += 2 * tile_bytes)
                {
                    if constexpr (in_place && Isa::prefetches)
                    {
                        // The first strip brings the weights from memory.
                        for (std::size_t at = 0; s == 0 && at != tile_bytes; at += 64)
                        {
                            Isa::prefetch(left + stride * k + 2 * tile_bytes + at);
                            Isa::prefetch(right + stride * k + 2 * tile_bytes + at);
                        }
                    }
                    m_tiles.template load<6>(left + stride * k);
                    m_tiles.template stream<4>(a);
                    m_tiles.template load<7>(right + stride * k);
                    m_tiles.template dot_bf16<0, 4, 6>();
                    m_tiles.template dot_bf16<1, 4, 7>();
                    if (both)
                    {
                        m_tiles.template stream<5>(a + tile_bytes);
                        m_tiles.template dot_bf16<2, 5, 6>();
                        m_tiles.template dot_bf16<3, 5, 7>();
                    }
                    // Spread evenly over the steps.
                    auto const goal = (work * (s * depth + k + 1) + steps - 1) / steps;
                    if (goal > done)
                    {
                        unpack(next, m_panel[1 - slot], done, goal);
                        done = goal;
                    }
                }
                m_tiles.template store<0>(sums), m_tiles.template store<1>(sums + tile_bytes);
                if (both)
                {
                    m_tiles.template store<2>(sums + 2 * tile_bytes),
                        m_tiles.template store<3>(sums + 3 * tile_bytes);
                }
            }
        }

        // Row r of the strips, both blocks of a pair.
        void store(std::size_t pair, std::size_t r, std::size_t strips, float* y)
        {
            auto const* const from = sums_of(pair, r / 32, strips) + r % 32 / 16 * 512 + r % 16 * 16;
            for (std::size_t side = 0; side != 2; ++side)
            {
                auto const n = (2 * (m_first_pair + pair) + side) * packed_rows;
                if (n >= m_outs) { return; }
                typename Isa::floats sum[packed_rows / Isa::lanes];
                fast_load<Isa>(sum, from + 256 * side, packed_rows);
                fast_store<Isa>(sum, y + n, m_outs - n);
            }
        }

        std::byte const* m_x;
        tile_rows m_layout;
        std::byte const* m_block;
        std::size_t m_block_bytes, m_blocks, m_outs;
        std::size_t m_first_pair = 0;
        [[no_unique_address]] Tiles m_tiles;
        alignas(64) std::byte m_panel[2][in_place ? 64 : 2 * tile_depth * tile_bytes];
        alignas(64) float m_sums[most_sums * tile_bytes];
    };

    // Few rows as the instruction set has them, many on the matrix unit.
    template <class Isa, class Tiles>
    struct fast_tile_choice
    {
        static constexpr fast_table few = make_fast_table<Isa>();

        static activation_kind wants(packed_type type, std::size_t rows)
        {
            return rows > 8 ? activation_kind::tiles : few.wants(type, rows);
        }

        static std::size_t bytes(activation_kind kind, std::size_t rows, std::size_t ins)
        {
            return kind == activation_kind::tiles ? fast_tile_rows<Isa>::bytes(rows, ins)
                                                  : few.activation_bytes(kind, rows, ins);
        }

        static void quantise(float const* x, std::size_t ldx, std::size_t first, std::size_t count,
                             activations const& to)
        {
            if (to.kind == activation_kind::tiles) { fast_tile_rows<Isa>::run(x, ldx, first, count, to); }
            else { few.quantise(x, ldx, first, count, to); }
        }

        template <class Source>
        static void matmul(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                           std::size_t outs, float* y, std::size_t ldy)
        {
            if (x.kind == activation_kind::tiles)
            {
                fast_tile_matmul<Isa, Tiles, Source>::run(x, first, count, block, outs, y, ldy);
            }
            else { few.matmul[std::size_t(Source::type)](x, first, count, block, outs, y, ldy); }
        }
    };

    template <class Isa, class Tiles>
    constexpr fast_table make_fast_tile_table(char const* name)
    {
        using choice = fast_tile_choice<Isa, Tiles>;
        fast_table made{
            .name = name,
            .wants = choice::wants,
            .activation_bytes = choice::bytes,
            .quantise = choice::quantise,
            .matmul = {choice::template matmul<fast_tile<Isa, fast_centred<Isa, 4>>>,
                       choice::template matmul<fast_tile<Isa, fast_scaled<Isa, 4>>>,
                       choice::template matmul<fast_tile<Isa, fast_super<Isa, 4>>>,
                       choice::template matmul<fast_tile<Isa, fast_q6<Isa>>>,
                       choice::template matmul<fast_tile<Isa, fast_q8<Isa>>>,
                       choice::template matmul<fast_tile<Isa, fast_q8g<Isa>>>,
                       choice::template matmul<fast_plain_tile<Isa, packed_type::bf16>>,
                       choice::template matmul<fast_plain_tile<Isa, packed_type::f16>>,
                       choice::template matmul<fast_tile<Isa, fast_centred<Isa, 5>>>,
                       choice::template matmul<fast_tile<Isa, fast_scaled<Isa, 5>>>,
                       choice::template matmul<fast_tile<Isa, fast_super<Isa, 5>>>},
            .pack_keys = {},
            .pack_values = {},
            .score_page = {},
            .mix_page = {},
        };
        add_attention<Isa>(made);
        add_page_attention<Isa>(made);
        made.score_page[std::size_t(kv_type::bf16)] = fast_tile_attention<Isa, Tiles>::score;
        made.mix_page[std::size_t(kv_type::bf16)] = fast_tile_attention<Isa, Tiles>::mix;
        return made;
    }
}
