// Blocks of a quantised format as float32.
#pragma once

#include <cstddef>

namespace gemma4::inline v0::kernels
{
    template <class Arch>
    struct dequantise_kernel
    {
        // y[i] = scale * weight i of the blocks at source, i < n.
        template <class Format>
        static void run(void const* source, float scale, float* y, std::size_t n)
        {
            auto block = static_cast<std::byte const*>(source);
            for (std::size_t at = 0; at != n; at += Format::weights_per_block)
            {
                Format::dequantise(block, y + at);
                block += Format::bytes_per_block;
            }
            if (scale == 1.0f) { return; }
            for (std::size_t i = 0; i != n; ++i) { y[i] *= scale; }
        }
    };
}
