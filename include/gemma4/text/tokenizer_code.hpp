// What text/tokenizer.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>

#include <gemma4/core/error.hpp>
#include <gemma4/text/byte_pair_merger.hpp>
#include <gemma4/text/tokenizer.hpp>
#include <gemma4/text/tokenizer_json.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE tokenizer::tokenizer(vocabulary tokens)
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

    GEMMA4_CODE tokenizer::tokenizer(vocabulary tokens, score_merger scores)
        : tokenizer(std::move(tokens))
    {
        if (scores.size() != size())
        {
            throw mismatch_error(sentence("vocabulary: expected ", size(),
                                          " scores, one for each token, found ", scores.size()));
        }
        m_scores = std::move(scores);
    }

    GEMMA4_CODE tokenizer tokenizer::from_file(std::filesystem::path const& tokenizer_json_path)
    {
        return tokenizer(tokenizer_json::read(tokenizer_json_path));
    }

    GEMMA4_CODE tokenizer tokenizer::from_json(std::string_view json, std::string_view file_name_for_errors)
    {
        return tokenizer(tokenizer_json::read(json, file_name_for_errors));
    }

    GEMMA4_CODE std::vector<token_id> tokenizer::encode(std::string_view text, special_tokens specials) const
    {
        std::vector<token_id> ids;
        encode(text, ids, specials);
        return ids;
    }

    GEMMA4_CODE void tokenizer::encode(std::string_view text, std::vector<token_id>& ids,
                                       special_tokens specials) const
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

    GEMMA4_CODE std::string tokenizer::decode(std::span<token_id const> ids, bool skip_special_tokens) const
    {
        std::string text;
        std::string run;
        auto const end_run = [&]
        {
            if (is_utf8(run)) { text += run; }
            else
            {
                for (std::size_t i = 0; i != run.size(); ++i) { append_utf8(text, replacement_character); }
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

    GEMMA4_CODE std::string_view tokenizer::piece(token_id id) const
    {
        if (!contains(id))
        {
            throw argument_error(sentence("token id: expected 0 to ", size() - 1, ", found ", id));
        }
        return m_vocabulary[id];
    }

    GEMMA4_CODE std::optional<unsigned char> tokenizer::byte(token_id id) const noexcept
    {
        return contains(id) ? byte_of(m_vocabulary[id]) : std::nullopt;
    }

    GEMMA4_CODE void tokenizer::append_text(std::string& text, token_id id) const
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

    GEMMA4_CODE std::string tokenizer::normalized(std::string_view text)
    {
        std::string out;
        for (char const c : text)
        {
            if (c == ' ') { out += space_symbol; }
            else { out += c; }
        }
        return out;
    }

    GEMMA4_CODE added_token_matcher tokenizer::matcher(bool for_normalized) const
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

    GEMMA4_CODE void tokenizer::encode_plain(std::string_view text, byte_pair_merger& merger,
                                             std::vector<token_id>& ids) const
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

    GEMMA4_CODE void tokenizer::push_bytes(std::string_view character, byte_pair_merger& merger) const
    {
        if (character == " ") { character = space_symbol; }
        for (char const byte : character) { merger.push(m_bytes[static_cast<unsigned char>(byte)]); }
    }

    GEMMA4_CODE bool tokenizer::may_cut_after(char32_t c) const noexcept
    {
        return m_cut_at_spaces && !std::ranges::binary_search(m_before_space, c);
    }

    GEMMA4_CODE void tokenizer::find_characters_before_space()
    {
        m_cut_at_spaces = m_code_points[space_code_point] != token_index::none;
        for (std::size_t i = 0; i != size(); ++i)
        {
            auto const token = m_vocabulary[token_id(i)];
            for (auto at = token.find(space_symbol, 1); at != token.npos;
                 at = token.find(space_symbol, at + 1))
            {
                auto first = at - 1;
                while (first != 0 && (static_cast<unsigned char>(token[first]) & 0xc0u) == 0x80) { --first; }
                m_before_space.push_back(decode_utf8(token, first).code_point);
            }
        }
        std::ranges::sort(m_before_space);
        m_before_space.erase(std::unique(m_before_space.begin(), m_before_space.end()), m_before_space.end());
    }
}
