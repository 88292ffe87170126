// What an image file may ask for before it is refused.
#pragma once

#include <cstddef>
#include <limits>
#include <string_view>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    struct image_limits
    {
        std::size_t max_pixels = std::size_t(1)
                                 << 28;    // of one image; of all frames together where all are kept
        std::size_t max_scans = 100;       // of a progressive JPEG
        // Texts that a PNG packs; one of them at most 1/64, behind the 64th none is looked at.
        std::size_t max_metadata_bytes = std::size_t(1) << 28;
        std::size_t max_file_bytes = std::size_t(1) << 30;
    };

    // The sides that a file's header names, before anything is allocated for them.
    inline void check_image_sides(std::size_t width, std::size_t height, std::string_view name,
                                  image_limits const& limits)
    {
        if (width == 0 || height == 0)
        {
            throw file_error(
                sentence(name, " is an image of ", width, " x ", height, " pixels, which has no content"));
        }
        if (height > limits.max_pixels / width)
        {
            throw file_error(sentence(name, " is an image of ", width, " x ", height,
                                      " pixels; the limit is ", limits.max_pixels, " pixels"));
        }
    }
}
