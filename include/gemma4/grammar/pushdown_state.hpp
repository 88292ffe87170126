// A place in a grammar: what the text so far may mean (grammar/pushdown.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include <gemma4/grammar/count_condition.hpp>

namespace gemma4::inline v0
{
    struct configuration
    {
        std::uint32_t frame = 0;
        std::uint32_t node = 0;
        std::uint32_t round = 0;    // of the node's loop, where it has one
        count_condition when{};     // in local states

        static constexpr std::uint32_t unknown_round = ~std::uint32_t(0);    // when.rounds() after it began

        auto operator<=>(configuration const&) const = default;
    };

    // Everything that the text so far may mean. Only nodes that take a byte or a token are kept.
    struct pushdown_state
    {
        std::vector<configuration> items;       // ascending, no two equal
        bool ended = false;                     // the bottom has been returned from: the text may stop here
        std::vector<count_condition> ends{};    // in local states: and when; ascending, no two equal

        bool alive() const noexcept { return ended || !items.empty(); }
        bool operator==(pushdown_state const&) const = default;
    };
}
