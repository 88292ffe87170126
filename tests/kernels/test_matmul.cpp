#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <doctest/doctest.h>
#include <kernels/tables.hpp>
#include <reference/matmul.hpp>

#include <gemma4/core/math.hpp>

using namespace gemma4;

namespace
{
    constexpr float untouched = -77.0f;

    template <class W>
    struct problem
    {
        std::size_t rows, outs, inner, ldx, ldw, ldy;
        std::vector<float> x;
        std::vector<W> w;

        problem(std::size_t m, std::size_t n, std::size_t k)
            : rows(m)
            , outs(n)
            , inner(k)
            , ldx(k + 5)
            , ldw(k + 3)
            , ldy(n + 7)
            , x(reference::values(m * ldx, 1))
            , w(reference::narrowed<W>(reference::values(n * ldw, 2)))
        {}

        // Rows [from, to) in one call.
        std::vector<float> run(kernels::table const& table, std::size_t from, std::size_t to) const
        {
            std::vector<float> y((to - from) * ldy, untouched);
            table.matmul[std::size_t(dtype_of<W>)](x.data() + from * ldx, ldx, w.data(), ldw, y.data(), ldy,
                                                   to - from, outs, inner);
            return y;
        }
    };

    // First-order bound of the rounding of a sum taken in chains: the longest path from a product to the sum
    // has inner / 16 (at most 32) additions in a lane, one per flush of 512, four in the tree; one more for
    // an unfused product.
    double rounding_bound(std::size_t inner)
    {
        auto const chain = ceil_div(inner < 512 ? inner : 512, 16) + ceil_div(inner, 512) + 4 + 1;
        return 1.01 * double(chain) * half_ulp;
    }

    template <class W>
    void check_against_reference(kernels::table const& table, std::size_t rows, std::size_t outs,
                                 std::size_t inner)
    {
        problem<W> const p(rows, outs, inner);
        auto const y = p.run(table, 0, rows);
        CAPTURE(table.name);
        CAPTURE(rows);
        CAPTURE(outs);
        CAPTURE(inner);
        std::size_t wrong = 0;
        for (std::size_t m = 0; m != rows; ++m)
        {
            for (std::size_t n = 0; n != p.ldy; ++n)
            {
                if (n >= outs)
                {
                    wrong += y[m * p.ldy + n] != untouched;
                    continue;
                }
                auto const want = reference::dot(p.x.data() + m * p.ldx, p.w.data() + n * p.ldw, inner);
                wrong += !(std::abs(double(y[m * p.ldy + n]) - want.sum)
                           <= rounding_bound(inner) * want.magnitude);
            }
        }
        CHECK(wrong == 0);
    }

    template <class W>
    void check_rows_alone(kernels::table const& table, std::size_t rows, std::size_t outs, std::size_t inner)
    {
        problem<W> const p(rows, outs, inner);
        auto const together = p.run(table, 0, rows);
        CAPTURE(table.name);
        CAPTURE(rows);
        CAPTURE(inner);
        bool same = true;
        for (std::size_t m = 0; m != rows; ++m)
        {
            auto const alone = p.run(table, m, m + 1);
            same = same && std::memcmp(alone.data(), together.data() + m * p.ldy, outs * sizeof(float)) == 0;
        }
        CHECK(same);
    }

    template <class F>
    void for_each_dtype(F f)
    {
        f(float{});
        f(bf16{});
        f(f16{});
    }
}

TEST_CASE("matmul is the naive product for every table, dtype and ragged shape")
{
    for (auto const table : all_tables())
    {
        for_each_dtype(
            [&]<class W>(W)
            {
                for (std::size_t const inner :
                     {1u, 15u, 16u, 17u, 31u, 33u, 63u, 64u, 96u, 511u, 512u, 513u, 1055u})
                {
                    for (std::size_t const rows : {1u, 2u, 3u, 5u, 9u})
                    {
                        for (std::size_t const outs : {1u, 6u, 7u, 13u})
                        {
                            check_against_reference<W>(*table, rows, outs, inner);
                        }
                    }
                }
                check_against_reference<W>(*table, 133, 14, 48);     // several row blocks
                check_against_reference<W>(*table, 70, 13, 3080);    // blocks of 60 rows and less
                check_against_reference<W>(*table, 1, 300, 640);
            });
    }
}

TEST_CASE("a row of a matmul has the same bits alone and among others")
{
    for (auto const table : all_tables())
    {
        for_each_dtype(
            [&]<class W>(W)
            {
                for (std::size_t const rows : {2u, 3u, 4u, 5u, 7u, 8u, 11u, 21u, 67u})
                {
                    check_rows_alone<W>(*table, rows, 23, 1100);
                }
                check_rows_alone<W>(*table, 9, 17, 40);
                check_rows_alone<W>(*table, 21, 17, 16 * 1024 + 8);
            });
    }
}

TEST_CASE("an output of a matmul has the same bits alone and among others")
{
    for (auto const table : all_tables())
    {
        for (std::size_t const rows : {1u, 3u, 12u})
        {
            problem<bf16> const p(rows, 31, 777);
            auto const together = p.run(*table, 0, rows);
            std::vector<float> alone(rows);
            bool same = true;
            for (std::size_t n = 0; n != p.outs; ++n)
            {
                table->matmul[std::size_t(dtype::bf16)](p.x.data(), p.ldx, p.w.data() + n * p.ldw, p.ldw,
                                                        alone.data(), 1, rows, 1, p.inner);
                for (std::size_t m = 0; m != rows; ++m)
                {
                    same = same && alone[m] == together[m * p.ldy + n];
                }
            }
            CAPTURE(table->name);
            CHECK(same);
        }
    }
}

TEST_CASE("weights beyond the last k are not part of the sum")
{
    for (auto const table : all_tables())
    {
        problem<float> p(9, 13, 37);
        for (std::size_t n = 0; n != p.outs; ++n)
        {
            for (std::size_t k = p.inner; k != p.ldw; ++k)
            {
                p.w[n * p.ldw + k] = std::numeric_limits<float>::quiet_NaN();
            }
        }
        for (std::size_t const rows : {1u, 3u, 9u})
        {
            auto const y = p.run(*table, 0, rows);
            bool finite = true;
            for (std::size_t m = 0; m != rows; ++m)
            {
                for (std::size_t n = 0; n != p.outs; ++n)
                {
                    finite = finite && std::isfinite(y[m * p.ldy + n]);
                }
            }
            CAPTURE(table->name);
            CHECK(finite);
        }
    }
}

TEST_CASE("a matmul over no k is zero")
{
    for (auto const table : all_tables())
    {
        std::vector<float> y(6, untouched);
        table->matmul[0](nullptr, 0, nullptr, 0, y.data(), 3, 2, 3, 0);
        CHECK(y == std::vector<float>(6, 0.0f));
    }
}
