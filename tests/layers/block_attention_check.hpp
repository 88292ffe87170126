// Attention in blocks against naive attention on the same bfloat16 numbers. What is left is the rounding of
// the weights to bfloat16.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <reference/attention.hpp>
#include <reference/values.hpp>

#include <gemma4/core/memory.hpp>
#include <gemma4/kernels/fast_table.hpp>
#include <gemma4/kernels/table.hpp>
#include <gemma4/layers/block_attention.hpp>

namespace block_attention_check
{
    using namespace gemma4;
    using kernels::kv_type;
    using kernels::page_positions;

    // Vectors of `pages` pages as a kv_type keeps them, and the numbers that the fast path makes of them.
    struct vectors
    {
        std::vector<float> f32;
        std::vector<bf16> half;
        std::vector<std::int8_t> codes;
        std::vector<float> scales;
        std::vector<float> exact;

        vectors(kv_type type, std::size_t count, std::size_t head_dim, std::uint32_t seed)
            : f32(reference::values(count * head_dim, seed))
            , scales(reference::values(count, seed + 1, 0.002f))
        {
            for (std::size_t i = 0; i != f32.size(); ++i)
            {
                half.push_back(bf16::from(f32[i]));
                codes.push_back(std::int8_t(f32[i] * 127));
                switch (type)
                {
                case kv_type::f32: exact.push_back(reference::half_up(f32[i])); break;
                case kv_type::bf16: exact.push_back(half[i].value()); break;
                case kv_type::int8:
                    exact.push_back(reference::half_up(float(codes[i]) * scales[i / head_dim]));
                    break;
                }
            }
        }

        void const* data(kv_type type, std::size_t at) const
        {
            switch (type)
            {
            case kv_type::f32: return f32.data() + at;
            case kv_type::bf16: return half.data() + at;
            default: return codes.data() + at;
            }
        }
    };

    struct seen
    {
        position first, last;
    };

    inline void check(kernels::fast_table const& fast, kv_type type, std::size_t head_dim,
                      std::vector<seen> const& rows, float size)
    {
        CAPTURE(std::string(fast.name));
        CAPTURE(int(type));
        CAPTURE(head_dim);
        CAPTURE(rows.size());
        position end = 0;
        for (auto const& r : rows) { end = std::max(end, r.last); }
        auto const positions = round_up(std::size_t(end), page_positions);
        vectors const keys(type, positions, head_dim, 3), values(type, positions, head_dim, 8);
        auto q = reference::values(rows.size() * head_dim, 12, size);
        for (auto& x : q) { x = bf16::from(x).value(); }

        compute c{};
        c.kernels = &kernels::best();
        c.fast = &fast;
        buffer<float> scratch(block_attention::floats(head_dim));
        std::fill_n(scratch.data(), scratch.size(), std::nanf(""));
        c.slot_scratch = scratch.data();
        buffer<std::byte> product_scratch(fast.scratch_bytes);
        c.product_scratch = product_scratch.data();
        block_attention attention(c, head_dim, rows.size(), 0);
        for (std::size_t r = 0; r != rows.size(); ++r)
        {
            attention.set(r, 1, q.data() + r * head_dim, head_dim, rows[r].first, rows[r].last);
        }
        attention.run(type,
                      [&](std::size_t page)
                      {
                          auto const at = page * page_positions;
                          bool const scaled = type == kv_type::int8;
                          return kernels::kv_page{keys.data(type, at * head_dim),
                                                  values.data(type, at * head_dim),
                                                  scaled ? keys.scales.data() + at : nullptr,
                                                  scaled ? values.scales.data() + at : nullptr};
                      });
        double worst = 0;
        for (std::size_t r = 0; r != rows.size(); ++r)
        {
            auto const first = std::size_t(rows[r].first), last = std::size_t(rows[r].last);
            auto const expected = reference::attention(q.data() + r * head_dim, keys.exact.data(),
                                                       values.exact.data(), head_dim, first, last);
            auto sizes = values.exact;
            for (auto& x : sizes) { x = std::abs(x); }
            auto const magnitude = reference::attention(q.data() + r * head_dim, keys.exact.data(),
                                                        sizes.data(), head_dim, first, last);
            for (std::size_t d = 0; d != head_dim; ++d)
            {
                auto const error =
                    std::abs(double(attention.out(r)[d]) / double(attention.sums()[r]) - expected[d]);
                worst = std::fmax(worst, error / (magnitude[d] + 1e-30));
                if (!(error == error)) { worst = INFINITY; }
            }
        }
        CHECK(worst < 0x1p-8);    // a weight is off by up to 2^-9 of itself, scores by a few units of float32
    }

    // Rows of a prompt from `start` on, with a window (0: none), `group` query heads each.
    inline std::vector<seen> causal(std::size_t tokens, std::size_t group, position start, position window)
    {
        std::vector<seen> rows;
        for (position t = start; t != start + tokens; ++t)
        {
            auto const first = window == 0 || t + 1 < window ? 0 : t + 1 - window;
            rows.insert(rows.end(), group, seen{first, t + 1});
        }
        return rows;
    }

    // `count` rows that see all of `count` keys: from float32 pages, and from pieces.
    inline void check_pieces(kernels::fast_table const& fast, std::size_t head_dim, std::size_t count)
    {
        auto const positions = round_up(count, page_positions);
        auto const keys = reference::values(positions * head_dim, 3);
        auto const values = reference::values(positions * head_dim, 8);
        auto const q = reference::values(count * head_dim, 12, 0.5f);
        compute c{};
        c.kernels = &kernels::best();
        c.fast = &fast;
        buffer<float> scratch(block_attention::floats(head_dim));
        buffer<std::byte> product_scratch(fast.scratch_bytes);
        c.slot_scratch = scratch.data();
        c.product_scratch = product_scratch.data();

        constexpr auto most = block_attention::keys_at_once;
        auto const bytes = block_attention::piece_bytes(head_dim);
        buffer<std::byte> packed_keys(ceil_div(count, most) * bytes), packed_values(packed_keys.size());
        for (std::size_t at = 0; at < count; at += most)
        {
            auto const some = std::min(most, count - at);
            block_attention::pack_keys(c, keys.data() + at * head_dim, some, head_dim,
                                       packed_keys.data() + at / most * bytes);
            block_attention::pack_values(c, values.data() + at * head_dim, some, head_dim,
                                         packed_values.data() + at / most * bytes);
        }
        std::vector<float> found[2];
        for (std::size_t way = 0; way != 2; ++way)
        {
            auto const rows = std::min(count, block_attention::most_rows);
            block_attention attention(c, head_dim, rows, 0);
            attention.set(0, rows, q.data(), head_dim, 0, position(count));
            if (way == 0)
            {
                attention.run(kv_type::f32,
                              [&](std::size_t page)
                              {
                                  auto const at = page * page_positions * head_dim;
                                  return kernels::kv_page{keys.data() + at, values.data() + at};
                              });
            }
            else { attention.run(packed_keys.data(), packed_values.data(), count); }
            found[way].assign(attention.out(0), attention.out(0) + rows * head_dim);
            found[way].insert(found[way].end(), attention.sums(), attention.sums() + rows);
        }
        CHECK(found[0] == found[1]);
        CHECK(found[0].front() == found[0].front());    // a number
    }
}
