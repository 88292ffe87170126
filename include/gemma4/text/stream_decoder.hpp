// Token ids in, text out, one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <gemma4/text/tokenizer.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    // Holds back nothing but the bytes of an incomplete UTF-8 sequence, so every piece is UTF-8. The pieces
    // together equal tokenizer::decode of all ids, except where a run of byte tokens is not UTF-8: there
    // decode turns the good characters of the run into U+FFFD as well, which were already given out here;
    // only ill-formed bytes become one U+FFFD each.
    class stream_decoder
    {
    public:
        // tokens must outlive the decoder.
        explicit stream_decoder(tokenizer const& tokens, bool skip_special_tokens = true)
            : m_tokens(&tokens)
            , m_skip_special_tokens(skip_special_tokens)
        {}

        // The text that is certain once this id is known. An id outside the vocabulary gives none.
        std::string put(token_id id)
        {
            std::string text;
            if (!m_tokens->contains(id) || (m_skip_special_tokens && m_tokens->is_special(id)))
            {
                return text;
            }
            if (auto const byte = m_tokens->byte(id)) { put_byte(*byte, text); }
            else
            {
                give_up(text);
                m_tokens->append_text(text, id);
            }
            return text;
        }

        // What is still held, as U+FFFD. The decoder is then as new.
        std::string finish()
        {
            std::string text;
            give_up(text);
            return text;
        }

    private:
        void put_byte(unsigned char byte, std::string& text)
        {
            m_held += char(byte);
            auto sequence = decode_utf8(m_held, 0);
            if (!sequence.complete) { return; }
            if (sequence.valid)
            {
                text += std::exchange(m_held, {});
                return;
            }
            // The new byte does not continue what was held; it may begin something, unless nothing was held.
            bool const was_alone = m_held.size() == 1;
            if (!was_alone) { m_held.pop_back(); }
            give_up(text);
            if (!was_alone) { put_byte(byte, text); }
        }

        // One U+FFFD for each byte held.
        void give_up(std::string& text)
        {
            for (std::size_t i = 0; i != m_held.size(); ++i) { append_utf8(text, replacement_character); }
            m_held.clear();
        }

        tokenizer const* m_tokens;
        bool m_skip_special_tokens;
        std::string m_held;    // the beginning of a sequence, at most three bytes
    };
}
