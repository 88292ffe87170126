// A rendered conversation in pieces, so that text from a request cannot become a control token.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    enum class segment_kind
    {
        control,    // one control token, or <|image|>, <|audio|>, <|video|>, which the host expands
        fixed,      // text of the template
        content     // text of the request: contents, names, keys, descriptions, thoughts
    };

    struct chat_segment
    {
        segment_kind kind;
        std::string text;

        bool operator==(chat_segment const&) const = default;
    };

    // Collects segments; neighbours of the same kind, other than control tokens, become one.
    class segment_writer
    {
    public:
        // Text of the template: its control tokens become segments of their own.
        void fixed(std::string_view text)
        {
            while (!text.empty())
            {
                auto const begin = text.find('<');
                append(segment_kind::fixed, text.substr(0, begin));
                if (begin == text.npos) { return; }
                text.remove_prefix(begin);
                auto const length = text.find('>') + 1;
                m_segments.push_back({segment_kind::control, std::string(text.substr(0, length))});
                text.remove_prefix(length);
            }
        }

        void content(std::string_view text) { append(segment_kind::content, text); }

        // <|"|>text<|"|>
        void quoted(std::string_view text)
        {
            fixed("<|\"|>");
            content(text);
            fixed("<|\"|>");
        }

        void append(std::vector<chat_segment> segments)
        {
            for (auto& segment : segments)
            {
                if (segment.kind == segment_kind::control) { m_segments.push_back(std::move(segment)); }
                else { append(segment.kind, segment.text); }
            }
        }

        std::vector<chat_segment> take() { return std::exchange(m_segments, {}); }

    private:
        void append(segment_kind kind, std::string_view text)
        {
            if (text.empty()) { return; }
            if (m_segments.empty() || m_segments.back().kind != kind || kind == segment_kind::control)
            {
                m_segments.push_back({kind, {}});
            }
            m_segments.back().text += text;
        }

        std::vector<chat_segment> m_segments;
    };

    // The bytes of the template.
    GEMMA4_CODE std::string text_of(std::span<chat_segment const> segments);

    namespace detail
    {
        // Appends the ids of text without any control token. A vocabulary whose merges lead to one (they do
        // for <|"|>) gets that text in two parts: its first character, and the rest.
        GEMMA4_CODE void encode_as_text(std::string_view text, tokenizer const& tokens,
                                        std::vector<token_id>& ids);
    }

    // The ids that Hugging Face's tokenizer gives for the whole text, except that control tokens spelled in
    // the request are plain text, unless in_content says to recognise them. mismatch_error: the vocabulary
    // lacks a control token.
    GEMMA4_CODE std::vector<token_id> encode(std::span<chat_segment const> segments, tokenizer const& tokens,
                                             special_tokens in_content = special_tokens::as_text);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/chat_segment_code.hpp>
#endif
