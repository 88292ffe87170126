// Against default_sample_indices_fn of transformers (tools/reference/make_video_cases.py prompts).
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/media/sample_frames.hpp>

namespace
{
    std::vector<gemma4::video_frame> frames(std::size_t count)
    {
        std::vector<gemma4::video_frame> out;
        for (std::size_t i = 0; i != count; ++i)
        {
            out.push_back({{1, 1, {std::uint8_t(i), 0, 0}}, double(i)});
        }
        return out;
    }
}

TEST_CASE("sample_frames: every stored case")
{
    std::ifstream file(std::filesystem::path(GEMMA4_TEST_DATA) / "media" / "video_rules.json");
    auto const rules = nlohmann::json::parse(file);
    for (auto const& row : rules["sampled"])
    {
        CHECK(gemma4::sampled_indices(row[0].get<std::size_t>(), row[1].get<std::size_t>())
              == row[2].get<std::vector<std::size_t>>());
    }
    CHECK(rules["sampled"].size() == 10);
}

TEST_CASE("sample_frames: products beyond 64 bits")
{
    constexpr auto most = std::numeric_limits<std::size_t>::max();    // 32 * (2^59 - 1) + 31
    auto const found = gemma4::sampled_indices(most, 32);
    CHECK(found[1] == most / 32);
    CHECK(found[31] == most / 32 * 31 + 30);
}

TEST_CASE("sample_frames: fewer frames than asked for is the reference's error, with both numbers")
{
    CHECK_THROWS_WITH_AS((void)gemma4::sampled_indices(31),
                         "32 frames of a video were asked for, but it has 31; ask for fewer frames",
                         gemma4::argument_error);
    CHECK_THROWS_AS((void)gemma4::sampled_indices(5, 0), gemma4::argument_error);
}

TEST_CASE("sample_frames: frames of a host are used as they are up to the limit, sampled above it")
{
    for (std::size_t const count : {1u, 5u, 31u, 32u, 33u, 100u})
    {
        auto const shown = gemma4::shown_frames(frames(count));
        auto const expected = count <= 32 ? count : 32;
        REQUIRE(shown.size() == expected);
        for (std::size_t k = 0; k != expected; ++k)
        {
            CHECK(shown[k].seconds == double(k * count / expected));
            CHECK(shown[k].image.pixels.at(0) == std::uint8_t(k * count / expected));
        }
    }
    CHECK_THROWS_AS((void)gemma4::shown_frames({}), gemma4::argument_error);
    CHECK_THROWS_AS((void)gemma4::shown_frames(frames(3), 0), gemma4::argument_error);
}
