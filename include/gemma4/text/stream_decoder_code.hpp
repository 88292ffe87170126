// What text/stream_decoder.hpp declares (core/separate.hpp).
#pragma once

#include <utility>

#include <gemma4/text/stream_decoder.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::string stream_decoder::put(token_id id)
    {
        std::string text;
        if (!m_tokens->contains(id) || (m_skip_special_tokens && m_tokens->is_special(id))) { return text; }
        if (auto const byte = m_tokens->byte(id)) { put_byte(*byte, text); }
        else
        {
            give_up(text);
            m_tokens->append_text(text, id);
        }
        return text;
    }

    GEMMA4_CODE std::string stream_decoder::finish()
    {
        std::string text;
        give_up(text);
        return text;
    }

    GEMMA4_CODE void stream_decoder::put_byte(unsigned char byte, std::string& text)
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

    GEMMA4_CODE void stream_decoder::give_up(std::string& text)
    {
        for (std::size_t i = 0; i != m_held.size(); ++i) { append_utf8(text, replacement_character); }
        m_held.clear();
    }
}
