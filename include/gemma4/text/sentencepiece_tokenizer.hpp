// Text -> token ids by scores: the older tokenizer type "llama" of GGUF files (Gemma 1 to 3), equal to
// llama.cpp's.
//
// Added tokens are cut out of the raw text, user-defined ones always, special ones where asked for. In the
// rest U+0020 becomes U+2581, every code point is a symbol, and of all adjacent symbols whose joined string
// is a token the pair with the highest score is joined, the leftmost of equals, until there is none. A symbol
// that is no token becomes its bytes as <0xHH>.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/added_token_matcher.hpp>
#include <gemma4/text/tokenizer.hpp>
#include <gemma4/text/utf8.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    // Immutable: may be used by several threads at once.
    class sentencepiece_tokenizer
    {
    public:
        // One finite score for each token; tokens.merges are not used. Throws mismatch_error unless tokens
        // has a token <0xHH> for every byte and a score for every token. With add_space_prefix a space is put
        // before text at the beginning and after an added token.
        sentencepiece_tokenizer(vocabulary tokens, std::vector<float> scores, bool add_space_prefix)
            : m_scores(std::move(scores))
            , m_added(matcher(tokens))
            , m_tokens(std::move(tokens))
            , m_add_space_prefix(add_space_prefix)
        {
            if (m_scores.size() != m_tokens.size())
            {
                throw mismatch_error(sentence("vocabulary: expected ", m_tokens.size(),
                                              " scores, one for each token, found ", m_scores.size()));
            }
            for (std::size_t byte = 0; byte != 256; ++byte)
            {
                m_bytes[byte] = *m_tokens.find(byte_token_name(static_cast<unsigned char>(byte)));
            }
        }

        // Ill-formed UTF-8 counts as one U+FFFD for each maximal subpart. No <bos> is added.
        std::vector<token_id> encode(std::string_view text,
                                     special_tokens specials = special_tokens::recognise) const
        {
            std::vector<token_id> ids;
            encode(text, ids, specials);
            return ids;
        }

        // Appends to ids.
        void encode(std::string_view text, std::vector<token_id>& ids, special_tokens specials) const
        {
            std::string repaired;
            if (!is_utf8(text))
            {
                repaired = with_replacements(text);
                text = repaired;
            }
            std::size_t begin = 0;
            bool after_token = true;
            for (auto m = m_added.next(text, 0); m.token; m = m_added.next(text, m.end))
            {
                if (m.token->special && specials == special_tokens::as_text) { continue; }
                if (begin != m.begin) { encode_plain(text.substr(begin, m.begin - begin), after_token, ids); }
                ids.push_back(m.token->id);
                begin = m.end;
                after_token = true;
            }
            if (begin != text.size()) { encode_plain(text.substr(begin), after_token, ids); }
        }

        std::string decode(std::span<token_id const> ids, bool skip_special_tokens = false) const
        {
            return m_tokens.decode(ids, skip_special_tokens);
        }

        // The strings of the tokens and the way back to text, which are the same for both kinds of tokenizer:
        // also for a stream_decoder. Its encode() is not this one's.
        tokenizer const& tokens() const noexcept { return m_tokens; }

        std::size_t size() const noexcept { return m_tokens.size(); }
        bool adds_bos() const noexcept { return m_tokens.adds_bos(); }

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

        static added_token_matcher matcher(vocabulary const& tokens)
        {
            std::vector<added_token_matcher::entry> entries;
            for (auto const& token : tokens.added)
            {
                auto const content = tokens[token.id];
                if (!content.empty()) { entries.push_back({std::string(content), token.id, token.special}); }
            }
            return added_token_matcher(std::move(entries));
        }

        void encode_plain(std::string_view piece, bool& after_token, std::vector<token_id>& ids) const
        {
            bool const prefix = m_add_space_prefix && std::exchange(after_token, false);
            after_token = false;
            std::string text;
            text.reserve(piece.size() + piece.size() / 4 + space_symbol.size());
            if (prefix) { text += space_symbol; }
            for (std::size_t at = 0; at != piece.size(); ++at)
            {
                if (piece[at] != ' ')
                {
                    text += piece[at];
                    continue;
                }
                if (text.size() >= longest_piece)
                {
                    encode_symbols(text, ids);
                    text.clear();
                }
                text += space_symbol;
            }
            if (text.size() >= std::size_t(1) << 31)
            {
                throw argument_error(
                    sentence("text: expected fewer than 2^31 bytes without a space, found ", text.size()));
            }
            encode_symbols(text, ids);
        }

        void encode_symbols(std::string_view text, std::vector<token_id>& ids) const
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
                if (auto const id = m_tokens.find(text.substr(l.begin, size)))
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
                if (left.size == 0 || right.size == 0 || left.size + right.size != best.size)
                {
                    continue;
                }    // outdated
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
                if (auto const id = m_tokens.find(string)) { ids.push_back(*id); }
                else
                {
                    for (char const byte : string)
                    {
                        ids.push_back(m_bytes[static_cast<unsigned char>(byte)]);
                    }
                }
            }
        }

        std::vector<float> m_scores;
        added_token_matcher m_added;
        tokenizer m_tokens;
        std::array<token_id, 256> m_bytes{};
        bool m_add_space_prefix;
    };
}
