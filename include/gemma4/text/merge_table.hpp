// (left, right) -> (rank, result): open addressing with linear probing, at most half full, fixed after
// construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    struct merge
    {
        static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

        std::uint32_t rank = never;    // the lower, the earlier
        token_id result = token_index::none;
    };

    class merge_table
    {
    public:
        // Rank is the place in rules; of rules with the same left and right the last one counts.
        explicit merge_table(std::span<merge_rule const> rules)
        {
            std::size_t slots = 16;
            while (slots < 2 * rules.size()) { slots *= 2; }
            m_slots.resize(slots);
            for (std::size_t rank = 0; rank != rules.size(); ++rank)
            {
                auto const& rule = rules[rank];
                m_slots[place(rule.left, rule.right)] = {
                    rule.left, rule.right, {std::uint32_t(rank), rule.result}};
            }
        }

        // rank == merge::never if the two do not merge
        merge find(token_id left, token_id right) const noexcept { return m_slots[place(left, right)].to; }

    private:
        struct slot
        {
            token_id left = token_index::none;
            token_id right = token_index::none;
            merge to;
        };

        // The slot of the pair, or the empty one where it would be.
        std::size_t place(token_id left, token_id right) const noexcept
        {
            auto const mask = m_slots.size() - 1;
            auto const key = (std::uint64_t(std::uint32_t(left)) << 32) | std::uint32_t(right);
            auto i = std::size_t(mix_bits(mix_bits(key))) & mask;
            while (m_slots[i].left != token_index::none
                   && !(m_slots[i].left == left && m_slots[i].right == right))
            {
                i = (i + 1) & mask;
            }
            return i;
        }

        std::vector<slot> m_slots;
    };
}
