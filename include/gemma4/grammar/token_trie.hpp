// The texts of a vocabulary's tokens as one tree of bytes, in the order in which a walk visits it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    // Holds every token that is text: byte tokens and words, but no special tokens, no <unusedN>, and none
    // whose text is empty. Refers to the tokenizer, which must outlive it. Immutable.
    class token_trie
    {
    public:
        using node_id = std::uint32_t;

        explicit token_trie(tokenizer const& tokens)
            : m_tokenizer(&tokens)
        {
            collect();
            std::vector<token_id> order(m_ends.size());
            std::iota(order.begin(), order.end(), token_id(0));
            std::erase_if(order, [&](token_id id) { return text(id).empty(); });
            std::ranges::sort(order,
                              [&](token_id a, token_id b)
                              {
                                  auto const sign = text(a).compare(text(b));
                                  return sign != 0 ? sign < 0 : a < b;
                              });
            build(order);
        }

        tokenizer const& tokens() const noexcept { return *m_tokenizer; }
        std::size_t vocab() const noexcept { return m_ends.size(); }

        // The bytes that a token adds to the text; nothing for tokens that are not in the tree.
        std::string_view text(token_id id) const noexcept
        {
            if (id < 0 || std::size_t(id) >= m_ends.size()) { return {}; }
            auto const i = std::size_t(id);
            auto const begin = i == 0 ? 0 : m_ends[i - 1];
            return {m_text.data() + begin, m_ends[i] - begin};
        }

        // Node 0 is the root; the nodes below n are n + 1 .. after(n) - 1, in depth-first order.
        std::size_t size() const noexcept { return m_nodes.size(); }
        unsigned char byte(node_id n) const noexcept { return m_nodes[n].byte; }
        std::uint16_t depth(node_id n) const noexcept { return m_nodes[n].depth; }
        node_id after(node_id n) const noexcept { return m_nodes[n].after; }

        // The tokens whose text ends at n; there may be two of the same text (a byte token and a word).
        std::span<token_id const> ending_at(node_id n) const noexcept
        {
            auto const begin = m_nodes[n].tokens;
            auto const end = n + 1 == m_nodes.size() ? m_tokens.size() : m_nodes[n + 1].tokens;
            return std::span(m_tokens).subspan(begin, end - begin);
        }

        std::size_t max_depth() const noexcept { return m_max_depth; }

    private:
        struct node
        {
            node_id after;           // the first node that is not below this one
            std::uint32_t tokens;    // index of the first token that ends here
            std::uint16_t depth;
            unsigned char byte;
        };

        static bool is_unused(std::string_view piece) noexcept
        {
            constexpr std::string_view begin = "<unused";
            if (!piece.starts_with(begin) || !piece.ends_with('>')) { return false; }
            auto const digits = piece.substr(begin.size(), piece.size() - begin.size() - 1);
            return !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
        }

        void collect()
        {
            m_ends.reserve(m_tokenizer->size());
            for (std::size_t i = 0; i != m_tokenizer->size(); ++i)
            {
                auto const id = token_id(i);
                if (auto const byte = m_tokenizer->byte(id)) { m_text += char(*byte); }
                else if (!m_tokenizer->is_special(id) && !is_unused(m_tokenizer->piece(id)))
                {
                    auto const begin = m_text.size();
                    m_tokenizer->append_text(m_text, id);
                    if (m_text.size() - begin > longest) { m_text.resize(begin); }
                }
                m_ends.push_back(std::uint32_t(m_text.size()));
            }
        }

        void build(std::span<token_id const> order)
        {
            m_nodes.push_back({0, 0, 0, 0});
            std::vector<node_id> path{0};    // from the root to the last node
            std::string_view previous;
            for (auto const id : order)
            {
                auto const word = text(id);
                std::size_t const same =
                    std::size_t(std::ranges::mismatch(word, previous).in1 - word.begin());
                while (path.size() > same + 1)
                {
                    m_nodes[path.back()].after = node_id(m_nodes.size());
                    path.pop_back();
                }
                for (std::size_t i = same; i != word.size(); ++i)
                {
                    path.push_back(node_id(m_nodes.size()));
                    m_nodes.push_back({0, std::uint32_t(m_tokens.size()), std::uint16_t(i + 1),
                                       static_cast<unsigned char>(word[i])});
                }
                m_tokens.push_back(id);
                m_max_depth = std::max(m_max_depth, word.size());
                previous = word;
            }
            for (auto const n : path) { m_nodes[n].after = node_id(m_nodes.size()); }
        }

        static constexpr std::size_t longest = 4096;    // bytes of a token; longer ones are left out

        tokenizer const* m_tokenizer;
        std::string m_text;                   // of all tokens
        std::vector<std::uint32_t> m_ends;    // (vocab)
        std::vector<node> m_nodes;
        std::vector<token_id> m_tokens;
        std::size_t m_max_depth = 0;
    };
}
