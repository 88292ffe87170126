// On every fast table that has it and on the matrix unit in plain C++.
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/fast_tables.hpp>
#include <layers/block_attention_check.hpp>

#include <gemma4/kernels/fast_tiles.hpp>

using namespace gemma4;
using block_attention_check::causal;
using block_attention_check::check;
using kernels::kv_type;

namespace
{
    std::vector<kernels::fast_table const*> tables()
    {
        static constexpr auto tiles =
            kernels::make_fast_tile_table<simd::native_tile_dot, simd::arch::emulated_tiles>(
                "emulated tiles");
        auto all = all_fast_tables();
        std::erase_if(all, [](auto const* t) { return t->pack_keys[0] == nullptr; });
        all.push_back(&tiles);
        return all;
    }
}

TEST_CASE("attention in blocks is attention: every table, kind of cache and width of head")
{
    REQUIRE(!tables().empty());
    for (auto const* fast : tables())
    {
        for (auto const type : {kv_type::f32, kv_type::bf16, kv_type::int8})
        {
            for (std::size_t const head_dim : {16u, 64u, 80u, 256u, 512u})
            {
                check(*fast, type, head_dim, causal(3, 8, 40, 0), 0.5f);
            }
            check(*fast, type, 64, causal(37, 2, 0, 0), 0.5f);
            check(*fast, type, 64, causal(128, 2, 391, 200), 0.5f);
            check(*fast, type, 64, causal(1, 17, 1030, 0), 0.5f);
        }
    }
}

TEST_CASE("attention in blocks: sharp scores, rows that see nothing of a block, few rows")
{
    for (auto const* fast : tables())
    {
        check(*fast, kv_type::f32, 64, causal(9, 2, 700, 0), 8.0f);
        check(*fast, kv_type::bf16, 64, {{0, 5}, {600, 610}, {255, 257}, {0, 610}, {31, 33}}, 0.5f);
        check(*fast, kv_type::bf16, 64, {{3, 4}}, 0.5f);
        check(*fast, kv_type::bf16, 32, {{3, 4}, {511, 513}}, 0.5f);
    }
}

TEST_CASE("attention in blocks: keys that were packed once are those of pages, to the bit")
{
    for (auto const* fast : tables())
    {
        for (std::size_t const head_dim : {64u, 80u})
        {
            for (std::size_t const count : {17u, 256u, 700u})
            {
                CAPTURE(std::string(fast->name));
                CAPTURE(head_dim);
                CAPTURE(count);
                block_attention_check::check_pieces(*fast, head_dim, count);
            }
        }
    }
}
