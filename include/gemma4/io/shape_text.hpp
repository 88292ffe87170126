// A tensor's shape in a sentence.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0::detail
{
    // "[256, 96]"
    inline std::string shape_text(std::span<std::size_t const> shape)
    {
        std::string text = "[";
        for (auto const extent : shape) { text += (text.size() > 1 ? ", " : "") + sentence(extent); }
        return text + "]";
    }
}
