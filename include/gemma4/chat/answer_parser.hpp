// A model's answer, as it comes, to events: thoughts, text, calls. Nothing is thrown, no marker ever gets
// into text, and the result does not depend on how the answer is cut.
//
// Text and thoughts are given out at once, but for blanks that may have to be trimmed and for what may become
// a marker; a call when it is complete.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include <gemma4/chat/answer_event.hpp>
#include <gemma4/chat/answer_reader.hpp>
#include <gemma4/chat/marker.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/stream_decoder.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    // From decoded text with special tokens visible. A marker that the model spelled in ordinary tokens
    // cannot be told from a real one here: where ids are at hand, answer_id_parser is better.
    class answer_parser
    {
    public:
        explicit answer_parser(starts_in where = starts_in::content)
            : m_reader(where)
        {}

        // A new answer.
        void start(starts_in where) { *this = answer_parser(where); }

        // What is certain with this chunk, which may be cut anywhere, also inside a character.
        std::vector<answer_event> push(std::string_view chunk);

        // The rest; ends with end_of_turn unless that was given before.
        std::vector<answer_event> finish();

        // A stop marker was read: what follows is not part of the answer.
        bool stopped() const noexcept { return m_reader.stopped(); }

    private:
        marker_finder m_finder;
        detail::answer_reader m_reader;
    };

    // From token ids. Control tokens are those of the vocabulary by name; text that spells one is text. Other
    // special tokens are dropped.
    class answer_id_parser
    {
    public:
        // tokens must outlive the parser.
        explicit answer_id_parser(tokenizer const& tokens, starts_in where = starts_in::content);

        void start(starts_in where) { *this = answer_id_parser(*m_tokens, where); }

        std::vector<answer_event> push(token_id id) { return push(std::span(&id, 1)); }

        std::vector<answer_event> push(std::span<token_id const> ids);

        std::vector<answer_event> finish();

        bool stopped() const noexcept { return m_reader.stopped(); }

        // Between <|channel> and <channel|>, or where the prompt has opened a thought; and there past its
        // name.
        bool in_thought() const noexcept { return m_reader.in_thought(); }
        bool in_thought_text() const noexcept { return m_reader.in_thought_text(); }

        // Behind <|tool_call>, where the call is not known to have ended.
        bool in_call() const noexcept { return m_reader.in_call(); }

    private:
        tokenizer const* m_tokens;
        stream_decoder m_decoder;
        detail::answer_reader m_reader;
        std::array<token_id, marker_names.size()> m_ids{};
    };

    // The whole answer at once.
    GEMMA4_CODE answer read_answer(std::string_view text, starts_in where = starts_in::content);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/answer_parser_code.hpp>
#endif
