// An image as the vision tower takes it: square patches of pixels in 0..1.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <gemma4/media/image_size.hpp>
#include <gemma4/media/resize.hpp>
#include <gemma4/media/rgb_image.hpp>

namespace gemma4::inline v0
{
    struct image_patches
    {
        static constexpr std::size_t values_per_patch = patch_side * patch_side * 3;

        std::size_t columns = 0, rows = 0;    // of patches; multiples of 3
        std::vector<float> pixels;    // (rows * columns, 768), row-major patches, each (row, column, channel)
    };

    // How many soft tokens the tower makes of them: one of 3 x 3 patches.
    inline std::size_t soft_token_count(image_patches const& patches)
    {
        return patches.rows * patches.columns / (pooled_patches * pooled_patches);
    }

    // Cuts an image whose sides are multiples of 48 into patches; argument_error for other sides.
    // A pixel is v * (1 / 255) in double, rounded to float32, as the reference processor's rescale does.
    inline image_patches cut_patches(rgb_image const& image)
    {
        check_image(image);
        constexpr std::size_t multiple = pooled_patches * patch_side;
        if (image.width % multiple != 0 || image.height % multiple != 0)
        {
            throw argument_error(
                sentence("an image of ", image.width, " x ", image.height,
                         " pixels cannot be cut into patches; both sides must be multiples of 48"));
        }
        std::array<float, 256> scaled;
        for (std::size_t v = 0; v != scaled.size(); ++v) { scaled[v] = float(double(v) * (1.0 / 255.0)); }

        image_patches out{image.width / patch_side, image.height / patch_side, {}};
        out.pixels.resize(image.pixels.size());
        constexpr std::size_t run = patch_side * 3;    // values of one row of one patch
        auto const* in = image.pixels.data();
        for (std::size_t y = 0; y != image.height; ++y)
        {
            auto* to = out.pixels.data() + y / patch_side * out.columns * image_patches::values_per_patch
                       + y % patch_side * run;
            for (std::size_t column = 0; column != out.columns;
                 ++column, to += image_patches::values_per_patch)
            {
                for (std::size_t i = 0; i != run; ++i) { to[i] = scaled[*in++]; }
            }
        }
        return out;
    }

    // What the reference image processor (Gemma4ImageProcessorPil of transformers) makes of an RGB image, bit
    // for bit and without its padding. argument_error when the image is empty, too long for its width or the
    // budget is unknown.
    inline image_patches make_patches(rgb_image const& image, std::size_t budget = default_image_budget)
    {
        check_image(image);
        image_size const from{image.width, image.height};
        auto const to = resized_size(from, budget);
        return to == from ? cut_patches(image) : cut_patches(resize(image, to));
    }
}
