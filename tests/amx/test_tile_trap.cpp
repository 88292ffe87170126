// The handler that runs the matrix unit's instructions where there is none: what it computes, and what it
// refuses. Where there is a unit it must agree, case by case: the same tests run on it.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <amx/amx_table.hpp>
#include <amx/tile_trap.hpp>
#include <doctest/doctest.h>
#include <reference/values.hpp>

#include <gemma4/simd/arch/tiles.hpp>

using namespace gemma4;
using amx::operation;
using amx::tile_trap;

namespace
{
    struct configuration
    {
        std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
        std::uint16_t bytes[8] = {}, no_bytes[8] = {};
        std::uint8_t rows[8] = {}, no_rows[8] = {};

        configuration with(int tile, int tile_rows, int row_bytes) const
        {
            auto c = *this;
            c.rows[tile] = std::uint8_t(tile_rows);
            c.bytes[tile] = std::uint16_t(row_bytes);
            return c;
        }
    };
    static_assert(sizeof(configuration) == 64);

    void configure(configuration const& c) { __asm__ volatile("ldtilecfg %0" ::"m"(c)); }
    void release() { __asm__ volatile("tilerelease"); }

    template <int T>
    void load(void const* p, std::size_t stride)
    {
        __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(T) : "memory");
    }
    template <int T>
    void store(void* p, std::size_t stride)
    {
        __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(T) : "memory");
    }

    configuration whole_tiles()
    {
        configuration c;
        for (int t = 0; t != 8; ++t) { c = c.with(t, 16, 64); }
        return c;
    }

    std::vector<std::uint8_t> any_bytes(std::size_t n, std::uint32_t seed)
    {
        auto const x = reference::values(n, seed, 1.0f);
        std::vector<std::uint8_t> bytes;
        for (auto const v : x) { bytes.push_back(std::uint8_t(std::bit_cast<std::uint32_t>(v) >> 5)); }
        return bytes;
    }

    float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

    // c (rows, columns) += a (rows, 2 pairs) . b (pairs, 2 columns), number by number.
    void naive_bf16(std::vector<float>& c, std::vector<bf16> const& a, std::vector<bf16> const& b,
                    std::size_t rows, std::size_t pairs, std::size_t columns)
    {
        for (std::size_t m = 0; m != rows; ++m)
        {
            for (std::size_t n = 0; n != columns; ++n)
            {
                float sum[2] = {};
                for (std::size_t k = 0; k != 2 * pairs; ++k)
                {
                    auto const x = flushed(a[m * 2 * pairs + k].value());
                    auto const y = flushed(b[(k / 2) * 2 * columns + 2 * n + k % 2].value());
                    sum[k % 2] = flushed(std::fma(x, y, sum[k % 2]));
                }
                auto& to = c[m * columns + n];
                to = flushed(flushed(to) + flushed(sum[0] + sum[1]));
            }
        }
    }

    std::vector<bf16> halves(std::size_t n, std::uint32_t seed, float size)
    {
        std::vector<bf16> out;
        for (auto const x : reference::values(n, seed, size)) { out.push_back(bf16::from(x)); }
        return out;
    }

    // Instructions as bytes, so that tiles can be named that assemblers refuse.
    enum class memory_op
    {
        load = 3,       // F2, TILELOADD
        load_t1 = 1,    // 66, TILELOADDT1
        store = 2       // F3, TILESTORED
    };

    template <memory_op Op, int T>
    void move(void const* p, std::size_t stride = 64)
    {
        __asm__ volatile(".byte 0xc4, %c0, %c1, 0x4b, %c2, 0x08" ::"i"(T < 8 ? 0xe2 : 0x62),
                         "i"(0x78 | int(Op)), "i"(4 | (T & 7) << 3), "a"(p), "c"(stride)
                         : "memory");
    }

    template <int T>
    void zero()
    {
        __asm__ volatile(".byte 0xc4, %c0, 0x7b, 0x49, %c1" ::"i"(T < 8 ? 0xe2 : 0x62),
                         "i"(0xc0 | (T & 7) << 3));
    }

    enum class product_op
    {
        bf16 = 0x5c02,
        uud = 0x5e00,
        usd = 0x5e01,
        sud = 0x5e02,
        ssd = 0x5e03
    };

    template <product_op Op, int C, int A, int B>
    void multiply()
    {
        __asm__ volatile(
            ".byte 0xc4, %c0, %c1, %c2, %c3" ::"i"(0xe2 ^ (C < 8 ? 0 : 0x80) ^ (A < 8 ? 0 : 0x20)),
            "i"((~B & 15) << 3 | (int(Op) & 3)), "i"(int(Op) >> 8), "i"(0xc0 | (C & 7) << 3 | (A & 7)));
    }

    // Whether exactly one instruction of the work fails, with this exception; the reason is known of the
    // handler's unit only.
    template <class Work>
    void refuses(amx::exception kind, char const* reason, Work const& work)
    {
        CAPTURE(reason);
        tile_trap::forget_faults();
        work();
        CHECK(tile_trap::faults() == 1);
        CHECK(tile_trap::last_exception() == kind);
        std::string const said = tile_trap::first_fault();
        CHECK((amx::has_unit() || said.find(reason) != std::string::npos));
        tile_trap::forget_faults();
    }
    template <class Work>
    void undefined(char const* reason, Work const& work)
    {
        refuses(amx::exception::ud, reason, work);
    }

    configuration configured()
    {
        configuration kept;
        __asm__ volatile("sttilecfg %0" : "=m"(kept));
        return kept;
    }

    configuration no_tiles()
    {
        configuration none;
        none.palette = 0;
        return none;
    }

    bool same(configuration const& a, configuration const& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
}

TEST_CASE("matrix unit: rows, bytes of a row and strides are those asked for")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    auto const from = any_bytes(16 * 80, 3);
    for (auto const& [rows, bytes] : {std::pair{16, 64}, {3, 20}, {1, 4}, {16, 8}, {7, 60}})
    {
        CAPTURE(rows);
        CAPTURE(bytes);
        configure(whole_tiles().with(2, rows, bytes));
        std::vector<std::uint8_t> to(16 * 70, 0xee);
        load<2>(from.data(), 80);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i != 1024 && !amx::has_unit(); ++i)
        {
            bool const in = i / 64 < std::size_t(rows) && i % 64 < std::size_t(bytes);
            wrong += int(amx::own_unit.at(2, i / 64, i % 64)) != (in ? from[80 * (i / 64) + i % 64] : 0);
        }
        store<2>(to.data(), 70);
        for (std::size_t r = 0; r != 16; ++r)
        {
            for (std::size_t i = 0; i != 70; ++i)
            {
                bool const in = r < std::size_t(rows) && i < std::size_t(bytes);
                wrong += to[70 * r + i] != (in ? from[80 * r + i] : 0xee);
            }
        }
        CHECK(wrong == 0);
    }
    CHECK(same(configured(), whole_tiles().with(2, 7, 60)));
    release();
    CHECK(same(configured(), no_tiles()));
    CHECK(tile_trap::faults() == 0);
}

TEST_CASE("matrix unit: every way to address")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    auto const from = any_bytes(4096, 4);
    auto const* const p = from.data();
    static configuration all;    // at a place relative to the instruction
    all = whole_tiles();
    __asm__ volatile("ldtilecfg %0" ::"m"(all));
    configuration kept;
    __asm__ volatile("mov %0, %%r12\n\tmov $1, %%r14\n\tsttilecfg -2(%%r12,%%r14,2)" ::"r"(&kept)
                     : "r12", "r14", "memory");
    CHECK(std::memcmp(&kept, &all, sizeof kept) == 0);

    auto const is = [&](std::size_t first, std::ptrdiff_t stride)
    {
        std::vector<std::uint8_t> to(1024);
        store<7>(to.data(), 64);
        std::size_t wrong = 0;
        for (std::size_t i = 0; i != 1024; ++i)
        {
            auto const at = std::ptrdiff_t(first) + std::ptrdiff_t(i / 64) * stride + std::ptrdiff_t(i % 64);
            wrong += to[i] != from[std::size_t(at)];
        }
        CHECK(wrong == 0);
    };
    __asm__ volatile("mov %0, %%r13\n\tmov $100, %%r12d\n\ttileloadd (%%r13,%%r12,1), %%tmm7" ::"r"(p)
                     : "r12", "r13", "memory");
    is(0, 100);
    __asm__ volatile("mov $40, %%ecx\n\ttileloadd 5(%0,%%rcx,2), %%tmm7" ::"r"(p) : "rcx", "memory");
    is(5, 80);
    __asm__ volatile("mov %0, %%r8\n\tmov $25, %%r9d\n\ttileloaddt1 1000(%%r8,%%r9,4), %%tmm7" ::"r"(p)
                     : "r8", "r9", "memory");
    is(1000, 100);
    __asm__ volatile("mov $10, %%edi\n\ttileloadd (%0,%%rdi,8), %%tmm7" ::"r"(p) : "rdi", "memory");
    is(0, 80);
    __asm__ volatile("mov %0, %%r15\n\tmov $-64, %%r11\n\ttileloadd 2000(%%r15,%%r11,1), %%tmm7" ::"r"(p)
                     : "r11", "r15", "memory");
    is(2000, -64);
    __asm__ volatile("mov %0, %%r12\n\ttileloadd -300(%%r12), %%tmm7" ::"r"(p + 400) : "r12", "memory");
    is(100, 0);
    release();
    CHECK(tile_trap::faults() == 0);
}

TEST_CASE("matrix unit: the decoder takes what is an instruction of the unit, and nothing else")
{
    std::uint64_t registers[16];
    for (std::uint64_t i = 0; i != 16; ++i) { registers[i] = 1000 * i; }
    auto const decoded = [&](std::vector<unsigned char> code)
    {
        code.resize(16);
        return amx::decode(code.data(), registers);
    };
    auto const absolute = decoded({0xc4, 0xe2, 0x7b, 0x4b, 0x3c, 0x0d, 0x78, 0x56, 0x34, 0x12});
    REQUIRE(absolute);    // tileloadd 0x12345678(,%rcx,1), %tmm7
    CHECK((absolute->what == operation::tileloadd && absolute->reg == 7));
    CHECK((absolute->begin == 0x12345678 && absolute->stride == 1000 && absolute->length == 10));
    auto const product = decoded({0xc4, 0xe2, 0x4a, 0x5c, 0xdd});
    REQUIRE(product);    // tdpbf16ps %tmm6, %tmm5, %tmm3
    CHECK((product->what == operation::tdpbf16ps && product->length == 5));
    CHECK((product->reg == 3 && product->rm == 5 && product->vvvv == 6));

    CHECK(!decoded({0xc4, 0xe2, 0xca, 0x5c, 0xdd}));          // W1
    CHECK(!decoded({0xc4, 0xe2, 0x4e, 0x5c, 0xdd}));          // 256 bits
    CHECK(!decoded({0xc4, 0xe2, 0x4b, 0x5c, 0xdd}));          // tdpfp16ps
    CHECK(!decoded({0xc4, 0xe1, 0x4a, 0x5c, 0xdd}));          // another map
    CHECK(!decoded({0xc4, 0xe2, 0x7b, 0x4b, 0x39}));          // tileloadd without SIB
    CHECK(!decoded({0xc4, 0xe2, 0x73, 0x4b, 0x3c, 0x08}));    // tileloadd with a third operand
    CHECK(!decoded({0xc4, 0xe2, 0x78, 0x49, 0x48, 0x00}));    // ldtilecfg with /1
    CHECK(!decoded({0xc4, 0xe2, 0x78, 0x49, 0xc1}));          // tilerelease with a register
    CHECK(!decoded({0x62, 0xf6, 0x7d, 0x48, 0x58, 0xc0}));    // EVEX
    CHECK(!decoded({0x0f, 0x0b}));                            // ud2
}

TEST_CASE("matrix unit: products of bfloat16 round as the manual says")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    struct shape
    {
        std::size_t rows, pairs, columns;
    };
    for (auto const& [rows, pairs, columns] : {shape{16, 16, 16}, {5, 3, 7}, {1, 16, 2}})
    {
        configure(whole_tiles()
                      .with(0, int(rows), int(4 * columns))
                      .with(4, int(rows), int(4 * pairs))
                      .with(6, int(pairs), int(4 * columns)));
        for (float const size : {1.0f, 1e-19f, 1e-20f, 3e-39f})    // products, then numbers too small
        {
            CAPTURE(rows);
            CAPTURE(size);
            auto const a = halves(rows * 2 * pairs, 1, size), b = halves(pairs * 2 * columns, 2, size);
            auto c = reference::values(rows * columns, 3, size * size);
            auto found = c;
            naive_bf16(c, a, b, rows, pairs, columns);
            load<0>(found.data(), 4 * columns);
            load<4>(a.data(), 4 * pairs);
            load<6>(b.data(), 4 * columns);
            simd::arch::amx_tiles().dot_bf16<0, 4, 6>();
            store<0>(found.data(), 4 * columns);
            CHECK(std::memcmp(found.data(), c.data(), 4 * c.size()) == 0);
        }
    }
    release();
    CHECK(tile_trap::faults() == 0);
}

TEST_CASE("matrix unit: products of bytes, with and without signs")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    constexpr std::size_t rows = 11, quads = 13, columns = 9;
    configure(whole_tiles().with(1, rows, 4 * columns).with(2, rows, 4 * quads).with(3, quads, 4 * columns));
    auto const a = any_bytes(rows * 4 * quads, 6), b = any_bytes(quads * 4 * columns, 7);
    std::vector<std::int32_t> const before(rows * columns, 0x7fffff00);    // sums wrap
    load<2>(a.data(), 4 * quads);
    load<3>(b.data(), 4 * columns);
    for (int kind = 0; kind != 4; ++kind)
    {
        CAPTURE(kind);
        load<1>(before.data(), 4 * columns);
        switch (kind)
        {
        case 0: __asm__ volatile("tdpbuud %tmm3, %tmm2, %tmm1"); break;
        case 1: __asm__ volatile("tdpbusd %tmm3, %tmm2, %tmm1"); break;
        case 2: __asm__ volatile("tdpbsud %tmm3, %tmm2, %tmm1"); break;
        default: __asm__ volatile("tdpbssd %tmm3, %tmm2, %tmm1"); break;
        }
        std::vector<std::int32_t> found(rows * columns);
        store<1>(found.data(), 4 * columns);
        std::size_t wrong = 0;
        for (std::size_t m = 0; m != rows; ++m)
        {
            for (std::size_t n = 0; n != columns; ++n)
            {
                std::int64_t sum = 0x7fffff00;
                for (std::size_t k = 0; k != 4 * quads; ++k)
                {
                    int const x = a[m * 4 * quads + k], y = b[k / 4 * 4 * columns + 4 * n + k % 4];
                    sum += (kind >= 2 && x > 127 ? x - 256 : x) * (kind % 2 == 1 && y > 127 ? y - 256 : y);
                }
                wrong += found[m * columns + n] != std::int32_t(std::uint32_t(sum));
            }
        }
        CHECK(wrong == 0);
    }
    release();
    CHECK(tile_trap::faults() == 0);
}

TEST_CASE("matrix unit: configurations that the processor refuses (AMX-E1)")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    auto const bad = [](char const* reason, auto const& change)
    {
        for (bool const had_tiles : {false, true})    // those before stay
        {
            auto const before = had_tiles ? whole_tiles().with(3, 5, 12) : no_tiles();
            release();
            if (had_tiles) { configure(before); }
            auto c = whole_tiles();
            change(c);
            refuses(amx::exception::gp, reason, [&] { configure(c); });
            CHECK(same(configured(), before));
        }
    };
    bad("palette", [](auto& c) { c.palette = 2; });
    bad("palette", [](auto& c) { c.palette = 255; });
    for (int i = 0; i != 14; ++i)
    {
        bad("reserved", [&](auto& c) { c.reserved[i] = 1; });
    }
    for (int i = 0; i != 8; ++i)
    {
        bad("reserved", [&](auto& c) { c.no_bytes[i] = 64; });
        bad("reserved", [&](auto& c) { c.no_bytes[i] = 256; });
        bad("reserved", [&](auto& c) { c.no_rows[i] = 16; });
        bad("64 bytes", [&](auto& c) { c.bytes[i] = 65; });
        bad("64 bytes", [&](auto& c) { c.bytes[i] = 256; });
        bad("16 rows", [&](auto& c) { c.rows[i] = 17; });
        bad("16 rows", [&](auto& c) { c.rows[i] = 255; });
        bad("rows without bytes", [&](auto& c) { c.bytes[i] = 0; });
        bad("rows without bytes", [&](auto& c) { c.rows[i] = 0; });
    }
    release();
}

TEST_CASE("matrix unit: configurations that the processor takes")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    auto const good = [](configuration const& c)
    {
        configure(c);
        CHECK(same(configured(), c));
        CHECK(tile_trap::faults() == 0);
    };
    good(whole_tiles());
    good(configuration().with(7, 1, 1));        // one tile, and a row that nothing can load
    good(whole_tiles().with(2, 16, 2).with(3, 7, 63));
    auto late = whole_tiles();
    late.start_row = 255;    // what uses the tile decides
    good(late);
    auto none = whole_tiles();
    none.palette = 0;    // the rest does not count: no tiles
    none.reserved[3] = 7;
    none.rows[0] = 99;
    configure(none);
    CHECK(same(configured(), no_tiles()));
    CHECK(tile_trap::faults() == 0);
    configure(whole_tiles());
    release();
    CHECK(same(configured(), no_tiles()));
}

TEST_CASE_TEMPLATE("matrix unit: loads and stores that the processor refuses (AMX-E3)", Op,
                   std::integral_constant<memory_op, memory_op::load>,
                   std::integral_constant<memory_op, memory_op::load_t1>,
                   std::integral_constant<memory_op, memory_op::store>)
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    constexpr auto op = Op::value;
    std::vector<std::uint8_t> memory(1024, 9);
    auto* const p = memory.data();
    undefined("not configured", [&] { move<op, 1>(p); });

    configure(whole_tiles().with(3, 0, 0).with(4, 16, 2).with(5, 16, 62).with(6, 7, 63).with(7, 1, 1));
    undefined("does not have", [&] { move<op, 8>(p); });
    undefined("does not have", [&] { move<op, 15>(p); });
    undefined("leaves out", [&] { move<op, 3>(p); });
    undefined("whole dwords", [&] { move<op, 4>(p); });
    undefined("whole dwords", [&] { move<op, 5>(p); });
    undefined("whole dwords", [&] { move<op, 6>(p); });
    undefined("whole dwords", [&] { move<op, 7>(p); });
    for (auto const& [rows, start] : {std::pair{16, 16}, {16, 255}, {5, 5}, {5, 15}})
    {
        auto late = whole_tiles().with(2, rows, 64);
        late.start_row = std::uint8_t(start);
        configure(late);
        undefined("row to start with", [&] { move<op, 2>(p); });
    }
    CHECK(memory == std::vector<std::uint8_t>(1024, 9));

    auto later = whole_tiles();
    later.start_row = 15;
    configure(later);
    move<op, 2>(p);
    CHECK(configured().start_row == 0);
    release();
    undefined("not configured", [&] { move<op, 1>(p); });
}

TEST_CASE("matrix unit: tiles that the processor does not zero (AMX-E5)")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    undefined("not configured", [] { zero<0>(); });
    configure(whole_tiles());
    undefined("does not have", [] { zero<8>(); });
    zero<7>();
    CHECK(tile_trap::faults() == 0);
    release();
    undefined("not configured", [] { zero<7>(); });

    // Not asked of a processor, because the manual is not plain about it.
    amx::tile_unit unit;
    auto const c = whole_tiles().with(3, 0, 0);
    REQUIRE(unit.load_configuration(&c) == nullptr);
    CHECK(unit.zero(3) != nullptr);
    CHECK(unit.zero(4) == nullptr);
}

TEST_CASE_TEMPLATE("matrix unit: products that the processor refuses (AMX-E4)", Op,
                   std::integral_constant<product_op, product_op::bf16>,
                   std::integral_constant<product_op, product_op::uud>,
                   std::integral_constant<product_op, product_op::usd>,
                   std::integral_constant<product_op, product_op::sud>,
                   std::integral_constant<product_op, product_op::ssd>)
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    constexpr auto op = Op::value;
    undefined("not configured", [] { multiply<op, 0, 1, 2>(); });

    configure(whole_tiles());
    multiply<op, 0, 1, 2>();
    multiply<op, 7, 6, 5>();
    CHECK(tile_trap::faults() == 0);
    undefined("twice", [] { multiply<op, 0, 0, 1>(); });
    undefined("twice", [] { multiply<op, 0, 1, 0>(); });
    undefined("twice", [] { multiply<op, 0, 1, 1>(); });
    undefined("twice", [] { multiply<op, 3, 3, 3>(); });
    undefined("does not have", [] { multiply<op, 8, 1, 2>(); });
    undefined("does not have", [] { multiply<op, 0, 9, 2>(); });
    undefined("does not have", [] { multiply<op, 0, 1, 15>(); });

    configure(whole_tiles().with(3, 0, 0).with(4, 8, 64).with(5, 16, 62).with(6, 16, 32));
    undefined("leaves out", [] { multiply<op, 3, 1, 2>(); });
    undefined("leaves out", [] { multiply<op, 0, 3, 2>(); });
    undefined("leaves out", [] { multiply<op, 0, 1, 3>(); });
    undefined("whole dwords", [] { multiply<op, 5, 1, 2>(); });
    undefined("whole dwords", [] { multiply<op, 0, 5, 2>(); });
    undefined("whole dwords", [] { multiply<op, 0, 1, 5>(); });
    undefined("other rows", [] { multiply<op, 4, 1, 2>(); });
    undefined("other rows", [] { multiply<op, 0, 4, 2>(); });
    undefined("two different depths", [] { multiply<op, 0, 6, 2>(); });
    undefined("two different depths", [] { multiply<op, 0, 1, 4>(); });
    undefined("other columns", [] { multiply<op, 6, 1, 2>(); });
    undefined("other columns", [] { multiply<op, 0, 1, 6>(); });
    multiply<op, 0, 6, 4>();
    CHECK(tile_trap::faults() == 0);
    release();
}

TEST_CASE("matrix unit: tiles are those of a thread")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    auto const own = whole_tiles().with(1, 4, 8);
    configure(own);
    std::thread(
        []
        {
            tile_trap::forget_faults();
            configure(whole_tiles().with(2, 1, 4));
            CHECK(same(configured(), whole_tiles().with(2, 1, 4)));
            release();
            CHECK(same(configured(), no_tiles()));
            undefined("not configured", [] { zero<0>(); });
        })
        .join();
    CHECK(same(configured(), own));
    CHECK((amx::has_unit() || tile_trap::threads_with_tiles() == 1));
    release();
    CHECK((amx::has_unit() || tile_trap::threads_with_tiles() == 0));
}

TEST_CASE("matrix unit: what the library opens is eight whole tiles, and every use of them is taken")
{
    if (!amx::can_run()) { return; }
    tile_trap const trap;
    simd::arch::amx_tiles tiles;
    tiles.open();
    CHECK(same(configured(), whole_tiles()));
    std::vector<std::uint8_t> memory(1024);
    tiles.zero<0>();
    tiles.load<1>(memory.data());
    tiles.stream<2>(memory.data());
    tiles.load_rows<3>(memory.data(), 0);
    tiles.dot_bf16<0, 1, 2>();
    tiles.dot_bf16<7, 6, 5>();
    tiles.store<4>(memory.data());
    CHECK(tile_trap::faults() == 0);
    tiles.close();
    CHECK(same(configured(), no_tiles()));
}
