// On every fast table that has it and on the matrix unit in plain C++.
#include <cstddef>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/fast_tables.hpp>
#include <kernels/page_attention_check.hpp>

#include <gemma4/kernels/fast_tiles.hpp>

using namespace gemma4;
using kernels::kv_type;
using kernels::page_positions;
using page_attention::check;

namespace
{
    std::vector<kernels::fast_table const*> tables_with(kv_type type)
    {
        static constexpr auto tiles =
            kernels::make_fast_tile_table<simd::native_tile_dot, simd::arch::emulated_tiles>(
                "emulated tiles");
        auto all = all_fast_tables();
        all.push_back(&tiles);
        std::erase_if(all, [=](auto const* t) { return t->score_page[std::size_t(type)] == nullptr; });
        return all;
    }
}

TEST_CASE("attention to a page in place: every table that has it, rows, widths of head, ranges of keys")
{
    CHECK(!tables_with(kv_type::bf16).empty());
    for (auto const type : {kv_type::bf16, kv_type::int8})
    {
        for (auto const* fast : tables_with(type))
        {
            for (std::size_t const head_dim : {64u, 256u, 512u})
            {
                REQUIRE(kernels::fits_page_attention(head_dim));
                for (std::size_t const rows : {1u, 2u, 4u, 8u})
                {
                    check(*fast, type, rows, head_dim, 0, 128);
                }
            }
            for (std::size_t const rows : {3u, 7u, 9u, 16u, 17u, 33u})
            {
                check(*fast, type, rows, 64, 0, 128);
            }
            for (std::size_t const from : {0u, 1u, 2u, 15u, 17u, 63u, 64u, 100u})
            {
                for (std::size_t const to : {101u, 102u, 103u, 127u, 128u})
                {
                    check(*fast, type, 2, 128, from, to);
                    check(*fast, type, 8, 64, from, to);
                }
            }
            for (std::size_t at = 0; at != page_positions; ++at) { check(*fast, type, 1, 64, at, at + 1); }
        }
    }
}
