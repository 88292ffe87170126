#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/tables.hpp>
#include <reference/attention.hpp>
#include <reference/values.hpp>

using namespace gemma4;
using kernels::page_positions;

namespace
{
    struct state
    {
        std::vector<float> max, sum, out;

        state(std::size_t rows, std::size_t ldo)
            : max(rows, -std::numeric_limits<float>::infinity())
            , sum(rows, 0.0f)
            , out(rows * ldo, 0.0f)
        {}

        bool operator==(state const&) const = default;
    };

    // Rows that see the keys [first, last) of consecutive pages.
    struct problem
    {
        std::size_t rows, head_dim, pages, ldq, ldo;
        std::vector<float> q, keys, values;
        std::vector<std::size_t> first, last;    // (rows), absolute

        problem(std::size_t r, std::size_t d, std::size_t p, float size)
            : rows(r)
            , head_dim(d)
            , pages(p)
            , ldq(d + 3)
            , ldo(d + 5)
            , q(reference::values(r * ldq, 14, size))
            , keys(reference::values(p * page_positions * d, 15))
            , values(reference::values(p * page_positions * d, 16))
        {}

        // Rows [from, to) in one call per page.
        state run(kernels::table const& table, std::size_t from, std::size_t to) const
        {
            state s(to - from, ldo);
            std::vector<float> scratch((to - from) * page_positions);
            std::vector<std::size_t> begin(to - from), end(to - from);
            for (std::size_t p = 0; p != pages; ++p)
            {
                auto const inside = [&](std::size_t at)
                {
                    auto const start = p * page_positions;
                    return at < start ? 0 : at - start > page_positions ? page_positions : at - start;
                };
                for (std::size_t r = from; r != to; ++r)
                {
                    begin[r - from] = inside(first[r]);
                    end[r - from] = inside(last[r]);
                }
                auto const offset = p * page_positions * head_dim;
                table.attend_page[0](q.data() + from * ldq, ldq, to - from,
                                     {keys.data() + offset, values.data() + offset}, head_dim, begin.data(),
                                     end.data(), s.max.data(), s.sum.data(), s.out.data(), ldo,
                                     scratch.data());
            }
            return s;
        }
    };

    // Rows as a prompt makes them: row r is position start + r, with a window (0 = none).
    problem causal(std::size_t rows, std::size_t head_dim, std::size_t start, std::size_t window, float size)
    {
        problem p(rows, head_dim, (start + rows + page_positions - 1) / page_positions, size);
        for (std::size_t r = 0; r != rows; ++r)
        {
            p.last.push_back(start + r + 1);
            p.first.push_back(window != 0 && start + r + 1 > window ? start + r + 1 - window : 0);
        }
        return p;
    }

    bool same_bits(float const* a, float const* b, std::size_t n)
    {
        return std::memcmp(a, b, n * sizeof(float)) == 0;
    }
}

TEST_CASE("pages merged one after the other are softmax attention")
{
    for (auto const table : all_tables())
    {
        for (std::size_t const head_dim : {16u, 32u, 48u, 64u, 80u, 256u, 512u})
        {
            for (std::size_t const window : {0u, 1u, 16u, 24u, 200u})
            {
                auto const p = causal(7, head_dim, 290, window, 1.0f);
                auto const s = p.run(*table, 0, p.rows);
                double worst = 0;
                for (std::size_t r = 0; r != p.rows; ++r)
                {
                    auto const want = reference::attention(p.q.data() + r * p.ldq, p.keys.data(),
                                                           p.values.data(), head_dim, p.first[r], p.last[r]);
                    for (std::size_t d = 0; d != head_dim; ++d)
                    {
                        worst = std::fmax(worst, std::abs(double(s.out[r * p.ldo + d] / s.sum[r]) - want[d]));
                    }
                }
                CAPTURE(table->name);
                CAPTURE(head_dim);
                CAPTURE(window);
                // A score of up to head_dim / 3 terms is off by at most 2^-24 * 40 * head_dim / 4 and that is
                // the relative error of its weight; values are at most 1, chains of 128 keys add 128 * 2^-24.
                CHECK(worst <= (10.0 * double(head_dim) + 160) * half_ulp);
            }
        }
    }
}

TEST_CASE("a row's attention has the same bits alone and among others")
{
    for (auto const table : all_tables())
    {
        for (std::size_t const rows : {2u, 3u, 4u, 5u, 9u, 17u})
        {
            for (std::size_t const window : {0u, 5u, 130u})
            {
                // Large queries: most weights underflow, where signs of zeros would show a difference.
                for (float const size : {1.0f, 40.0f})
                {
                    auto const p = causal(rows, 80, 122, window, size);
                    auto const together = p.run(*table, 0, rows);
                    bool same = true;
                    for (std::size_t r = 0; r != rows; ++r)
                    {
                        auto const alone = p.run(*table, r, r + 1);
                        same = same && same_bits(alone.max.data(), &together.max[r], 1)
                               && same_bits(alone.sum.data(), &together.sum[r], 1)
                               && same_bits(alone.out.data(), &together.out[r * p.ldo], p.head_dim);
                    }
                    CAPTURE(table->name);
                    CAPTURE(rows);
                    CAPTURE(window);
                    CHECK(same);
                }
            }
        }
    }
}

TEST_CASE("rows of unlike ranges share a call: disjoint, nested and empty ones")
{
    for (auto const table : all_tables())
    {
        problem p(9, 32, 1, 2.0f);
        p.first = {0, 100, 5, 7, 0, 64, 3, 127, 20};
        p.last = {10, 128, 5, 90, 128, 65, 3, 128, 100};
        auto const together = p.run(*table, 0, p.rows);
        CAPTURE(table->name);
        for (std::size_t r = 0; r != p.rows; ++r)
        {
            CAPTURE(r);
            auto const alone = p.run(*table, r, r + 1);
            CHECK(same_bits(alone.out.data(), &together.out[r * p.ldo], p.head_dim));
            CHECK(same_bits(alone.sum.data(), &together.sum[r], 1));
            if (p.first[r] == p.last[r])
            {
                CHECK(together.sum[r] == 0.0f);
                CHECK(together.max[r] == -std::numeric_limits<float>::infinity());
                continue;
            }
            auto const want = reference::attention(p.q.data() + r * p.ldq, p.keys.data(), p.values.data(), 32,
                                                   p.first[r], p.last[r]);
            for (std::size_t d = 0; d != 32; ++d)
            {
                CHECK(std::abs(double(together.out[r * p.ldo + d] / together.sum[r]) - want[d]) <= 1e-4);
            }
        }
    }
}

TEST_CASE("masked keys and values are not read into the result")
{
    for (auto const table : all_tables())
    {
        problem p(1, 64, 1, 1.0f);
        p.first = {30};
        p.last = {61};
        auto const before = p.run(*table, 0, 1);
        for (std::size_t i = 0; i != p.keys.size(); ++i)
        {
            bool const seen = i / 64 >= 30 && i / 64 < 61;
            if (!seen) { p.keys[i] = p.values[i] = 1000.0f; }
        }
        CAPTURE(table->name);
        CHECK(p.run(*table, 0, 1) == before);
    }
}

TEST_CASE("merge joins two halves as if one had gone on; empty parts change nothing")
{
    for (auto const table : all_tables())
    {
        auto p = causal(1, 64, 255, 0, 1.0f);
        auto const whole = p.run(*table, 0, 1);
        p.last = {128};
        auto a = p.run(*table, 0, 1);
        p.first = {128};
        p.last = {256};
        auto const b = p.run(*table, 0, 1);
        CAPTURE(table->name);

        state const empty(1, p.ldo);
        auto const before = a;
        table->merge(a.max.data(), a.sum.data(), a.out.data(), empty.max[0], empty.sum[0], empty.out.data(),
                     64);
        CHECK(a == before);
        state start(1, p.ldo);
        table->merge(start.max.data(), start.sum.data(), start.out.data(), a.max[0], a.sum[0], a.out.data(),
                     64);
        CHECK(start == a);
        table->merge(start.max.data(), start.sum.data(), start.out.data(), empty.max[0], empty.sum[0],
                     empty.out.data(), 64);
        CHECK(start == a);

        table->merge(a.max.data(), a.sum.data(), a.out.data(), b.max[0], b.sum[0], b.out.data(), 64);
        CHECK(a.max == whole.max);
        CHECK(std::abs(double(a.sum[0]) - double(whole.sum[0])) <= 8 * half_ulp * double(whole.sum[0]));
        for (std::size_t d = 0; d != 64; ++d)
        {
            CHECK(std::abs(double(a.out[d]) - double(whole.out[d])) <= 8 * half_ulp * double(whole.sum[0]));
        }
    }
}
