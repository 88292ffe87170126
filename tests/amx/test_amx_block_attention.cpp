// Attention of many rows through the machine code of the table "amx".
#include <amx/amx_table.hpp>
#include <doctest/doctest.h>
#include <layers/block_attention_check.hpp>

using block_attention_check::causal;
using block_attention_check::check;
using gemma4::kernels::kv_type;

TEST_CASE("amx: attention of many rows, every kind of cache and width of head")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    auto const& fast = amx::table();
    REQUIRE(bool(fast.pack_keys[0]));
    for (auto const type : {kv_type::f32, kv_type::bf16, kv_type::int8})
    {
        for (std::size_t const head_dim : {16u, 64u, 80u, 256u, 512u})
        {
            check(fast, type, head_dim, causal(3, 8, 40, 0), 0.5f);
        }
        check(fast, type, 64, causal(37, 2, 0, 0), 0.5f);
        check(fast, type, 64, causal(128, 2, 391, 200), 0.5f);
        check(fast, type, 64, causal(1, 17, 1030, 0), 0.5f);
    }
    check(fast, kv_type::f32, 64, causal(9, 2, 700, 0), 8.0f);
    check(fast, kv_type::bf16, 64, {{0, 5}, {600, 610}, {255, 257}, {0, 610}, {31, 33}}, 0.5f);
    amx::check_executed();
}
