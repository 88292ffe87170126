// The products of the table "amx" as machine code, against the naive product of the exact weights rounded to
// bfloat16 with the activations as they were rounded.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <amx/amx_table.hpp>
#include <doctest/doctest.h>
#include <kernels/fast_activations_of.hpp>
#include <packing/packed_matrix.hpp>
#include <reference/values.hpp>

#include <gemma4/kernels/fast_tiles.hpp>

using namespace gemma4;
using kernels::activation_kind;
using packed_cases::packed_matrix;

kernels::fast_table const& amx::table()
{
    static constexpr auto portable =
        kernels::make_fast_tile_table<simd::arch::portable_dot, simd::arch::amx_tiles>("amx");
    return simd::cpu().avx512_fp16 && simd::cpu().avx512_bf16 ? kernels::amx_fast_table : portable;
}

namespace
{
    constexpr float untouched = -77.0f;

    // Rows [first, first + count) of `rows`.
    void check(packed_matrix const& w, std::size_t rows, std::size_t first, std::size_t count)
    {
        auto const& table = amx::table();
        auto const kind = table.wants(w.type, rows);
        REQUIRE(kind == activation_kind::tiles);
        auto const ldx = w.ins + 5, ldy = w.outs + 3;
        auto const x = reference::values(rows * ldx, std::uint32_t(rows + 40), 2.0f);
        auto const a = quantised(table, kind, x.data(), ldx, rows, w.ins);
        std::vector<float> y(count * ldy, untouched);
        multiply(table, w.type, a.view, first, count, w.bytes.data(), w.outs, y.data(), ldy);

        double worst = 0;
        std::size_t touched = 0, wrongly_rounded = 0;
        std::vector<double> row(w.ins);
        for (std::size_t m = 0; m != count; ++m)
        {
            for (std::size_t k = 0; k != w.ins; ++k)
            {
                row[k] = a.value(first + m, k);
                wrongly_rounded += row[k] != double(bf16::from(x[(first + m) * ldx + k]).value());
            }
            for (std::size_t n = 0; n != w.outs; ++n)
            {
                double sum = 0, magnitude = 0;
                for (std::size_t k = 0; k != w.ins; ++k)
                {
                    auto const product = double(as_multiplied(table, w.type, kind, w.weights[n * w.ins + k])) * row[k];
                    sum += product;
                    magnitude += std::abs(product);
                }
                auto const off = std::abs(double(y[m * ldy + n]) - sum) / magnitude;
                worst = off <= worst ? worst : off;    // a NaN stays
            }
            for (auto n = w.outs; n != ldy; ++n) { touched += y[m * ldy + n] != untouched; }
        }
        CAPTURE(w.outs);
        CAPTURE(w.ins);
        CAPTURE(rows);
        CAPTURE(first);
        CAPTURE(int(w.type));
        CHECK(touched == 0);
        CHECK(wrongly_rounded == 0);
        // float32 sums; an offset may move a weight to the next bfloat16 now and then.
        bool const has_offset = w.type == packed_type::q4s || w.type == packed_type::q4k
                                || w.type == packed_type::q5s || w.type == packed_type::q5k
                                || w.type == packed_type::q8g;
        CHECK(worst <= (has_offset ? 2e-5 : 2e-6));
    }
}

TEST_CASE("amx: every format, rows that are no whole tiles")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    for (auto const source : packed_cases::types)
    {
        CAPTURE(std::string(name(source)));
        packed_matrix const w(source, 33, 512);
        for (std::size_t const rows : {17u, 31u, 32u, 33u, 64u, 97u}) { check(w, rows, 0, rows); }
    }
    amx::check_executed();
}

TEST_CASE("amx: widths of one group, of an odd number of groups, of several panels")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    for (auto const source : packed_cases::types)
    {
        CAPTURE(std::string(name(source)));
        auto const unit = std::max<std::size_t>(traits_of(source).weights_per_block, 32);
        for (std::size_t const ins : {32u, 96u, 256u, 544u, 1088u, 1280u})
        {
            if (ins % unit == 0) { check(packed_matrix(source, 48, ins), 35, 0, 35); }
        }
    }
    amx::check_executed();
}

TEST_CASE("amx: any number of outputs, any range of rows")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    for (auto const source : {ggml_type::q4_0, ggml_type::q5_0, ggml_type::q8_0, ggml_type::bf16})
    {
        for (std::size_t const outs : {1u, 15u, 16u, 17u, 31u, 49u, 80u})
        {
            check(packed_matrix(source, outs, 96), 20, 0, 20);
        }
        packed_matrix const w(source, 40, 64);
        for (std::size_t const first : {0u, 1u, 16u, 31u, 32u, 40u})
        {
            for (std::size_t const count : {0u, 1u, 15u, 17u, 33u}) { check(w, 75, first, count); }
        }
        check(packed_matrix(source, 200, 64), 530, 0, 530);    // more than one round of sums
    }
    amx::check_executed();
}

TEST_CASE("amx: threads each have tiles of their own")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    constexpr std::size_t rows = 150, threads = 5;
    for (auto const source : {ggml_type::q4_0, ggml_type::q6_k, ggml_type::bf16})
    {
        CAPTURE(std::string(name(source)));
        packed_matrix const w(source, 16 * 2 * threads, 768);
        auto const& table = amx::table();
        auto const x = reference::values(rows * w.ins, 3);
        auto const a = quantised(table, activation_kind::tiles, x.data(), w.ins, rows, w.ins);
        std::vector<float> whole(rows * w.outs), parts(rows * w.outs, untouched);
        auto const multiply = [&](std::size_t block, std::size_t blocks, std::vector<float>& y)
        {
            ::multiply(table, w.type, a.view, 0, rows,
                       w.bytes.data() + block * packed_block_bytes(w.type, w.ins), blocks * packed_rows,
                       y.data() + block * packed_rows, w.outs);
        };
        multiply(0, 2 * threads, whole);
        std::vector<std::thread> team;
        for (std::size_t t = 0; t != threads; ++t)
        {
            team.emplace_back(
                [&, t]
                {
                    for (int again = 0; again != 3; ++again) { multiply(2 * t, 2, parts); }
                });
        }
        for (auto& thread : team) { thread.join(); }
        CHECK(whole == parts);
    }
    amx::check_executed(1 + 3 * int(threads));
}

TEST_CASE("amx: the table is chosen where the kernel of Linux says that there is a unit")
{
    // Its word, not ours: no machine gets the table without it, and where it is granted it is the best.
    auto const flags = amx::processor_flags();
    REQUIRE(flags.rfind("flags", 0) == 0);
    auto const has = [&](char const* flag) { return flags.find(flag) != std::string::npos; };
    bool const unit = has(" amx_bf16 ") && has(" amx_tile ") && has(" avx512_vnni ") && has(" avx512_bf16 ")
                      && has(" avx512_fp16 ");
    auto const linked = kernels::fast_available();
    auto const* const ours = &kernels::amx_fast_table;
    REQUIRE(!linked.empty());
    bool const listed = std::count(linked.begin(), linked.end(), ours) == 1;
    CHECK(std::string(ours->name) == "amx");
    CHECK(listed == (unit && simd::tiles_granted()));
    CHECK(listed == (&kernels::fast_best() == ours));
}
