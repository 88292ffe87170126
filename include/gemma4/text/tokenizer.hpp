// Text -> token ids -> text, equal to Hugging Face `tokenizers` on Gemma 4's tokenizer.json; or, where tokens
// have scores instead of merges (Gemma 1 to 3), equal to llama.cpp (text/score_merger.hpp).
//
// Encoding: added tokens are cut out of the raw text; in the rest U+0020 becomes U+2581, every code point is
// a symbol (one without a token is its UTF-8 bytes as byte tokens), and pairs of symbols merge by rank. No
// <bos> is added. Decoding: token strings with U+2581 -> U+0020; runs of byte tokens are joined.
#pragma once

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
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/added_token_matcher.hpp>
#include <gemma4/text/code_point_table.hpp>
#include <gemma4/text/merge_table.hpp>
#include <gemma4/text/score_merger.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    class byte_pair_merger;

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
        explicit tokenizer(vocabulary tokens);

        // Pairs are joined by score, not by merges. Throws mismatch_error unless there is one score for every
        // token.
        tokenizer(vocabulary tokens, score_merger scores);

        // Throw file_error naming the file, the field, what was expected and what was found.
        static tokenizer from_file(std::filesystem::path const& tokenizer_json_path);

        static tokenizer from_json(std::string_view json, std::string_view file_name_for_errors);

        // Ill-formed UTF-8 counts as one U+FFFD for each maximal subpart.
        std::vector<token_id> encode(std::string_view text,
                                     special_tokens specials = special_tokens::recognise) const;

        // Appends to ids.
        void encode(std::string_view text, std::vector<token_id>& ids, special_tokens specials) const;

        // Ids outside 0 .. size() - 1 are dropped, and with skip_special_tokens special tokens, before
        // anything else. A run of byte tokens that is not UTF-8 as a whole becomes one U+FFFD per byte.
        std::string decode(std::span<token_id const> ids, bool skip_special_tokens = false) const;

        std::size_t size() const noexcept { return m_vocabulary.size(); }

        bool contains(token_id id) const noexcept { return id >= 0 && std::size_t(id) < size(); }

        // The string of a token as the file has it. Throws argument_error for an id that is not contained.
        std::string_view piece(token_id id) const;

        bool is_special(token_id id) const noexcept { return contains(id) && m_special[std::size_t(id)]; }

        // The byte that a byte token stands for; nothing for other ids.
        std::optional<unsigned char> byte(token_id id) const noexcept;

        // Appends the text of a token that is contained and not a byte token.
        void append_text(std::string& text, token_id id) const;

        std::optional<token_id> find(std::string_view token) const { return m_vocabulary.find(token); }

        // Whether the file's post-processor puts <bos> before raw text (base models). encode() does not.
        bool adds_bos() const noexcept { return m_vocabulary.adds_bos; }

    private:
        static constexpr char32_t space_code_point = 0x2581;
        static constexpr std::string_view space_symbol = "\u2581";

        static std::string normalized(std::string_view text);

        added_token_matcher matcher(bool for_normalized) const;

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
        void encode_plain(std::string_view text, byte_pair_merger& merger, std::vector<token_id>& ids) const;

        void push_bytes(std::string_view character, byte_pair_merger& merger) const;

        bool may_cut_after(char32_t c) const noexcept;

        // The characters c for which a token holds c + U+2581.
        void find_characters_before_space();

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

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/text/tokenizer_code.hpp>
#endif
