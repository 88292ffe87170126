// A set of token ids: one bit for each token of a vocabulary.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    class token_set
    {
    public:
        explicit token_set(std::size_t vocab = 0)
            : m_words((vocab + 63) / 64)
        {}

        // id < vocab
        void insert(token_id id) noexcept { m_words[std::size_t(id) / 64] |= bit(id); }
        bool contains(token_id id) const noexcept
        {
            auto const word = std::size_t(id) / 64;
            return id >= 0 && word < m_words.size() && (m_words[word] & bit(id)) != 0;
        }

        token_set& operator|=(token_set const& other) noexcept
        {
            for (std::size_t i = 0; i != m_words.size(); ++i) { m_words[i] |= other.m_words[i]; }
            return *this;
        }

        void clear() noexcept { std::ranges::fill(m_words, 0); }

        std::size_t count() const noexcept
        {
            std::size_t n = 0;
            for (auto const word : m_words) { n += std::size_t(std::popcount(word)); }
            return n;
        }

        template <class Visit>
        void for_each(Visit&& visit) const
        {
            for (std::size_t i = 0; i != m_words.size(); ++i)
            {
                for (auto word = m_words[i]; word != 0; word &= word - 1)
                {
                    visit(token_id(i * 64 + std::size_t(std::countr_zero(word))));
                }
            }
        }

        // Makes the logits of all other tokens -inf.
        void keep(std::span<float> logits) const noexcept
        {
            constexpr auto forbidden = -std::numeric_limits<float>::infinity();
            auto const known = std::min(logits.size(), m_words.size() * 64);
            for (std::size_t begin = 0; begin < known; begin += 64)
            {
                auto const word = m_words[begin / 64];
                if (word == ~std::uint64_t(0)) { continue; }
                auto const some = logits.subspan(begin, std::min<std::size_t>(64, known - begin));
                if (word == 0)
                {
                    std::ranges::fill(some, forbidden);
                    continue;
                }
                for (std::size_t i = 0; i != some.size(); ++i)
                {
                    some[i] = (word >> i) & 1u ? some[i] : forbidden;
                }
            }
            std::ranges::fill(logits.subspan(known), forbidden);
        }

    private:
        static std::uint64_t bit(token_id id) noexcept { return std::uint64_t(1) << (std::size_t(id) % 64); }

        std::vector<std::uint64_t> m_words;
    };
}
