#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/codecs/image_orientation.hpp>

namespace
{
    // The red values of a 3 x 2 image are 1 2 3 / 4 5 6; upright(...)'s, row by row.
    std::string turned(std::size_t orientation)
    {
        gemma4::rgb_image image{3, 2, {}};
        for (std::uint8_t v = 1; v != 7; ++v) { image.pixels.insert(image.pixels.end(), {v, 0, 0}); }
        auto const out = gemma4::upright(image, orientation);
        std::string text;
        for (std::size_t i = 0; i != 6; ++i)
        {
            text += char('0' + out.pixels[i * 3]);
            if (i % out.width == out.width - 1) { text += '/'; }
        }
        return text;
    }

    std::size_t orientation_in(std::vector<int> const& numbers)
    {
        std::vector<std::byte> bytes;
        for (auto const n : numbers) { bytes.push_back(std::byte(n)); }
        return gemma4::exif_orientation(bytes);
    }
}

// The table of the EXIF standard (tag 0x0112): which side of the stored image is the top and which the left.
TEST_CASE("orientations mirror and turn")
{
    CHECK(turned(0) == "123/456/");
    CHECK(turned(1) == "123/456/");
    CHECK(turned(2) == "321/654/");
    CHECK(turned(3) == "654/321/");
    CHECK(turned(4) == "456/123/");
    CHECK(turned(5) == "14/25/36/");
    CHECK(turned(6) == "41/52/63/");
    CHECK(turned(7) == "63/52/41/");
    CHECK(turned(8) == "36/25/14/");
    CHECK(turned(9) == "123/456/");
}

TEST_CASE("the orientation is found in EXIF data of both byte orders")
{
    std::vector<int> const little{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
    std::vector<int> const big{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0};
    CHECK(orientation_in(little) == 6);
    CHECK(orientation_in(big) == 8);
    std::vector<int> marked{'E', 'x', 'i', 'f', 0, 0, 'E', 'x', 'i', 'f', 0, 0};
    marked.insert(marked.end(), little.begin(), little.end());
    CHECK(orientation_in(marked) == 6);
    for (std::size_t size = 0; size != little.size(); ++size)
    {
        CHECK(orientation_in({little.begin(), little.begin() + std::ptrdiff_t(size)}) == 0);
    }
    auto far = little;
    far[4] = far[5] = far[6] = far[7] = 255;    // the directory lies behind the end
    CHECK(orientation_in(far) == 0);
    auto other = little;
    other[10] = 0x13;    // another tag
    CHECK(orientation_in(other) == 0);
}

TEST_CASE("XMP speaks where EXIF does not")
{
    CHECK(gemma4::xmp_orientation("<a tiff:Orientation=\"5\"/>") == 5);
    CHECK(gemma4::xmp_orientation("<tiff:Orientation>7</tiff:Orientation>") == 7);
    CHECK(gemma4::xmp_orientation("tiff:Orientation=5 tiff:Orientation=\"x\" tiff:Orientation>3") == 3);
    CHECK(gemma4::xmp_orientation("tiff:Orientation=\"") == 0);
    CHECK(gemma4::xmp_orientation("") == 0);
}
