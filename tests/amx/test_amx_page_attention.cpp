// Attention of few rows to a page through the machine code of the table "amx".
#include <amx/amx_table.hpp>
#include <doctest/doctest.h>
#include <kernels/page_attention_check.hpp>

using gemma4::kernels::kv_type;
using page_attention::check;

TEST_CASE("amx: attention to a page in place")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    auto const& fast = amx::table();
    REQUIRE(bool(fast.score_page[std::size_t(kv_type::bf16)]));
    for (std::size_t const head_dim : {64u, 256u, 512u})
    {
        for (std::size_t const rows : {1u, 8u, 16u, 17u})
        {
            check(fast, kv_type::bf16, rows, head_dim, 0, 128);
        }
    }
    for (std::size_t const from : {0u, 1u, 15u, 17u, 63u, 64u, 100u})
    {
        for (std::size_t const to : {101u, 102u, 127u, 128u}) { check(fast, kv_type::bf16, 8, 64, from, to); }
    }
    amx::check_executed(1, false);
}
