// An image as raw pixels: what every image becomes before the vision tower's preprocessing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    struct rgb_image
    {
        std::size_t width = 0, height = 0;
        std::vector<std::uint8_t> pixels;    // (height, width, 3), row-major, red green blue

        bool operator==(rgb_image const&) const = default;
    };

    // argument_error when a side is zero, or the pixels are not height x width x 3 bytes.
    inline void check_image(rgb_image const& image)
    {
        if (image.width == 0 || image.height == 0)
        {
            throw argument_error(sentence("an image of ", image.width, " x ", image.height,
                                          " pixels has no content; both sides must be at least 1"));
        }
        // A division, because the product of two wrong sides may wrap round.
        auto const bytes = image.pixels.size();
        if (bytes / 3 / image.width != image.height || bytes != image.width * image.height * 3)
        {
            throw argument_error(sentence("an image of ", image.width, " x ", image.height,
                                          " RGB pixels was given with ", bytes,
                                          " bytes; expected width x height x 3"));
        }
    }
}
