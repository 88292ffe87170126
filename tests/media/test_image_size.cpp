#include <cstddef>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include <gemma4/media/image_size.hpp>

// get_aspect_ratio_preserving_size of transformers, written by tools/reference/make_image_cases.py.
TEST_CASE("the size rule is the reference's")
{
    std::ifstream list(std::string(GEMMA4_TEST_DATA) + "/media/images/sizes.txt");
    std::size_t cases = 0, budget = 0;
    gemma4::image_size from, to;
    while (list >> from.width >> from.height >> budget >> to.width >> to.height)
    {
        CAPTURE(from.width);
        CAPTURE(from.height);
        CAPTURE(budget);
        CHECK(gemma4::resized_size(from, budget) == to);
        ++cases;
    }
    CHECK(cases == 300);
}

TEST_CASE("every size keeps within its budget")
{
    for (auto const budget : gemma4::image_budgets)
    {
        for (std::size_t longer = 1; longer < 200'000; longer = longer * 5 / 4 + 1)
        {
            for (std::size_t shorter = 1; shorter <= longer; shorter = shorter * 5 / 4 + 1)
            {
                auto const wide = gemma4::resized_size({longer, shorter}, budget);
                auto const tall = gemma4::resized_size({shorter, longer}, budget);
                auto const tokens = wide.width / 48 * (wide.height / 48);
                auto const good = wide.width % 48 == 0 && wide.height % 48 == 0 && tokens >= 1
                                  && tokens <= budget && tall.width == wide.height
                                  && tall.height == wide.width;
                if (!good) { FAIL("size ", longer, " x ", shorter, " for a budget of ", budget); }
            }
        }
    }
    CHECK_THROWS_AS(gemma4::resized_size({0, 1}, 280), gemma4::argument_error);
    CHECK_THROWS_AS(gemma4::resized_size({1, 0}, 280), gemma4::argument_error);
    CHECK_THROWS_AS(gemma4::resized_size({1, 1}, 281), gemma4::argument_error);
}
