// Angles against the reference's own rotary class (tests/data/golden/rope) at positions up to 262143.
#include <cmath>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

#include <gemma4/io/npy.hpp>
#include <gemma4/layers/rope.hpp>

using namespace gemma4;

namespace
{
    void check(std::string const& kind, float theta, std::size_t head_dim, std::size_t rotated)
    {
        std::filesystem::path const folder = std::filesystem::path(GEMMA4_TEST_DATA) / "golden" / "rope";
        auto const read = [&](std::string const& name) { return read_npy(folder / (name + ".npy")); };
        auto const positions = read("positions").integers();
        auto const frequencies = read(kind + "_inv_freq").floats();
        auto const cosines = read(kind + "_cos").floats();
        auto const sines = read(kind + "_sin").floats();
        REQUIRE(positions.back() == 262143);

        inverse_frequencies const ours(theta, head_dim, rotated);
        for (std::size_t i = 0; i != head_dim / 2; ++i)
        {
            CAPTURE(i);
            CHECK(frequencies[i] == (i < rotated ? ours.values()[i] : 0.0f));    // the same bits
        }
        std::vector<float> c(rotated), s(rotated);
        for (std::size_t p = 0; p != positions.size(); ++p)
        {
            ours.angles(position(positions[p]), c.data(), s.data());
            for (std::size_t i = 0; i != rotated; ++i)
            {
                // torch's float32 cos and sin are within one unit in the last place
                CHECK(std::abs(c[i] - cosines[p * head_dim + i]) <= 1.2e-7f);
                CHECK(std::abs(s[i] - sines[p * head_dim + i]) <= 1.2e-7f);
            }
        }
    }
}

TEST_CASE("sliding angles are the reference's") { check("sliding", 1e4f, 256, 128); }
TEST_CASE("global angles are the reference's: a quarter of the pairs turns")
{
    check("global", 1e6f, 512, 64);
}
