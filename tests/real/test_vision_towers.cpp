// The towers of the released widths against transformers, and the largest image in a tiny one: minutes and
// gigabytes, so not part of ctest. `python tools/reference/make_vision_cases.py --real FOLDER` makes the
// cases; without GEMMA4_VISION_CASES=FOLDER only the tiny one runs.
#include <cstdlib>

#include <doctest/doctest.h>
#include <towers/vision_cases.hpp>

#include <gemma4/parallel/pool.hpp>
#include <gemma4/spec/models.hpp>
#include <gemma4/spec/tiny.hpp>

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    template <class M>
    void check(std::filesystem::path const& folder, std::size_t least_patches)
    {
        std::size_t seen = 0;
        for (auto const& c : read_vision_cases(folder))
        {
            if (c.variant != M::name || c.grid.patches() < least_patches) { continue; }
            ++seen;
            filled_encoder<M::vision, M::text.hidden> const filled;
            pool threads;
            auto const found = run_case(filled.encoder, c, threads);
            MESSAGE(c.name << ": tower " << found.tower.values << ", projected " << found.projected.values
                           << " of the largest value");
            CHECK(found.tower.values <= 1e-5);
            CHECK(found.projected.values <= 1e-5);
            CHECK(found.projected.largest <= 1e-5);
            CHECK(found.projected.sum <= 1e-6);
            CHECK(found.one_call_is_two);
        }
        CHECK(seen == 1);
    }

    template <class M>
    void check_real()
    {
        auto const* const folder = std::getenv("GEMMA4_VISION_CASES");
        if (!folder)
        {
            MESSAGE("GEMMA4_VISION_CASES is not set");
            return;
        }
        check<M>(folder, 0);
    }
}

TEST_CASE("9801 patches in the tower of tiny_e4b")
{
    check<tiny_e4b>(std::filesystem::path(GEMMA4_TEST_DATA) / "towers", 9000);
}

TEST_CASE("the small tower with the widths of E2B, a strip of 840 by 3 patches") { check_real<e2b>(); }

TEST_CASE("the small tower with the widths of E4B") { check_real<e4b>(); }

TEST_CASE("the large tower with the widths of 26B-A4B") { check_real<a4b>(); }

TEST_CASE("the large tower with the widths of 31B") { check_real<d31b>(); }
