// The size that an image is resized to, by its budget of soft tokens.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t patch_side = 16;       // pixels
    inline constexpr std::size_t pooled_patches = 3;    // patches of a soft token, along one side
    inline constexpr std::array<std::size_t, 5> image_budgets{70, 140, 280, 560, 1120};
    inline constexpr std::size_t default_image_budget = 280;

    struct image_size
    {
        std::size_t width = 0, height = 0;

        bool operator==(image_size const&) const = default;
    };

    // argument_error when budget is none of image_budgets.
    inline void check_image_budget(std::size_t budget)
    {
        if (std::find(image_budgets.begin(), image_budgets.end(), budget) == image_budgets.end())
        {
            throw argument_error(sentence("an image budget of ", budget,
                                          " soft tokens; allowed are 70, 140, 280, 560 and 1120"));
        }
    }

    // The largest size of about the same aspect ratio that makes at most `budget` soft tokens; both sides are
    // multiples of 48 pixels. Small images grow. The rule, and the order of its operations in double, are
    // those of get_aspect_ratio_preserving_size in transformers' image_processing_pil_gemma4.py.
    // argument_error when a side is zero, when the budget is unknown, or when nothing is left of both sides.
    inline image_size resized_size(image_size from, std::size_t budget)
    {
        check_image_budget(budget);
        if (from.width == 0 || from.height == 0)
        {
            throw argument_error(sentence("an image of ", from.width, " x ", from.height,
                                          " pixels has no content; both sides must be at least 1"));
        }
        constexpr std::size_t multiple = pooled_patches * patch_side;
        auto const most_pixels = double(budget * multiple * multiple);
        auto const width = double(from.width), height = double(from.height);
        auto const factor = std::sqrt(most_pixels / (height * width));
        auto const floored = [](double side)
        { return std::size_t(std::floor(side / double(multiple))) * multiple; };
        // One side as one soft token; the other by the whole part of the aspect ratio.
        auto const strip = [&](double longer, double shorter)
        { return std::size_t(std::min(std::floor(longer / shorter), double(budget))) * multiple; };

        image_size to{floored(factor * width), floored(factor * height)};
        if (to.width == 0 && to.height == 0)
        {
            throw argument_error(sentence("an image of ", from.width, " x ", from.height,
                                          " pixels leaves nothing within a budget of ", budget,
                                          " soft tokens"));
        }
        if (to.height == 0) { to = {strip(width, height), multiple}; }
        else if (to.width == 0) { to = {multiple, strip(height, width)}; }
        if (to.width == 0 || to.height == 0 || double(to.width) * double(to.height) > most_pixels)
        {
            throw argument_error(sentence("an image of ", from.width, " x ", from.height,
                                          " pixels cannot be brought within a budget of ", budget,
                                          " soft tokens"));
        }
        return to;
    }
}
