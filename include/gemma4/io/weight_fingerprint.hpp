// What tells the weights of one model from those of another.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <gemma4/core/checksum.hpp>
#include <gemma4/io/weight_source.hpp>

namespace gemma4::inline v0
{
    // Of every tensor its name, type and shape and some bytes of its middle: few pages are read, and a
    // fine-tuned copy is still another model.
    inline std::uint64_t weight_fingerprint(weight_source const& source)
    {
        constexpr std::size_t sample = 64;
        std::uint64_t sum = 0;
        auto const add = [&](auto const& values) { sum = checksum(std::as_bytes(std::span(values)), sum); };
        for (auto const& t : source.tensors())
        {
            add(t.name);
            add(t.type);
            add(t.shape);
            if (!t.data) { continue; }
            for (auto const at : std::array<std::size_t, 2>{t.bytes / 3, t.bytes / 3 * 2})
            {
                add(std::span(t.data + at, std::min(sample, t.bytes - at)));
            }
        }
        return sum;
    }
}
