// Text -> token ids -> text, equal to Hugging Face `tokenizers` on Gemma 4's tokenizer.json; or, where tokens
// have scores instead of merges (Gemma 1 to 3), equal to llama.cpp (text/score_merger.hpp).
//
// Encoding: added tokens are cut out of the raw text; in the rest U+0020 becomes U+2581, every code point is
// a symbol (one without a token is its UTF-8 bytes as byte tokens), and pairs of symbols merge by rank. No
// <bos> is added. Decoding: token strings with U+2581 -> U+0020; runs of byte tokens are joined.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/added_token_matcher.hpp>
#include <gemma4/text/byte_pair_merger.hpp>
#include <gemma4/text/code_point_table.hpp>
#include <gemma4/text/merge_table.hpp>
#include <gemma4/text/score_merger.hpp>
#include <gemma4/text/tokenizer_json.hpp>
#include <gemma4/text/utf8.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    enum class special_tokens
    {
        recognise,    // their strings in the text become their ids
        as_text    // their strings are plain characters (Hugging Face: encode_special_tokens), for untrusted
                   // text
    };

    // Immutable: may be used by several threads at once.
    class tokenizer
    {
    public:
        // Throws mismatch_error unless tokens has a token <0xHH> for every byte.
        explicit tokenizer(vocabulary tokens)
            : m_vocabulary(std::move(tokens))
            , m_merges(m_vocabulary.merges)
            , m_code_points(m_vocabulary)
            , m_special(m_vocabulary.size())
            , m_raw(matcher(false))
            , m_normalized(matcher(true))
        {
            // The table above replaces the list.
            m_vocabulary.merges = {};
            for (auto const& token : m_vocabulary.added)
            {
                if (token.special) { m_special[std::size_t(token.id)] = true; }
            }
            for (std::size_t byte = 0; byte != 256; ++byte)
            {
                auto const name = byte_token_name(static_cast<unsigned char>(byte));
                auto const id = m_vocabulary.find(name);
                if (!id)
                {
                    throw mismatch_error(sentence("vocabulary: expected a token ", name, ", found none"));
                }
                m_bytes[byte] = *id;
            }
            find_characters_before_space();
        }

        // Pairs are joined by score, not by merges. Throws mismatch_error unless there is one score for every
        // token.
        tokenizer(vocabulary tokens, score_merger scores)
            : tokenizer(std::move(tokens))
        {
            if (scores.size() != size())
            {
                throw mismatch_error(sentence("vocabulary: expected ", size(),
                                              " scores, one for each token, found ", scores.size()));
            }
            m_scores = std::move(scores);
        }

        // Throw file_error naming the file, the field, what was expected and what was found.
        static tokenizer from_file(std::filesystem::path const& tokenizer_json_path)
        {
            return tokenizer(tokenizer_json::read(tokenizer_json_path));
        }

        static tokenizer from_json(std::string_view json, std::string_view file_name_for_errors)
        {
            return tokenizer(tokenizer_json::read(json, file_name_for_errors));
        }

        // Ill-formed UTF-8 counts as one U+FFFD for each maximal subpart.
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
            if (m_scores)
            {
                // every piece is at the beginning or follows an added token
                return split(m_raw, text, specials, ids,
                             [&](std::string_view piece)
                             { m_scores->encode(piece, m_vocabulary, m_bytes, ids); });
            }
            byte_pair_merger merger(m_merges);
            split(m_raw, text, specials, ids,
                  [&](std::string_view piece)
                  {
                      if (m_normalized.empty()) { return encode_plain(piece, merger, ids); }
                      split(m_normalized, normalized(piece), specials, ids,
                            [&](std::string_view part) { encode_plain(part, merger, ids); });
                  });
        }

        // Ids outside 0 .. size() - 1 are dropped, and with skip_special_tokens special tokens, before
        // anything else. A run of byte tokens that is not UTF-8 as a whole becomes one U+FFFD per byte.
        std::string decode(std::span<token_id const> ids, bool skip_special_tokens = false) const
        {
            std::string text;
            std::string run;
            auto const end_run = [&]
            {
                if (is_utf8(run)) { text += run; }
                else
                {
                    for (std::size_t i = 0; i != run.size(); ++i)
                    {
                        append_utf8(text, replacement_character);
                    }
                }
                run.clear();
            };
            for (auto const id : ids)
            {
                if (!contains(id) || (skip_special_tokens && is_special(id))) { continue; }
                if (auto const byte = byte_of(m_vocabulary[id]))
                {
                    run += char(*byte);
                    continue;
                }
                end_run();
                append_text(text, id);
            }
            end_run();
            return text;
        }

        std::size_t size() const noexcept { return m_vocabulary.size(); }

        bool contains(token_id id) const noexcept { return id >= 0 && std::size_t(id) < size(); }

        // The string of a token as the file has it. Throws argument_error for an id that is not contained.
        std::string_view piece(token_id id) const
        {
            if (!contains(id))
            {
                throw argument_error(sentence("token id: expected 0 to ", size() - 1, ", found ", id));
            }
            return m_vocabulary[id];
        }

        bool is_special(token_id id) const noexcept { return contains(id) && m_special[std::size_t(id)]; }

        // The byte that a byte token stands for; nothing for other ids.
        std::optional<unsigned char> byte(token_id id) const noexcept
        {
            return contains(id) ? byte_of(m_vocabulary[id]) : std::nullopt;
        }

        // Appends the text of a token that is contained and not a byte token.
        void append_text(std::string& text, token_id id) const
        {
            auto rest = m_vocabulary[id];
            for (auto at = rest.find(space_symbol); at != rest.npos; at = rest.find(space_symbol))
            {
                text += rest.substr(0, at);
                text += ' ';
                rest.remove_prefix(at + space_symbol.size());
            }
            text += rest;
        }

        std::optional<token_id> find(std::string_view token) const { return m_vocabulary.find(token); }

        // Whether the file's post-processor puts <bos> before raw text (base models). encode() does not.
        bool adds_bos() const noexcept { return m_vocabulary.adds_bos; }

    private:
        static constexpr char32_t space_code_point = 0x2581;
        static constexpr std::string_view space_symbol = "\u2581";

        static std::string normalized(std::string_view text)
        {
            std::string out;
            for (char const c : text)
            {
                if (c == ' ') { out += space_symbol; }
                else { out += c; }
            }
            return out;
        }

        added_token_matcher matcher(bool for_normalized) const
        {
            std::vector<added_token_matcher::entry> entries;
            for (auto const& token : m_vocabulary.added)
            {
                if (token.normalized != for_normalized) { continue; }
                auto const content = m_vocabulary[token.id];
                entries.push_back(
                    {for_normalized ? normalized(content) : std::string(content), token.id, token.special});
            }
            return added_token_matcher(std::move(entries));
        }

        // Calls between(piece) for what lies between added tokens, and appends the ids of these.
        template <class F>
        static void split(added_token_matcher const& matcher, std::string_view text, special_tokens specials,
                          std::vector<token_id>& ids, F&& between)
        {
            std::size_t begin = 0;
            for (auto m = matcher.next(text, 0); m.token; m = matcher.next(text, m.end))
            {
                if (m.token->special && specials == special_tokens::as_text) { continue; }
                if (begin != m.begin) { between(text.substr(begin, m.begin - begin)); }
                ids.push_back(m.token->id);
                begin = m.end;
            }
            if (begin != text.size()) { between(text.substr(begin)); }
        }

        // text is UTF-8. Merging may start afresh before a U+2581 that follows a character c, because no
        // symbol can ever reach over that border unless some token holds c + U+2581.
        void encode_plain(std::string_view text, byte_pair_merger& merger, std::vector<token_id>& ids) const
        {
            auto previous = space_code_point;
            for (std::size_t at = 0; at != text.size();)
            {
                auto const character = decode_utf8(text, at);
                auto const code_point = character.code_point == ' ' ? space_code_point : character.code_point;
                auto const id = m_code_points[code_point];
                if (code_point == space_code_point && may_cut_after(previous)) { merger.flush(ids); }
                if (id != token_index::none)
                {
                    merger.push(id);
                    previous = code_point;
                }
                else
                {
                    push_bytes(text.substr(at, character.length), merger);
                    previous = U'>';    // the end of <0xHH>
                }
                at += character.length;
            }
            merger.flush(ids);
        }

        void push_bytes(std::string_view character, byte_pair_merger& merger) const
        {
            if (character == " ") { character = space_symbol; }
            for (char const byte : character) { merger.push(m_bytes[static_cast<unsigned char>(byte)]); }
        }

        bool may_cut_after(char32_t c) const noexcept
        {
            return m_cut_at_spaces && !std::ranges::binary_search(m_before_space, c);
        }

        // The characters c for which a token holds c + U+2581.
        void find_characters_before_space()
        {
            m_cut_at_spaces = m_code_points[space_code_point] != token_index::none;
            for (std::size_t i = 0; i != size(); ++i)
            {
                auto const token = m_vocabulary[token_id(i)];
                for (auto at = token.find(space_symbol, 1); at != token.npos;
                     at = token.find(space_symbol, at + 1))
                {
                    auto first = at - 1;
                    while (first != 0 && (static_cast<unsigned char>(token[first]) & 0xc0u) == 0x80)
                    {
                        --first;
                    }
                    auto const c = decode_utf8(token, first).code_point;
                    if (std::ranges::find(m_before_space, c) == m_before_space.end())
                    {
                        m_before_space.push_back(c);
                    }
                }
            }
            std::ranges::sort(m_before_space);
        }

        vocabulary m_vocabulary;
        merge_table m_merges;
        code_point_table m_code_points;
        std::optional<score_merger> m_scores;    // instead of merges
        std::vector<bool> m_special;
        added_token_matcher m_raw;           // added tokens looked for in the text as it is
        added_token_matcher m_normalized;    // those looked for when spaces have become U+2581
        std::array<token_id, 256> m_bytes{};
        std::vector<char32_t> m_before_space;
        bool m_cut_at_spaces = false;
    };
}
