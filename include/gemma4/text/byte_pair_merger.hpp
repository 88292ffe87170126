// Byte-pair merging of one piece of text: the adjacent pair of lowest rank becomes one symbol, leftmost on
// ties, until no pair has a rank. A heap over a linked list: n log n for a piece of n symbols, however long
// its words are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/text/merge_table.hpp>

namespace gemma4::inline v0
{
    // Holds the working memory of one call of encode.
    class byte_pair_merger
    {
    public:
        explicit byte_pair_merger(merge_table const& table)
            : m_table(table)
        {}

        bool empty() const noexcept { return m_symbols.empty(); }

        void push(token_id id)
        {
            if (m_symbols.size() == end)
            {
                throw argument_error(
                    sentence("encode: expected a piece of at most ", end, " symbols, found more"));
            }
            m_symbols.push_back({id, 0, 0, {}});
        }

        // Appends the ids of the piece pushed so far to out and starts a new one.
        void flush(std::vector<token_id>& out)
        {
            if (m_symbols.size() <= short_piece) { merge_by_scanning(); }
            else { merge_by_heap(); }
            for (auto const& s : m_symbols)
            {
                if (s.id != token_index::none) { out.push_back(s.id); }
            }
            m_symbols.clear();
        }

    private:
        static constexpr std::uint32_t end = std::numeric_limits<std::uint32_t>::max();

        // Up to here looking at every pair again costs less than a heap.
        static constexpr std::size_t short_piece = 16;

        struct symbol
        {
            token_id id;    // none: merged into its left neighbour
            std::uint32_t previous;
            std::uint32_t next;
            merge with_next;
        };

        void merge_by_scanning()
        {
            auto& s = m_symbols;
            for (std::size_t i = 0; i + 1 < s.size(); ++i)
            {
                s[i].with_next = m_table.find(s[i].id, s[i + 1].id);
            }
            while (s.size() > 1)
            {
                std::size_t best = 0;
                for (std::size_t i = 1; i + 1 < s.size(); ++i)
                {
                    if (s[i].with_next.rank < s[best].with_next.rank) { best = i; }
                }
                if (s[best].with_next.rank == merge::never) { return; }
                s[best].id = s[best].with_next.result;
                s.erase(s.begin() + std::ptrdiff_t(best) + 1);
                s[best].with_next = best + 1 < s.size() ? m_table.find(s[best].id, s[best + 1].id) : merge{};
                if (best != 0) { s[best - 1].with_next = m_table.find(s[best - 1].id, s[best].id); }
            }
        }

        void merge_by_heap()
        {
            auto const size = std::uint32_t(m_symbols.size());
            m_heap.clear();
            for (std::uint32_t i = 0; i != size; ++i)
            {
                m_symbols[i].previous = i == 0 ? end : i - 1;
                m_symbols[i].next = i + 1 == size ? end : i + 1;
            }
            for (std::uint32_t i = 0; i + 1 < size; ++i)
            {
                if (look_up(i)) { m_heap.push_back(entry(i)); }
            }
            std::ranges::make_heap(m_heap, std::greater{});
            while (!m_heap.empty())
            {
                std::ranges::pop_heap(m_heap, std::greater{});
                auto const top = m_heap.back();
                m_heap.pop_back();
                auto const at = std::uint32_t(top);
                if (entry(at) != top) { continue; }    // one of the two symbols has changed since
                auto& left = m_symbols[at];
                auto& right = m_symbols[left.next];
                left.id = left.with_next.result;
                left.next = right.next;
                if (left.next != end) { m_symbols[left.next].previous = at; }
                right.id = token_index::none;
                right.with_next = {};
                push_pair(at);
                if (left.previous != end) { push_pair(left.previous); }
            }
        }

        // Finds the merge of symbol i with its right neighbour; false if there is none.
        bool look_up(std::uint32_t i) noexcept
        {
            auto& s = m_symbols[i];
            s.with_next = s.next == end ? merge{} : m_table.find(s.id, m_symbols[s.next].id);
            return s.with_next.rank != merge::never;
        }

        void push_pair(std::uint32_t i)
        {
            if (!look_up(i)) { return; }
            m_heap.push_back(entry(i));
            std::ranges::push_heap(m_heap, std::greater{});
        }

        // Ordered by rank, then position.
        std::uint64_t entry(std::uint32_t i) const noexcept
        {
            return (std::uint64_t(m_symbols[i].with_next.rank) << 32) | i;
        }

        merge_table const& m_table;
        std::vector<symbol> m_symbols;
        std::vector<std::uint64_t> m_heap;
    };
}
