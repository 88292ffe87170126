// The choice of precision for a checkpoint's matrices.
#pragma once

namespace gemma4::inline v0
{
    // How matrices are kept. The last three are for files of F32, BF16 and F16.
    enum class weight_precision
    {
        stored,    // packed without loss where there is a layout for their type
        f32,       // as they are in the file
        bf16,
        int8,    // 32 weights share a binary16 scale, as Q8_0
        int4     // 32 weights share a binary16 scale, as Q4_0
    };
}
