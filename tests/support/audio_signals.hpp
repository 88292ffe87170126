// The signals of tools/reference/make_audio_cases.py: the same bits on both sides, because every step is
// exact before the one rounding to float.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <support/generator.hpp>

namespace gemma4_test
{
    inline std::vector<float> audio_signal(std::string const& kind, std::size_t count)
    {
        constexpr std::uint64_t seed = 11;
        bit_source const bits("audio." + kind, seed);
        std::vector<float> samples(count);
        for (std::size_t i = 0; i != count; ++i)
        {
            auto const noise = double(std::int64_t(bits(i) >> 40) - (1 << 23)) / (1 << 23);
            auto const saw = double(std::int64_t((i * 37 + i * i / 4096) % 2048) - 1024) / 1024;
            auto const swell = double((i / 64) % 128) / 128;
            samples[i] = kind == "silence"    ? 0.0f
                         : kind == "constant" ? 1.0f
                         : kind == "noise"    ? float(noise)
                         : kind == "clipped"  ? float(std::clamp(saw * 3, -1.0, 1.0))
                         : kind == "quiet"    ? float(noise / 8192)
                                              : float(saw * swell * 0.5 + noise / 64);
        }
        return samples;
    }
}
