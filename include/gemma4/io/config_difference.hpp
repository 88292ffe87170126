// Where a model's file and a compiled variant differ, field by field, in the words of the file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    struct config_difference
    {
        std::string field;
        std::string found;       // in the file
        std::string compiled;    // in the variant
    };

    using config_differences = std::vector<config_difference>;

    // Adds a difference where the two values are not equal.
    template <class T>
    void add_difference(config_differences& all, std::string_view field, T const& found, T const& compiled)
    {
        if (found == compiled) { return; }
        all.push_back({std::string(field), sentence(found), sentence(compiled)});
    }

    // mismatch_error naming the first difference with both values; nothing where there is none.
    inline void refuse_difference(config_differences const& all, std::string_view file,
                                  std::string_view variant)
    {
        if (all.empty()) { return; }
        auto const& [field, found, compiled] = all.front();
        throw mismatch_error(sentence(file, ": ", field, " is ", found, ", but the compiled variant ",
                                      variant, " has ", compiled));
    }

    // "a is 1, expected 2; b is 3, expected 4; and 7 more"
    inline std::string differences_text(std::span<config_difference const> all, std::size_t most = 6)
    {
        std::string text;
        for (auto const& [field, found, compiled] : all.first(all.size() < most ? all.size() : most))
        {
            text += sentence(text.empty() ? "" : "; ", field, " is ", found, ", expected ", compiled);
        }
        if (all.size() > most) { text += sentence("; and ", all.size() - most, " more"); }
        return text;
    }
}
