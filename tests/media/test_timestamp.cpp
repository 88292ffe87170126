// Against Python's formatting of floats as Gemma4Processor writes it (tools/reference/make_video_cases.py
// prompts).
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/media/timestamp.hpp>

TEST_CASE("timestamp: every stored time and every stored frame of a rate")
{
    std::ifstream file(std::filesystem::path(GEMMA4_TEST_DATA) / "media" / "video_rules.json");
    auto const rules = nlohmann::json::parse(file);
    for (auto const& row : rules["timestamps"])
    {
        CHECK(gemma4::timestamp(row[0].get<double>()) == row[1].get<std::string>());
    }
    for (auto const& row : rules["frames"])
    {
        CAPTURE(row.dump());
        CHECK(gemma4::timestamp(double(row[0].get<std::size_t>()) / row[1].get<double>())
              == row[2].get<std::string>());
    }
    CHECK(rules["timestamps"].size() + rules["frames"].size() > 100);
}

TEST_CASE("timestamp: what is no time is refused")
{
    for (double const seconds :
         {-1e-9, 0x1p53, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    {
        CHECK_THROWS_AS((void)gemma4::timestamp(seconds), gemma4::argument_error);
    }
}
