// Finds added tokens in text: leftmost, then longest.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    class added_token_matcher
    {
    public:
        struct entry
        {
            std::string content;    // not empty
            token_id id;
            bool special;
        };

        struct match
        {
            std::size_t begin;
            std::size_t end;
            entry const* token;    // nullptr: none up to the end of the text
        };

        explicit added_token_matcher(std::vector<entry> entries = {})
            : m_entries(std::move(entries))
        {
            std::ranges::sort(m_entries, {}, &entry::content);
            for (auto const& e : m_entries) { m_starts[static_cast<unsigned char>(e.content[0])] = true; }
        }

        bool empty() const noexcept { return m_entries.empty(); }

        // The first match that begins at `from` or later.
        match next(std::string_view text, std::size_t from) const noexcept
        {
            for (auto begin = from; begin < text.size(); ++begin)
            {
                if (!m_starts[static_cast<unsigned char>(text[begin])]) { continue; }
                if (auto const* token = longest_at(text.substr(begin)))
                {
                    return {begin, begin + token->content.size(), token};
                }
            }
            return {text.size(), text.size(), nullptr};
        }

    private:
        // Entries that agree with text in their first n bytes are neighbours; the one that ends there comes
        // first.
        entry const* longest_at(std::string_view text) const noexcept
        {
            entry const* longest = nullptr;
            auto first = m_entries.begin();
            auto last = m_entries.end();
            for (std::size_t n = 0; first != last; ++n)
            {
                if (first->content.size() == n) { longest = &*first++; }
                if (n == text.size()) { break; }
                auto const byte = static_cast<unsigned char>(text[n]);
                auto const byte_at_n = [n](entry const& e)
                { return static_cast<unsigned char>(e.content[n]); };
                auto const agreeing = std::ranges::equal_range(first, last, byte, {}, byte_at_n);
                first = agreeing.begin();
                last = agreeing.end();
            }
            return longest;
        }

        std::vector<entry> m_entries;    // by content, bytes compared as unsigned
        std::array<bool, 256> m_starts{};
    };
}
