// Products of the integer formats. Few rows: sums in registers, weights at the speed of memory from two places at once. Many:
// a group of two blocks in registers, sums of some rows in the first-level cache.
#pragma once

#include <cstddef>

#include <gemma4/kernels/fast_formats.hpp>

namespace gemma4::inline v0::kernels
{
    // Rows [0, count) of 16 sums each, as far as the matrix has outputs.
    template <class Isa>
    [[gnu::always_inline]] inline void fast_store(typename Isa::floats const* sums, float* y, std::size_t outs)
    {
        constexpr auto parts = packed_rows / Isa::lanes;
        if (outs >= packed_rows)
        {
            for (std::size_t p = 0; p != parts; ++p) { Isa::store(y + Isa::lanes * p, sums[p]); }
            return;
        }
        float all[packed_rows];
        for (std::size_t p = 0; p != parts; ++p) { Isa::store(all + Isa::lanes * p, sums[p]); }
        for (std::size_t n = 0; n != outs; ++n) { y[n] = all[n]; }
    }

    template <class Isa, class Format>
    struct fast_matmul
    {
        using floats = typename Isa::floats;
        static constexpr auto parts = packed_rows / Isa::lanes;
        static constexpr std::size_t few = 4;             // rows whose sums stay in registers
        static constexpr std::size_t panel_rows = 64;     // rows whose sums stay in the first-level cache
        static constexpr std::size_t ahead = 768;         // bytes of prefetch in each stream

        static void run(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                        std::size_t outs, float* y, std::size_t ldy)
        {
            if (x.kind == activation_kind::int16)
            {
                rows_of(static_cast<int16_group const*>(x.data), x, first, count, block, outs, y, ldy);
            }
            else { rows_of(static_cast<int8_group const*>(x.data), x, first, count, block, outs, y, ldy); }
        }

    private:
        template <class Group>
        static void rows_of(Group const* a, activations const& x, std::size_t first, std::size_t count,
                            std::byte const* block, std::size_t outs, float* y, std::size_t ldy)
        {
            auto const* const from = a + first;
            switch (count)
            {
            case 0: return;
            case 1: return decode<Group, 1>(from, x, block, outs, y, ldy);
            case 2: return decode<Group, 2>(from, x, block, outs, y, ldy);
            case 3: return decode<Group, 3>(from, x, block, outs, y, ldy);
            case 4: return decode<Group, 4>(from, x, block, outs, y, ldy);
            default: break;
            }
            for (std::size_t r = 0; r < count; r += panel_rows)
            {
                auto const rows = count - r < panel_rows ? count - r : panel_rows;
                panel(from + r, rows, x, block, outs, y + r * ldy, ldy);
            }
        }

        // Blocks [0, half) and [half, ...) in step.
        template <class Group, std::size_t Rows>
        static void decode(Group const* a, activations const& x, std::byte const* block, std::size_t outs, float* y,
                           std::size_t ldy)
        {
            auto const bytes = packed_block_bytes(Format::type, x.ins);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            auto const half = (blocks + 1) / 2;
            for (std::size_t b = 0; b != half; ++b)
            {
                auto const* const here = block + b * bytes;
                auto* const to = y + b * packed_rows;
                auto const left = outs - b * packed_rows;
                if (b + half < blocks)
                {
                    decode_blocks<Group, Rows, 2>(a, x, here, half * bytes, to, ldy, left, half * packed_rows);
                }
                else { decode_blocks<Group, Rows, 1>(a, x, here, 0, to, ldy, left, 0); }
            }
        }

        template <class Group, std::size_t Rows, std::size_t Streams>
        [[gnu::always_inline]] static void decode_blocks(Group const* a, activations const& x, std::byte const* block,
                                                         std::size_t stride, float* y, std::size_t ldy,
                                                         std::size_t outs, std::size_t out_stride)
        {
            auto const groups = packed_groups(Format::type, x.ins);
            floats sums[Streams][Rows][parts];
            for (auto& stream : sums)
            {
                for (auto& row : stream)
                {
                    for (auto& part : row) { part = Isa::spread(0.0f); }
                }
            }
            for (std::size_t g = 0; g != groups; ++g)
            {
                auto const* const group = a + g * x.rows;
                for (std::size_t s = 0; s != Streams; ++s)
                {
                    auto const* const here = block + s * stride;
                    prefetch(here, g);
                    for (std::size_t p = 0; p != parts; ++p)
                    {
                        auto const w = Format::load(here, g, p);
                        for (std::size_t r = 0; r != Rows; ++r)
                        {
                            sums[s][r][p] = Format::product(sums[s][r][p], w, group[r]);
                        }
                    }
                }
            }
            for (std::size_t s = 0; s != Streams; ++s)
            {
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    fast_store<Isa>(sums[s][r], y + r * ldy + s * out_stride, outs - s * out_stride);
                }
            }
        }

        // What a group takes of the block, `ahead` bytes later.
        [[gnu::always_inline]] static void prefetch(std::byte const* block, std::size_t g)
        {
            constexpr auto at = [](std::size_t group) { return packed_group_at(Format::type, group).codes; };
            constexpr auto two = at(4) - at(2);    // bytes of two groups
            auto const* const next = block + at(g) + ahead;
            for (std::size_t line = 0; line < two / 2; line += cache_line_bytes) { Isa::prefetch(next + line); }
        }
        static constexpr std::size_t cache_line_bytes = 64;

        template <class Group>
        static void panel(Group const* a, std::size_t rows, activations const& x, std::byte const* block,
                          std::size_t outs, float* y, std::size_t ldy)
        {
            constexpr std::size_t wide = Isa::registers >= 32 ? 2 : 1;
            auto const bytes = packed_block_bytes(Format::type, x.ins);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            std::size_t b = 0;
            for (; b + wide <= blocks; b += wide)
            {
                panel_blocks<Group, wide>(a, rows, x, block + b * bytes, bytes, outs - b * packed_rows,
                                          y + b * packed_rows, ldy);
            }
            if (b != blocks)
            {
                panel_blocks<Group, 1>(a, rows, x, block + b * bytes, bytes, outs - b * packed_rows,
                                       y + b * packed_rows, ldy);
            }
        }

        template <class Group, std::size_t Wide>
        static void panel_blocks(Group const* a, std::size_t rows, activations const& x, std::byte const* block,
                                 std::size_t bytes, std::size_t outs, float* y, std::size_t ldy)
        {
            auto const groups = packed_groups(Format::type, x.ins);
            floats sums[panel_rows][Wide][parts];
            for (std::size_t r = 0; r != rows; ++r)
            {
                for (auto& blocks : sums[r])
                {
                    for (auto& part : blocks) { part = Isa::spread(0.0f); }
                }
            }
            for (std::size_t g = 0; g != groups; ++g)
            {
                auto const* const group = a + g * x.rows;
                for (std::size_t b = 0; b != Wide; ++b) { prefetch(block + b * bytes, g); }
                for (std::size_t p = 0; p != parts; ++p)
                {
                    typename Format::weights w[Wide];
                    for (std::size_t b = 0; b != Wide; ++b) { w[b] = Format::load(block + b * bytes, g, p); }
                    for (std::size_t r = 0; r != rows; ++r)
                    {
                        for (std::size_t b = 0; b != Wide; ++b)
                        {
                            sums[r][b][p] = Format::product(sums[r][b][p], w[b], group[r]);
                        }
                    }
                }
            }
            for (std::size_t r = 0; r != rows; ++r)
            {
                for (std::size_t b = 0; b != Wide; ++b)
                {
                    fast_store<Isa>(sums[r][b], y + r * ldy + b * packed_rows, outs - b * packed_rows);
                }
            }
        }
    };
}
