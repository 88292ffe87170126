#include <vector>

#include <doctest/doctest.h>

#include <gemma4/cli/measure.hpp>

using namespace gemma4;
using namespace gemma4::cli;

TEST_CASE("median")
{
    CHECK(median({3, 1, 2}) == 2);
    CHECK(median({4, 1, 2, 3}) == 2.5);
    CHECK(median({7}) == 7);
}

TEST_CASE("FNV-1a of known bytes")
{
    // "foobar" is 85944171f73967e8 in the authors' test vectors; here as floats of 4 bytes: "\0\0\0\0" is
    // 4d25767f9dce13f5
    CHECK(fnv1a({}, fnv1a_start) == 0xcbf29ce484222325u);
    std::vector<float> const zero{0.0f};
    CHECK(fnv1a(zero, fnv1a_start) == 0x4d25767f9dce13f5u);
    std::vector<float> const minus{-0.0f};
    CHECK(fnv1a(minus, fnv1a_start) != fnv1a(zero, fnv1a_start));
    std::vector<float> const two{0.0f, -0.0f};
    CHECK(fnv1a(two, fnv1a_start) == fnv1a(minus, fnv1a(zero, fnv1a_start)));
}

TEST_CASE("the process's peak holds what it has touched")
{
    std::vector<char> const touched(std::size_t(64) << 20, 1);
    CHECK(peak_resident_bytes() > touched.size());
}

TEST_CASE("what is resident now holds what was touched")
{
    std::vector<char> const touched(std::size_t(64) << 20, 1);
    auto const now = resident_now();
    if (now.all == 0) { return; }    // no /proc
    CHECK(now.all > touched.size());
    CHECK(now.anonymous > touched.size());
    CHECK(now.anonymous + now.files <= now.all);
}
