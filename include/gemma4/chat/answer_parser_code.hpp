// What chat/answer_parser.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cstddef>

#include <gemma4/chat/answer_parser.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::vector<answer_event> answer_parser::push(std::string_view chunk)
    {
        std::vector<answer_event> events;
        m_reader.push(m_finder.push(chunk), events);
        return events;
    }

    GEMMA4_CODE std::vector<answer_event> answer_parser::finish()
    {
        std::vector<answer_event> events;
        m_reader.push(m_finder.finish(), events);
        m_reader.finish(events);
        return events;
    }

    GEMMA4_CODE answer_id_parser::answer_id_parser(tokenizer const& tokens, starts_in where)
        : m_tokens(&tokens)
        , m_decoder(tokens)
        , m_reader(where)
    {
        for (std::size_t i = 0; i != marker_names.size(); ++i)
        {
            m_ids[i] = tokens.find(marker_names[i]).value_or(-1);
        }
    }

    GEMMA4_CODE std::vector<answer_event> answer_id_parser::push(std::span<token_id const> ids)
    {
        std::vector<answer_event> events;
        for (auto const id : ids)
        {
            auto const place = std::find(m_ids.begin(), m_ids.end(), id);
            if (place == m_ids.end() || id < 0)
            {
                m_reader.push(m_decoder.put(id), events);
                continue;
            }
            auto marked = m_decoder.finish();
            detail::append_marker(marked, marker(place - m_ids.begin()));
            m_reader.push(marked, events);
        }
        return events;
    }

    GEMMA4_CODE std::vector<answer_event> answer_id_parser::finish()
    {
        std::vector<answer_event> events;
        m_reader.push(m_decoder.finish(), events);
        m_reader.finish(events);
        return events;
    }

    GEMMA4_CODE answer read_answer(std::string_view text, starts_in where)
    {
        answer out;
        answer_parser parser(where);
        out.add(parser.push(text));
        out.add(parser.finish());
        return out;
    }
}
