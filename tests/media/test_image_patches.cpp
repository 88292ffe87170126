#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/media/image_patches.hpp>

namespace
{
    // pixels() of tools/reference/make_image_cases.py.
    gemma4::rgb_image formula_image(std::size_t width, std::size_t height, std::size_t kind)
    {
        gemma4::rgb_image image{width, height, {}};
        image.pixels.reserve(width * height * 3);
        for (std::uint32_t y = 0; y != height; ++y)
        {
            for (std::uint32_t x = 0; x != width; ++x)
            {
                for (std::uint32_t c = 0; c != 3; ++c)
                {
                    std::uint32_t z = 0;
                    if (kind == 0)
                    {
                        z = (y * 2654435761u) ^ (x * 2246822519u) ^ (c * 3266489917u);
                        z ^= z >> 15;
                        z *= 2246822519u;
                        z ^= z >> 13;
                    }
                    else if (kind == 1) { z = ((x / 5 + y / 3 + c) & 1u) * 255u; }
                    else { z = x * (c + 1) + y * 2 + x / 16 * 40; }
                    image.pixels.push_back(std::uint8_t(z & 255u));
                }
            }
        }
        return image;
    }

    std::uint64_t words_fnv1a64(std::vector<float> const& values)
    {
        std::uint64_t state = 0xcbf29ce484222325u;
        for (std::size_t i = 0; i + 1 < values.size(); i += 2)
        {
            std::uint64_t word = 0;
            std::memcpy(&word, values.data() + i, sizeof word);
            state = (state ^ word) * 0x100000001b3u;
        }
        return state;
    }

    template <class Action>
    std::string refusal(Action&& action)
    {
        try
        {
            action();
        }
        catch (gemma4::argument_error const& e)
        {
            return e.what();
        }
        return "";
    }
}

// Gemma4ImageProcessorPil of transformers, written by tools/reference/make_image_cases.py.
TEST_CASE("patches have the bits of the reference processor's pixel values")
{
    std::ifstream list(std::string(GEMMA4_TEST_DATA) + "/media/images/patches.txt");
    std::size_t width = 0, height = 0, kind = 0, budget = 0, columns = 0, rows = 0, soft = 0, cases = 0;
    std::uint64_t hash = 0;
    while (list >> std::dec >> width >> height >> kind >> budget >> columns >> rows >> soft >> std::hex
           >> hash)
    {
        CAPTURE(width);
        CAPTURE(height);
        CAPTURE(budget);
        auto const patches = gemma4::make_patches(formula_image(width, height, kind), budget);
        CHECK(patches.columns == columns);
        CHECK(patches.rows == rows);
        CHECK(gemma4::soft_token_count(patches) == soft);
        CHECK(patches.pixels.size() == rows * columns * 768);
        CHECK(words_fnv1a64(patches.pixels) == hash);
        ++cases;
    }
    CHECK(cases == 46);
}

TEST_CASE("a patch holds its pixels row by row, the channels together")
{
    gemma4::rgb_image const image = formula_image(96, 48, 2);
    auto const patches = gemma4::cut_patches(image);
    REQUIRE(patches.columns == 6);
    REQUIRE(patches.rows == 3);
    std::size_t wrong = 0;
    for (std::size_t y = 0; y != 48; ++y)
    {
        for (std::size_t x = 0; x != 96; ++x)
        {
            for (std::size_t c = 0; c != 3; ++c)
            {
                auto const patch = y / 16 * 6 + x / 16;
                auto const value = patches.pixels[patch * 768 + (y % 16 * 16 + x % 16) * 3 + c];
                wrong += value != float(image.pixels[(y * 96 + x) * 3 + c] / 255.0) ? 1 : 0;
            }
        }
    }
    CHECK(wrong < 96 * 48 * 3 / 10);    // v / 255 and v * (1 / 255) differ in the last bit for some v
    CHECK(patches.pixels[1] == float(image.pixels[1] * (1.0 / 255.0)));
}

TEST_CASE("images without content and unknown budgets are refused with the reason")
{
    gemma4::rgb_image const image = formula_image(50, 50, 0);
    CHECK(refusal([&] { gemma4::make_patches(image, 100); })
          == "an image budget of 100 soft tokens; allowed are 70, 140, 280, 560 and 1120");
    CHECK(refusal([&] { gemma4::make_patches(image, 0); }).starts_with("an image budget of 0 soft tokens"));
    CHECK(refusal(
              [] {
                  gemma4::make_patches({0, 5, {}}, 280);
              })
          == "an image of 0 x 5 pixels has no content; both sides must be at least 1");
    CHECK(refusal(
              [] {
                  gemma4::make_patches({2, 2, std::vector<std::uint8_t>(11)}, 280);
              })
          == "an image of 2 x 2 RGB pixels was given with 11 bytes; expected width x height x 3");
    CHECK(refusal([] { gemma4::make_patches({std::size_t(1) << 63, 2, {}}, 280); }) != "");
    CHECK(refusal([&] { gemma4::cut_patches(image); }).ends_with("both sides must be multiples of 48"));
}
