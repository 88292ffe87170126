#include <cstdlib>
#include <set>

#include <doctest/doctest.h>

#include <gemma4/generate/random.hpp>

using namespace gemma4;

TEST_CASE("mix is the finaliser of SplitMix64")
{
    // Java's java.util.SplittableRandom and Vigna's splitmix64.c: the first outputs for seed 1234567
    std::uint64_t state = 1234567;
    for (std::uint64_t const expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                         4593380528125082431u, 16408922859458223821u})
    {
        state += 0x9e3779b97f4a7c15u;
        CHECK(detail::mix(state) == expected);
    }
}

TEST_CASE("random bits differ between steps and between seeds, also seeds a step apart")
{
    std::set<std::uint64_t> seen;
    for (std::uint64_t s = 0; s < 40; ++s)
    {
        for (std::uint64_t seed : {s, s * 0x9e3779b97f4a7c15u + 1000})
        {
            for (std::uint64_t step = 0; step < 100; ++step) { seen.insert(random_bits(seed, step)); }
        }
    }
    CHECK(seen.size() == 8000);
}

TEST_CASE("each bit is set about half of the time")
{
    int count[64] = {};
    for (std::uint64_t step = 0; step < 10000; ++step)
    {
        auto const bits = random_bits(3, step);
        for (int b = 0; b < 64; ++b) { count[b] += int(bits >> b & 1); }
    }
    for (int const c : count) { CHECK(std::abs(c - 5000) < 300); }    // six standard deviations
}

TEST_CASE("scale_to is the high half of the product")
{
    for (std::uint64_t i = 0; i < 2000; ++i)
    {
        auto const a = random_bits(1, i);
        auto const b = random_bits(2, i) >> (i % 64);
        __extension__ using wide = unsigned __int128;
        CHECK(scale_to(a, b) == static_cast<std::uint64_t>(wide{a} * b >> 64));
    }
    CHECK(scale_to(~std::uint64_t{0}, 10) == 9);
    CHECK(scale_to(0, 10) == 0);
}
