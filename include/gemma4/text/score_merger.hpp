// Symbols -> tokens by scores: the older tokenizer type "llama" of GGUF files (Gemma 1 to 3), equal to
// llama.cpp's.
//
// U+0020 becomes U+2581, every code point is a symbol, and of all adjacent symbols whose joined string is a
// token the pair with the highest score is joined, the leftmost of equals, until there is none. A symbol that
// is no token becomes its bytes as <0xHH>.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/utf8.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    class score_merger
    {
    public:
        // One finite score for each token. With add_space_prefix a space is put before every piece.
        score_merger(std::vector<float> scores, bool add_space_prefix)
            : m_scores(std::move(scores))
            , m_add_space_prefix(add_space_prefix)
        {}

        std::size_t size() const noexcept { return m_scores.size(); }

        // Appends the ids of a piece of UTF-8, which is at the beginning or follows an added token. `tokens`
        // are those of the scores, `bytes` the tokens <0xHH>.
        void encode(std::string_view piece, vocabulary const& tokens, std::array<token_id, 256> const& bytes,
                    std::vector<token_id>& ids) const
        {
            std::string text;
            text.reserve(piece.size() + piece.size() / 4 + space_symbol.size());
            if (m_add_space_prefix) { text += space_symbol; }
            for (char const c : piece)
            {
                if (c != ' ')
                {
                    text += c;
                    continue;
                }
                if (text.size() >= longest_piece)
                {
                    encode_symbols(text, tokens, bytes, ids);
                    text.clear();
                }
                text += space_symbol;
            }
            if (text.size() >= std::size_t(1) << 31)
            {
                throw argument_error(
                    sentence("text: expected fewer than 2^31 bytes without a space, found ", text.size()));
            }
            encode_symbols(text, tokens, bytes, ids);
        }

    private:
        // A stretch of the text; size 0: joined to the one before.
        struct symbol
        {
            std::uint32_t begin;
            std::uint32_t size;
            std::int32_t previous;
            std::int32_t next;
        };

        struct pair
        {
            float score;
            std::int32_t left;
            std::int32_t right;
            std::uint32_t size;

            bool operator<(pair const& other) const noexcept
            {
                return score != other.score ? score < other.score : left > other.left;
            }
        };

        static constexpr std::string_view space_symbol = "\u2581";

        // Pieces of this many bytes keep the 32-bit numbers of symbols safe. They end before a space where
        // there is one.
        static constexpr std::size_t longest_piece = std::size_t(1) << 28;

        void encode_symbols(std::string_view text, vocabulary const& tokens,
                            std::array<token_id, 256> const& bytes, std::vector<token_id>& ids) const
        {
            std::vector<symbol> symbols;
            for (std::size_t at = 0; at != text.size();)
            {
                auto const length = decode_utf8(text, at).length;
                auto const i = std::int32_t(symbols.size());
                at += length;
                symbols.push_back({std::uint32_t(at - length), std::uint32_t(length), i - 1,
                                   at == text.size() ? -1 : i + 1});
            }
            std::priority_queue<pair> pairs;
            auto const try_pair = [&](std::int32_t left, std::int32_t right)
            {
                if (left < 0 || right < 0) { return; }
                auto const& l = symbols[std::size_t(left)];
                auto const size = l.size + symbols[std::size_t(right)].size;
                if (auto const id = tokens.find(text.substr(l.begin, size)))
                {
                    pairs.push({m_scores[std::size_t(*id)], left, right, size});
                }
            };
            for (std::size_t i = 1; i < symbols.size(); ++i)
            {
                try_pair(std::int32_t(i) - 1, std::int32_t(i));
            }
            while (!pairs.empty())
            {
                auto const best = pairs.top();
                pairs.pop();
                auto& left = symbols[std::size_t(best.left)];
                auto& right = symbols[std::size_t(best.right)];
                bool const outdated =
                    left.size == 0 || right.size == 0 || left.size + right.size != best.size;
                if (outdated) { continue; }
                left.size += right.size;
                right.size = 0;
                left.next = right.next;
                if (right.next >= 0) { symbols[std::size_t(right.next)].previous = best.left; }
                try_pair(left.previous, best.left);
                try_pair(best.left, left.next);
            }
            for (std::int32_t i = symbols.empty() ? -1 : 0; i >= 0; i = symbols[std::size_t(i)].next)
            {
                auto const& s = symbols[std::size_t(i)];
                auto const string = text.substr(s.begin, s.size);
                if (auto const id = tokens.find(string)) { ids.push_back(*id); }
                else
                {
                    for (char const byte : string) { ids.push_back(bytes[static_cast<unsigned char>(byte)]); }
                }
            }
        }

        std::vector<float> m_scores;
        bool m_add_space_prefix;
    };
}
