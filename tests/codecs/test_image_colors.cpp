#include <algorithm>
#include <cmath>
#include <cstdint>

#include <doctest/doctest.h>

#include <gemma4/codecs/image_colors.hpp>

TEST_CASE("a pixel on white is the rounded mixture")
{
    int furthest = 0;
    for (int alpha = 0; alpha != 256; ++alpha)
    {
        for (int value = 0; value != 256; ++value)
        {
            auto const exact = (value * alpha + 255.0 * (255 - alpha)) / 255;
            auto const got = gemma4::on_white(std::uint8_t(value), std::uint8_t(alpha));
            furthest = std::max(furthest, std::abs(int(got) - int(std::lround(exact))));
        }
    }
    CHECK(furthest == 0);
}

TEST_CASE("inks become light")
{
    std::uint8_t rgb[3] = {};
    gemma4::put_cmyk(0, 128, 255, 0, rgb);
    CHECK(rgb[0] == 255);
    CHECK(rgb[1] == 127);
    CHECK(rgb[2] == 0);
    gemma4::put_cmyk(10, 20, 30, 255, rgb);
    CHECK((rgb[0] == 0 && rgb[1] == 0 && rgb[2] == 0));
    gemma4::put_cmyk(0, 0, 0, 100, rgb);
    CHECK((rgb[0] == 155 && rgb[1] == 155 && rgb[2] == 155));
}
