// The products of the table "amx" as machine code, against the naive product of the exact weights rounded to
// bfloat16 with the activations as they were rounded.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <amx/amx_table.hpp>
#include <doctest/doctest.h>
#include <kernels/fast_activations_of.hpp>
#include <packing/packed_matrix.hpp>
#include <reference/pointwise.hpp>
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
                    auto const product =
                        double(as_multiplied(table, w.type, kind, w.weights[n * w.ins + k])) * row[k];
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
        if (w.type == packed_type::bf16) { check(w, 9, 0, 9); }
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

TEST_CASE("amx: gelu(gate) * up as the input of the next matrix")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    auto const& table = amx::table();
    constexpr std::size_t rows = 75, ins = 544;
    for (auto const source : {ggml_type::q4_0, ggml_type::q8_0, ggml_type::q6_k, ggml_type::bf16})
    {
        auto const width = source == ggml_type::q6_k ? std::size_t(512) : ins;
        for (std::size_t const outs : {16u, 48u, 96u, 304u})
        {
            packed_matrix const gate(source, outs, width), up(source, outs, width);
            auto const x = reference::values(rows * width, 4), other = reference::values(rows * width, 5);
            auto const a = quantised(table, activation_kind::tiles, x.data(), width, rows, width);
            auto const b = quantised(table, activation_kind::tiles, other.data(), width, rows, width);
            for (bool const is_same : {true, false})
            {
                auto const bounds = is_same
                                        ? kernels::gated_bounds{}
                                        : kernels::gated_bounds{{-1.0f, 2.0f}, {-1.5f, 3.0f}, {-2.0f, 4.0f}};
                quantised_activations to{
                    buffer<std::byte>(table.activation_bytes(activation_kind::tiles, rows, outs)), {}};
                to.view = {to.bytes.data(), activation_kind::tiles, rows, outs};
                buffer<std::byte> scratch(table.scratch_bytes);
                for (std::size_t at = 0; at < outs; at += 96)
                {
                    auto const block = at / packed_rows * packed_block_bytes(gate.type, width);
                    table.gated[std::size_t(gate.type)](a.view, is_same ? a.view : b.view, 0, rows,
                                                        gate.bytes.data() + block, up.bytes.data() + block,
                                                        std::min<std::size_t>(96, outs - at), bounds, to.view,
                                                        at, scratch.data());
                }
                auto const product =
                    [&](packed_matrix const& w, quantised_activations const& of, std::size_t r, std::size_t n)
                {
                    double sum = 0;
                    for (std::size_t k = 0; k != width; ++k)
                    {
                        sum += double(as_multiplied(table, w.type, activation_kind::tiles,
                                                    w.weights[n * width + k]))
                               * of.value(r, k);
                    }
                    return sum;
                };
                auto const clamped = [&](double v, kernels::gated_bounds::range const& to_range)
                { return std::min(std::max(v, double(to_range.low)), double(to_range.high)); };
                double worst = 0;
                for (std::size_t r = 0; r < rows; r += 3)
                {
                    for (std::size_t n = 0; n != outs; ++n)
                    {
                        auto const g = clamped(product(gate, a, r, n), bounds.gate);
                        auto const u = clamped(product(up, is_same ? a : b, r, n), bounds.up);
                        auto const expected = clamped(reference::gelu(g) * u, bounds.product);
                        auto const error = std::abs(to.value(r, n) - expected);
                        worst = std::fmax(worst, error / (std::abs(expected) + 0.01 * std::abs(u) + 1e-3));
                        if (!(error == error)) { worst = INFINITY; }
                    }
                }
                CAPTURE(std::string(name(source)));
                CAPTURE(outs);
                CAPTURE(is_same);
                CHECK(worst < 0.005);    // bfloat16 is off by up to 2^-9
            }
        }
    }
    amx::check_executed();
}

TEST_CASE("amx: scales that binary16 could not multiply")
{
    if (!amx::can_run()) { return; }
    amx::tile_trap const trap;
    auto const& table = amx::table();
    constexpr std::size_t outs = 32, ins = 96, rows = 20;
    for (auto const source : {ggml_type::q4_0, ggml_type::q8_0})
    {
        for (float const scale : {0x1p-24f, 1e-5f, 0.99f, 1.5f, 31.0f, 33.0f, 4096.0f, 65504.0f})
        {
            auto stored = packed_cases::ordinary_rows(source, outs, ins, 6);
            auto const bytes = traits_of(source).bytes_per_block;
            auto const half = f16::from(scale);
            for (std::size_t at = 0; at != stored.size(); at += bytes)
            {
                std::memcpy(stored.data() + at, &half, sizeof half);
            }
            auto const type = *packed_type_of(source);
            buffer<std::byte> packed(packed_bytes(type, outs, ins));
            std::vector<float> weights(outs * ins);
            for (std::size_t n = 0; n != outs; n += packed_rows)
            {
                auto* const block = packed.data() + n / packed_rows * packed_block_bytes(type, ins);
                auto const row = stored.size() / outs;
                REQUIRE(pack_rows(source, stored.data() + n * row, row, packed_rows, ins, block));
                unpack_rows(type, block, ins, 0, packed_rows, weights.data() + n * ins, ins);
            }
            auto const x = reference::values(rows * ins, 5);
            auto const a = quantised(table, activation_kind::tiles, x.data(), ins, rows, ins);
            std::vector<float> y(rows * outs);
            ::multiply(table, type, a.view, 0, rows, packed.data(), outs, y.data(), outs);
            double worst = 0;
            for (std::size_t r = 0; r != rows; ++r)
            {
                for (std::size_t n = 0; n != outs; ++n)
                {
                    double sum = 0, magnitude = 0;
                    for (std::size_t k = 0; k != ins; ++k)
                    {
                        auto const product = double(weights[n * ins + k]) * a.value(r, k);
                        sum += product;
                        magnitude += std::abs(product);
                    }
                    auto const error = std::abs(double(y[r * outs + n]) - sum) / magnitude;
                    worst = error <= worst ? worst : error;
                }
            }
            CAPTURE(std::string(name(source)));
            CAPTURE(scale);
            // Weights below 2^-22 may be taken for zero.
            CHECK(worst < (scale < 1e-6f ? 1.0 : 0.004));
        }
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
