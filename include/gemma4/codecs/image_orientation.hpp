// The EXIF orientation of an image file and turning pixels upright by it, as Pillow's ImageOps.exif_transpose
// does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    // The orientation (tag 0x0112) in the first directory of EXIF data, which may start with "Exif\0\0" once
    // or twice. 0 when there is none or the data are malformed. Big and little endian, classic TIFF.
    inline std::size_t exif_orientation(std::span<std::byte const> exif)
    {
        constexpr char mark[] = {'E', 'x', 'i', 'f', 0, 0};
        for (int i = 0; i != 2; ++i)
        {
            if (exif.size() >= sizeof mark
                && std::equal(std::begin(mark), std::end(mark), exif.begin(),
                              [](char a, std::byte b) { return std::byte(a) == b; }))
            {
                exif = exif.subspan(sizeof mark);
            }
        }
        if (exif.size() < 8) { return 0; }
        bool const little = exif[0] == std::byte('I') && exif[1] == std::byte('I');
        if (!little && !(exif[0] == std::byte('M') && exif[1] == std::byte('M'))) { return 0; }
        auto const number = [&](std::size_t at, std::size_t bytes)
        {
            std::size_t value = 0;
            for (std::size_t i = 0; i != bytes; ++i)
            {
                value = value << 8 | std::size_t(exif[little ? at + bytes - 1 - i : at + i]);
            }
            return value;
        };
        if (number(2, 2) != 42) { return 0; }
        auto const directory = number(4, 4);
        if (directory > exif.size() - 2) { return 0; }
        auto const entries = number(directory, 2);
        std::size_t found = 0;
        for (std::size_t i = 0; i != entries; ++i)
        {
            auto const at = directory + 2 + i * 12;
            if (at + 12 > exif.size()) { break; }
            if (number(at, 2) != 0x0112 || number(at + 4, 4) != 1) { continue; }
            // 3: 16 bits, 4: 32 bits; a later entry replaces an earlier.
            auto const type = number(at + 2, 2);
            if (type == 3) { found = number(at + 8, 2); }
            else if (type == 4) { found = number(at + 8, 4); }
        }
        return found;
    }

    // The digit after the first tiff:Orientation=" or tiff:Orientation> of an XMP packet; 0 when there is
    // none.
    inline std::size_t xmp_orientation(std::string_view xmp)
    {
        constexpr std::string_view key = "tiff:Orientation";
        for (auto at = xmp.find(key); at != xmp.npos; at = xmp.find(key, at + 1))
        {
            auto rest = xmp.substr(at + key.size());
            if (rest.starts_with("=\"")) { rest.remove_prefix(2); }
            else if (rest.starts_with(">")) { rest.remove_prefix(1); }
            else { continue; }
            if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') { return std::size_t(rest[0] - '0'); }
        }
        return 0;
    }

    // EXIF first, XMP where EXIF says nothing.
    inline std::size_t image_orientation(std::span<std::byte const> exif, std::string_view xmp)
    {
        auto const by_exif = exif_orientation(exif);
        return by_exif != 0 ? by_exif : xmp_orientation(xmp);
    }

    // The image upright: orientations 2 to 8 of EXIF mirror and turn, any other number changes nothing.
    inline rgb_image upright(rgb_image image, std::size_t orientation)
    {
        if (orientation < 2 || orientation > 8) { return image; }
        bool const swaps = orientation >= 5;
        bool const from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        bool const from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        rgb_image out{image.width, image.height, std::vector<std::uint8_t>(image.pixels.size())};
        if (swaps) { std::swap(out.width, out.height); }
        auto* to = out.pixels.data();
        for (std::size_t y = 0; y != out.height; ++y)
        {
            for (std::size_t x = 0; x != out.width; ++x, to += 3)
            {
                auto column = swaps ? y : x, row = swaps ? x : y;
                if (from_right) { column = image.width - 1 - column; }
                if (from_bottom) { row = image.height - 1 - row; }
                std::copy_n(image.pixels.data() + (row * image.width + column) * 3, 3, to);
            }
        }
        return out;
    }
}
