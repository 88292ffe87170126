// What a sound file may ask for before it is refused.
#pragma once

#include <cstddef>

namespace gemma4::inline v0
{
    struct audio_limits
    {
        // Of all channels together: 2 GiB of floats, 93 minutes of stereo at 48 kHz. A few bytes of FLAC can
        // stand for hours of silence.
        std::size_t max_samples = std::size_t(1) << 29;
        std::size_t max_file_bytes = std::size_t(1) << 32;
    };
}
