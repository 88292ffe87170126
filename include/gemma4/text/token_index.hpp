// Token string -> id: open addressing with linear probing over (32 bits of hash, id), at most half full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    constexpr std::uint64_t mix_bits(std::uint64_t x) noexcept
    {
        x *= 0x9e3779b97f4a7c15u;
        return x ^ (x >> 32);
    }

    inline std::uint64_t hash_bytes(std::string_view bytes) noexcept
    {
        auto hash = mix_bits(bytes.size() + 1);
        auto const* at = bytes.data();
        auto left = bytes.size();
        for (std::uint64_t word; left >= sizeof word; at += sizeof word, left -= sizeof word)
        {
            std::memcpy(&word, at, sizeof word);
            hash = mix_bits(hash ^ word);
        }
        std::uint64_t tail = 0;
        if (left >= 4)    // two words that may overlap: no loop over single bytes
        {
            std::uint32_t first;
            std::uint32_t last;
            std::memcpy(&first, at, sizeof first);
            std::memcpy(&last, at + left - sizeof last, sizeof last);
            tail = (std::uint64_t(last) << 32) | first;
        }
        else
        {
            for (std::size_t i = 0; i != left; ++i)
            {
                tail = (tail << 8) | static_cast<unsigned char>(at[i]);
            }
        }
        return mix_bits(mix_bits(hash ^ tail));
    }

    class token_index
    {
    public:
        static constexpr token_id none = -1;

        explicit token_index(std::size_t tokens = 0)
        {
            std::size_t slots = 16;
            while (slots < 2 * tokens) { slots *= 2; }
            m_slots.resize(slots);
        }

        // Whether one more token may be inserted.
        bool has_room() const noexcept { return 2 * (m_count + 1) <= m_slots.size(); }
        std::size_t count() const noexcept { return m_count; }

        // The id inserted under this hash for which is_same(id) holds, or none.
        template <class Same>
        token_id find(std::uint64_t hash, Same&& is_same) const
        {
            auto const mask = m_slots.size() - 1;
            auto const tag = std::uint32_t(hash >> 32);
            for (auto i = std::size_t(hash) & mask;; i = (i + 1) & mask)
            {
                auto const& at = m_slots[i];
                if (at.id == none || (at.tag == tag && is_same(at.id))) { return at.id; }
            }
        }

        // The id in the first slot looked at under this hash, which most often is the one sought. May be
        // none.
        token_id first(std::uint64_t hash) const noexcept
        {
            return m_slots[std::size_t(hash) & (m_slots.size() - 1)].id;
        }

        // The caller has found none under this hash, and has_room().
        void insert(std::uint64_t hash, token_id id) noexcept
        {
            auto const mask = m_slots.size() - 1;
            auto i = std::size_t(hash) & mask;
            while (m_slots[i].id != none) { i = (i + 1) & mask; }
            m_slots[i] = {std::uint32_t(hash >> 32), id};
            ++m_count;
        }

    private:
        struct slot
        {
            std::uint32_t tag = 0;
            token_id id = none;
        };

        std::vector<slot> m_slots;
        std::size_t m_count = 0;
    };
}
