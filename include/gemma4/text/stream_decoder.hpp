// Token ids in, text out, one at a time.
#pragma once

#include <cstddef>
#include <string>

#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/tokenizer.hpp>

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
        std::string put(token_id id);

        // What is still held, as U+FFFD. The decoder is then as new.
        std::string finish();

    private:
        void put_byte(unsigned char byte, std::string& text);

        // One U+FFFD for each byte held.
        void give_up(std::string& text);

        tokenizer const* m_tokens;
        bool m_skip_special_tokens;
        std::string m_held;    // the beginning of a sequence, at most three bytes
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/text/stream_decoder_code.hpp>
#endif
