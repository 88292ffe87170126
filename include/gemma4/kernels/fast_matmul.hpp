// Products of the integer formats. Few rows: sums in registers, weights at the speed of memory from two
// places at once. Many: a group of two blocks in registers, sums of some rows in the first-level cache.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <gemma4/kernels/fast_formats.hpp>
#include <gemma4/kernels/fast_pairs.hpp>

namespace gemma4::inline v0::kernels
{
    // The 16 sums of one row to y and back, as far as the matrix has outputs.
    template <class Isa>
    [[gnu::always_inline]] inline void fast_store(typename Isa::floats const* sums, float* y,
                                                  std::size_t outs)
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

    // f(constant 0), ..., f(constant N - 1): arrays indexed by them live in registers.
    template <std::size_t... I, class F>
    [[gnu::always_inline]] inline void fast_each(std::index_sequence<I...>, F const& f)
    {
        (f(std::integral_constant<std::size_t, I>{}), ...);
    }

    template <class Isa>
    [[gnu::always_inline]] inline void fast_load(typename Isa::floats* sums, float const* y, std::size_t outs)
    {
        constexpr auto parts = packed_rows / Isa::lanes;
        float all[packed_rows] = {};
        if (outs < packed_rows)
        {
            for (std::size_t n = 0; n != outs; ++n) { all[n] = y[n]; }
            y = all;
        }
        for (std::size_t p = 0; p != parts; ++p) { sums[p] = Isa::load_float(y + Isa::lanes * p); }
    }

    template <class Isa, class Format>
    struct fast_matmul
    {
        using floats = typename Isa::floats;
        static constexpr auto parts = packed_rows / Isa::lanes;
        // Groups whose activations stay in the second-level cache.
        static constexpr std::size_t panel_groups = 96;
        static constexpr std::size_t ahead = 768;    // bytes of prefetch in each stream

        static void run(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                        std::size_t outs, float* y, std::size_t ldy, std::byte*)
        {
            if (x.kind == activation_kind::int16)
            {
                rows_of<int16_group>(x, first, count, block, outs, y, ldy);
            }
            else { rows_of<int8_group>(x, first, count, block, outs, y, ldy); }
        }

    private:
        template <std::size_t N>
        using up_to = std::make_index_sequence<N>;

        template <class Group>
        static void rows_of(activations const& x, std::size_t first, std::size_t count,
                            std::byte const* block, std::size_t outs, float* y, std::size_t ldy)
        {
            for (auto r = first; r != first + count;)
            {
                auto const a = panel_of<Group>::at(x, r, first + count);
                auto* const to = y + (r - first) * ldy;
                if (a.rows > most_in_registers<Group>) { panels(a, block, outs, to, ldy); }
                else { decode_rows<Group, most_in_registers<Group>>(a, block, outs, to, ldy); }
                r += a.rows;
            }
        }

        // How many rows of sums are kept in registers, and of how many streams.
        template <class Group>
        static constexpr std::size_t most_in_registers =
            std::is_same_v<Group, int8_group> && Isa::registers >= 32 && parts == 1 ? 8 : 1;
        template <std::size_t Rows>
        static constexpr std::size_t streams = Rows > 4 ? 1 : 2;

        // The number of rows as a constant.
        template <class Group, std::size_t Rows>
        static void decode_rows(panel_of<Group> const& a, std::byte const* block, std::size_t outs, float* y,
                                std::size_t ldy)
        {
            if constexpr (Rows > 1)
            {
                if (a.rows < Rows) { return decode_rows<Group, Rows - 1>(a, block, outs, y, ldy); }
            }
            decode<Group, Rows>(a, block, outs, y, ldy);
        }

        // Blocks [0, half) and [half, ...) in step, if there are two streams.
        template <class Group, std::size_t Rows>
        static void decode(panel_of<Group> const& a, std::byte const* block, std::size_t outs, float* y,
                           std::size_t ldy)
        {
            auto const bytes = packed_block_bytes(Format::type, 32 * a.groups);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            auto const half = (blocks + streams<Rows> - 1) / streams<Rows>;
            for (std::size_t b = 0; b != half; ++b)
            {
                auto const* const here = block + b * bytes;
                auto* const to = y + b * packed_rows;
                auto const left = outs - b * packed_rows;
                if (streams<Rows> == 2 && b + half < blocks)
                {
                    decode_blocks<Group, Rows, streams<Rows>>(a, here, half * bytes, to, ldy, left,
                                                              half * packed_rows);
                }
                else { decode_blocks<Group, Rows, 1>(a, here, 0, to, ldy, left, 0); }
            }
        }

        template <class Group, std::size_t Rows, std::size_t Streams>
        [[gnu::always_inline]] static void decode_blocks(panel_of<Group> const& a, std::byte const* block,
                                                         std::size_t stride, float* y, std::size_t ldy,
                                                         std::size_t outs, std::size_t out_stride)
        {
            floats sums[Streams][Rows][parts];
            for (auto& stream : sums)
            {
                for (auto& row : stream)
                {
                    for (auto& part : row) { part = Isa::spread(0.0f); }
                }
            }
            for (std::size_t g = 0; g != a.groups; ++g)
            {
                auto const* const group = a.group(g);
                auto const add = [&](auto s, std::size_t p) __attribute__((always_inline))
                {
                    auto const w = Format::load(block + s * stride, g, p);
                    fast_each(
                        up_to<Rows>{}, [&](auto r) __attribute__((always_inline)) {
                            sums[s][r][p] = Format::product(sums[s][r][p], w, group[r]);
                        });
                };
                fast_each(
                    up_to<Streams>{}, [&](auto s) __attribute__((always_inline)) {
                        prefetch<Rows>(block + s * stride, g);
                        if constexpr (parts == 1) { add(s, 0); }
                        else
                        {
                            for (std::size_t p = 0; p != parts; ++p) { add(s, p); }
                        }
                    });
            }
            for (std::size_t s = 0; s != Streams; ++s)
            {
                for (std::size_t r = 0; r != Rows; ++r)
                {
                    fast_store<Isa>(sums[s][r], y + r * ldy + s * out_stride, outs - s * out_stride);
                }
            }
        }

        // What a group takes of the block, `ahead` bytes later. With several rows the processor does not look
        // that far ahead of its own.
        template <std::size_t Rows>
        [[gnu::always_inline]] static void prefetch(std::byte const* block, std::size_t g)
        {
            if constexpr (!Isa::prefetches && (Rows < 4 || Isa::registers < 32)) { return; }
            constexpr auto at = [](std::size_t group) { return packed_group_at(Format::type, group).codes; };
            constexpr auto two = at(4) - at(2);    // bytes of two groups
            constexpr bool is_far = Rows >= 4 && requires { Isa::far_ahead; };
            auto const* const next = block + at(g);
            for (std::size_t line = 0; line < two / 2; line += 64)
            {
                if constexpr (is_far)
                {
                    Isa::prefetch(next + Isa::near_ahead + line);
                    Isa::prefetch_late(next + Isa::far_ahead + line);
                }
                else { Isa::prefetch(next + ahead + line); }
            }
        }

        template <class Group>
        static void panels(panel_of<Group> const& a, std::byte const* block, std::size_t outs, float* y,
                           std::size_t ldy)
        {
            constexpr std::size_t wide = Isa::registers >= 32 ? 2 : 1;
            auto const bytes = packed_block_bytes(Format::type, 32 * a.groups);
            auto const blocks = (outs + packed_rows - 1) / packed_rows;
            for (std::size_t g = 0; g < a.groups; g += panel_groups)
            {
                auto const last = g + panel_groups < a.groups ? g + panel_groups : a.groups;
                for (std::size_t b = 0; b < blocks; b += wide)
                {
                    auto* const to = y + b * packed_rows;
                    auto const left = outs - b * packed_rows;
                    auto const* const here = block + b * bytes;
                    if (b + wide <= blocks) { panel<Group, wide>(a, here, bytes, g, last, left, to, ldy); }
                    else { panel<Group, 1>(a, here, bytes, g, last, left, to, ldy); }
                }
            }
        }

        // Adds groups [first, last) to y; the first of all begin with zero.
        template <class Group, std::size_t Wide>
        static void panel(panel_of<Group> const& a, std::byte const* block, std::size_t bytes,
                          std::size_t first, std::size_t last, std::size_t outs, float* y, std::size_t ldy)
        {
            floats sums[activation_panel][Wide][parts];
            for (std::size_t r = 0; r != a.rows; ++r)
            {
                for (std::size_t b = 0; b != Wide; ++b)
                {
                    if (first == 0)
                    {
                        for (auto& part : sums[r][b]) { part = Isa::spread(0.0f); }
                    }
                    else
                    {
                        fast_load<Isa>(sums[r][b], y + r * ldy + b * packed_rows, outs - b * packed_rows);
                    }
                }
            }
            for (auto g = first; g != last; ++g)
            {
                auto const* const group = a.group(g);
                for (std::size_t b = 0; b != Wide; ++b) { prefetch<1>(block + b * bytes, g); }
                for (std::size_t p = 0; p != parts; ++p)
                {
                    typename Format::weights w[Wide];
                    fast_each(
                        up_to<Wide>{}, [&](auto b) __attribute__((always_inline)) {
                            w[b] = Format::load(block + b * bytes, g, p);
                        });
                    if constexpr (Isa::has_matrix_bytes && std::is_same_v<Group, int8_group>)
                    {
                        add_pairs(sums, p, w, group, a.rows);
                    }
                    else
                    {
                        for (std::size_t r = 0; r != a.rows; ++r)
                        {
                            fast_each(
                                up_to<Wide>{}, [&](auto b) __attribute__((always_inline)) {
                                    sums[r][b][p] = Format::product(sums[r][b][p], w[b], group[r]);
                                });
                        }
                    }
                }
            }
            for (std::size_t r = 0; r != a.rows; ++r)
            {
                for (std::size_t b = 0; b != Wide; ++b)
                {
                    fast_store<Isa>(sums[r][b], y + r * ldy + b * packed_rows, outs - b * packed_rows);
                }
            }
        }

        // The same for two rows at a time; a last row alone is its own partner.
        template <std::size_t Wide>
        [[gnu::always_inline]] static void add_pairs(floats (*sums)[Wide][parts], std::size_t p,
                                                     typename Format::weights (&w)[Wide],
                                                     int8_group const* group, std::size_t rows)
        {
            using pairs = fast_pairs<Isa, Format>;
            for (auto& each : w) { pairs::arrange(each); }
            for (std::size_t r = 0; r < rows; r += 2)
            {
                bool const alone = r + 1 == rows;
                auto const a = pairs::rows::of(group[r], group[alone ? r : r + 1]);
                fast_each(
                    up_to<Wide>{}, [&](auto b) __attribute__((always_inline)) {
                        auto const dots = pairs::run(w[b], a);
                        sums[r][b][p] = Format::product(sums[r][b][p], w[b], dots.first);
                        if (alone) { return; }
                        sums[r + 1][b][p] = Format::product(sums[r + 1][b][p], w[b], dots.second);
                    });
            }
        }
    };
}
