// The byte order mark that some programs write before UTF-8.
#pragma once

#include <string_view>

namespace gemma4::inline v0::detail
{
    inline std::string_view without_bom(std::string_view text) noexcept
    {
        constexpr std::string_view bom = "\xef\xbb\xbf";
        return text.starts_with(bom) ? text.substr(bom.size()) : text;
    }
}
