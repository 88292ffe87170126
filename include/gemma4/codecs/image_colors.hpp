// Pixels of other kinds to RGB, in the arithmetic of Pillow's conversions.
#pragma once

#include <array>
#include <cstdint>

namespace gemma4::inline v0
{
    struct rgba_color
    {
        std::uint8_t red = 0, green = 0, blue = 0, alpha = 255;
    };

    using color_palette = std::array<rgba_color, 256>;    // entries that a file does not give are black

    // A pixel composited onto white (Pillow's alpha_composite with an opaque white below): 7 bits beyond the
    // point, division by 255 by shifts.
    inline std::uint8_t on_white(std::uint8_t value, std::uint8_t alpha)
    {
        auto const sum = (std::uint32_t(value) * alpha + 255u * (255u - alpha) + 128u) << 7;
        return std::uint8_t((((sum >> 8) + sum) >> 8) >> 7);
    }

    inline void put_on_white(rgba_color color, std::uint8_t* out)
    {
        out[0] = on_white(color.red, color.alpha);
        out[1] = on_white(color.green, color.alpha);
        out[2] = on_white(color.blue, color.alpha);
    }

    inline void put_grey(std::uint8_t value, std::uint8_t* out) { out[0] = out[1] = out[2] = value; }

    // Ink amounts (0 none, 255 full) to RGB, without a colour profile.
    inline void put_cmyk(std::uint8_t cyan, std::uint8_t magenta, std::uint8_t yellow, std::uint8_t black,
                         std::uint8_t* out)
    {
        auto const light = 255u - black;
        auto const mixed = [light](std::uint8_t ink)
        {
            auto const product = ink * light + 128u;
            return std::uint8_t(light - (((product >> 8) + product) >> 8));
        };
        out[0] = mixed(cyan);
        out[1] = mixed(magenta);
        out[2] = mixed(yellow);
    }
}
