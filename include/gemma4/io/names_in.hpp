// What a folder holds.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0::detail
{
    // The names in a folder that `wanted` says yes to, sorted. Throws file_error where it cannot be listed.
    template <class Wanted>
    std::vector<std::string> names_in(std::filesystem::path const& folder, Wanted&& wanted)
    {
        std::vector<std::string> names;
        std::error_code reason;
        for (auto at = std::filesystem::directory_iterator(folder, reason);
             !reason && at != std::filesystem::directory_iterator(); at.increment(reason))
        {
            auto name = at->path().filename().string();
            if (wanted(*at, name)) { names.push_back(std::move(name)); }
        }
        if (reason)
        {
            throw file_error(sentence(folder.string(), " cannot be listed: ", reason.message()));
        }
        std::ranges::sort(names);
        return names;
    }
}
