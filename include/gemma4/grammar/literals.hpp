// One of many texts, as a part of a grammar that shares what they begin with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/grammar/grammar.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The texts ascend, no two are equal, and all agree in their first `known` bytes.
        inline grammar::part literals_behind(grammar& g, std::span<std::string_view const> texts,
                                             std::size_t known, std::size_t depth)
        {
            constexpr std::size_t max_depth = 64;    // deeper ones share no more
            std::vector<grammar::part> ways;
            while (!texts.empty())
            {
                auto const first = texts.front().substr(known);
                std::size_t same = 1;
                auto const begins_alike = [&](std::string_view t)
                { return !first.empty() && t.size() > known && t[known] == first.front(); };
                while (depth != max_depth && same != texts.size() && begins_alike(texts[same])) { ++same; }
                if (same == 1) { ways.push_back(g.literal(first)); }
                else
                {
                    auto const last = texts[same - 1].substr(known);
                    auto const shared = std::size_t(std::ranges::mismatch(first, last).in1 - first.begin());
                    ways.push_back(
                        g.sequence({g.literal(first.substr(0, shared)),
                                    literals_behind(g, texts.first(same), known + shared, depth + 1)}));
                }
                texts = texts.subspan(same);
            }
            return ways.size() == 1 ? ways.front() : g.choice(std::move(ways));
        }
    }

    inline grammar::part one_of_literals(grammar& g, std::vector<std::string_view> texts)
    {
        std::ranges::sort(texts);
        texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
        return detail::literals_behind(g, texts, 0, 0);
    }
}
