// Resizing an image as Pillow's Image.resize(size, BICUBIC) does, to the same 8 bits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gemma4/media/bicubic_taps.hpp>
#include <gemma4/media/image_size.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline constexpr std::int32_t half_of_sum = 1 << (bicubic_taps::precision - 1);

        inline std::uint8_t to_pixel(std::int32_t sum)
        {
            return std::uint8_t(std::clamp(sum >> bicubic_taps::precision, 0, 255));
        }

        // One row of `in` (columns, 3) to a row of `out` (taps, 3).
        inline void resize_row(bicubic_taps const& taps, std::uint8_t const* in, std::uint8_t* out)
        {
            for (std::size_t x = 0; x != taps.firsts.size(); ++x)
            {
                auto const* const weights = taps.weights.data() + x * taps.stride;
                auto const* pixel = in + taps.firsts[x] * 3;
                std::int32_t red = half_of_sum, green = half_of_sum, blue = half_of_sum;
                for (std::size_t j = 0; j != taps.counts[x]; ++j, pixel += 3)
                {
                    red += pixel[0] * weights[j];
                    green += pixel[1] * weights[j];
                    blue += pixel[2] * weights[j];
                }
                out[x * 3 + 0] = to_pixel(red);
                out[x * 3 + 1] = to_pixel(green);
                out[x * 3 + 2] = to_pixel(blue);
            }
        }

        inline rgb_image resize_width(rgb_image const& image, std::size_t width)
        {
            auto const taps = make_bicubic_taps(image.width, width);
            rgb_image out{width, image.height, std::vector<std::uint8_t>(width * image.height * 3)};
            for (std::size_t y = 0; y != image.height; ++y)
            {
                resize_row(taps, image.pixels.data() + y * image.width * 3,
                           out.pixels.data() + y * width * 3);
            }
            return out;
        }

        inline rgb_image resize_height(rgb_image const& image, std::size_t height)
        {
            auto const taps = make_bicubic_taps(image.height, height);
            auto const row = image.width * 3;    // bytes
            rgb_image out{image.width, height, std::vector<std::uint8_t>(row * height)};
            std::vector<std::int32_t> sums(row);
            for (std::size_t y = 0; y != height; ++y)
            {
                std::fill(sums.begin(), sums.end(), half_of_sum);
                for (std::size_t j = 0; j != taps.counts[y]; ++j)
                {
                    auto const weight = taps.weights[y * taps.stride + j];
                    auto const* const in = image.pixels.data() + (taps.firsts[y] + j) * row;
                    for (std::size_t i = 0; i != row; ++i) { sums[i] += in[i] * weight; }
                }
                for (std::size_t i = 0; i != row; ++i) { out.pixels[y * row + i] = to_pixel(sums[i]); }
            }
            return out;
        }
    }

    // True where Pillow 13 resizes the height before the width: when the rows that go are more than twice the
    // columns that go (columns that come count as fewer than none). Pillow 12 and before always begin with
    // the width.
    inline bool resizes_height_first(image_size from, image_size to)
    {
        return to.height < from.height && from.height - to.height + 2 * to.width > 2 * from.width;
    }

    // The image at another size: bicubic (a = -1/2) and antialiased, one side after the other, each pass
    // rounded and clamped to 8 bits; a pass whose side stays is left out. argument_error when a side is zero.
    inline rgb_image resize(rgb_image const& image, image_size to)
    {
        check_image(image);
        if (to.width == 0 || to.height == 0)
        {
            throw argument_error(
                sentence("an image cannot be resized to ", to.width, " x ", to.height, " pixels"));
        }
        image_size const from{image.width, image.height};
        if (to == from) { return image; }
        if (to.width == from.width) { return detail::resize_height(image, to.height); }
        if (to.height == from.height) { return detail::resize_width(image, to.width); }
        return resizes_height_first(from, to)
                   ? detail::resize_width(detail::resize_height(image, to.height), to.width)
                   : detail::resize_height(detail::resize_width(image, to.width), to.height);
    }
}
