// What a tokenizer is made of, as plain data: token strings by id, merges by rank, added tokens. It is filled
// from tokenizer.json (text/tokenizer_json.hpp) or from the arrays of a GGUF file, and given to a tokenizer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/token_index.hpp>

namespace gemma4::inline v0
{
    // Two adjacent symbols become one.
    struct merge_rule
    {
        token_id left;
        token_id right;
        token_id result;

        bool operator==(merge_rule const&) const = default;
    };

    struct merge_text
    {
        std::string_view left;
        std::string_view right;
    };

    // A token whose string is looked for in the text before anything else.
    struct added_token
    {
        token_id id;
        bool special;    // dropped by skip_special_tokens, plain characters under special_tokens::as_text
        bool normalized = false;    // looked for after, not before, spaces have become U+2581
    };

    class vocabulary
    {
    public:
        vocabulary() = default;

        // Sized for this many tokens; more may be added.
        explicit vocabulary(std::size_t tokens)
            : m_index(tokens)
        {
            m_ends.reserve(tokens);
        }

        // Gives token the next id. False, and nothing is changed, if the string has an id already.
        bool add(std::string_view token)
        {
            auto const hash = hash_bytes(token);
            if (find(token, hash) != token_index::none) { return false; }
            constexpr std::size_t limit = std::numeric_limits<std::int32_t>::max();
            if (m_ends.size() == limit || token.size() > limit - m_bytes.size())
            {
                throw capacity_error(
                    sentence("vocabulary: expected at most ", limit, " tokens and bytes, found more"));
            }
            if (!m_index.has_room()) { grow(); }
            m_index.insert(hash, token_id(m_ends.size()));
            m_bytes += token;
            m_ends.push_back(std::uint32_t(m_bytes.size()));
            return true;
        }

        // Adds merges of the next ranks. Returns how many were good: all, or those before the first one whose
        // left, right or left + right has no id.
        std::size_t add_merges(std::span<merge_text const> texts)
        {
            constexpr std::size_t batch = 64;
            std::size_t good = 0;
            while (good != texts.size())
            {
                auto const some = texts.subspan(good, std::min(batch, texts.size() - good));
                auto const accepted = add_batch(some);
                good += accepted;
                if (accepted != some.size()) { break; }
            }
            return good;
        }

        std::size_t size() const noexcept { return m_ends.size(); }

        // 0 <= id < size()
        std::string_view operator[](token_id id) const noexcept
        {
            auto const i = std::size_t(id);
            auto const begin = i == 0 ? 0 : m_ends[i - 1];
            return {m_bytes.data() + begin, m_ends[i] - begin};
        }

        std::optional<token_id> find(std::string_view token) const
        {
            auto const id = find(token, hash_bytes(token));
            return id == token_index::none ? std::nullopt : std::optional(id);
        }

        std::vector<merge_rule> merges;    // by rank; of rules with equal left and right the last one counts
        std::vector<added_token> added;
        bool adds_bos = false;    // raw text starts with <bos>

    private:
        token_id find(std::string_view token, std::uint64_t hash) const
        {
            return m_index.find(hash, [&](token_id id) { return (*this)[id] == token; });
        }

        std::size_t add_batch(std::span<merge_text const> texts)
        {
            std::string joined;    // left + right of every merge, one after the other
            for (auto const& [left, right] : texts) { joined.append(left).append(right); }
            std::vector<std::string_view> names;
            names.reserve(3 * texts.size());
            std::size_t at = 0;
            for (auto const& [left, right] : texts)
            {
                names.push_back(left);
                names.push_back(right);
                names.push_back(std::string_view(joined).substr(at, left.size() + right.size()));
                at += left.size() + right.size();
            }
            auto const ids = find_all(names);
            for (std::size_t i = 0; i != texts.size(); ++i)
            {
                merge_rule const rule{ids[3 * i], ids[3 * i + 1], ids[3 * i + 2]};
                if (rule.left == token_index::none || rule.right == token_index::none
                    || rule.result == token_index::none)
                {
                    return i;
                }
                merges.push_back(rule);
            }
            return texts.size();
        }

        // The same as find for each. Every pass touches one kind of memory for all names, so that its cache
        // misses overlap: the real tokenizer.json loads in 0.16 s (CPU time) instead of 0.20 s with one find
        // after the other.
        std::vector<token_id> find_all(std::span<std::string_view const> names) const
        {
            struct candidate
            {
                std::uint64_t hash;
                token_id id;
                std::string_view token;
                bool likely;
            };
            std::vector<candidate> found(names.size());
            std::vector<token_id> ids(names.size());
            for (std::size_t i = 0; i != names.size(); ++i) { found[i].hash = hash_bytes(names[i]); }
            for (auto& f : found) { f.id = m_index.first(f.hash); }
            for (auto& f : found)
            {
                if (f.id != token_index::none) { f.token = (*this)[f.id]; }
            }
            for (std::size_t i = 0; i != names.size(); ++i)
            {
                auto& f = found[i];
                f.likely = !f.token.empty() && f.token.size() == names[i].size() && f.token[0] == names[i][0];
            }
            for (std::size_t i = 0; i != names.size(); ++i)
            {
                auto const& f = found[i];
                ids[i] = f.likely && f.token == names[i] ? f.id : find(names[i], f.hash);
            }
            return ids;
        }

        void grow()
        {
            token_index larger(2 * m_ends.size() + 16);
            for (std::size_t i = 0; i != m_ends.size(); ++i)
            {
                larger.insert(hash_bytes((*this)[token_id(i)]), token_id(i));
            }
            m_index = std::move(larger);
        }

        std::string m_bytes;                  // all token strings, one after the other
        std::vector<std::uint32_t> m_ends;    // where each one ends
        token_index m_index;
    };

    // "<0xHH>", the token of a byte that no other token covers.
    inline std::string byte_token_name(unsigned char byte)
    {
        constexpr std::string_view digits = "0123456789ABCDEF";
        return sentence("<0x", digits[byte >> 4], digits[byte & 15], ">");
    }

    // The byte that a token of the form <0xHH> stands for.
    inline std::optional<unsigned char> byte_of(std::string_view token) noexcept
    {
        if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') { return std::nullopt; }
        unsigned value = 0;
        for (char const c : token.substr(3, 2))
        {
            if (c >= '0' && c <= '9') { value = 16 * value + unsigned(c - '0'); }
            else if (c >= 'A' && c <= 'F') { value = 16 * value + unsigned(c - 'A') + 10; }
            else if (c >= 'a' && c <= 'f') { value = 16 * value + unsigned(c - 'a') + 10; }
            else { return std::nullopt; }
        }
        return static_cast<unsigned char>(value);
    }
}
