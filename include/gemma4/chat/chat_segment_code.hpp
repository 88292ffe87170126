// What chat/chat_segment.hpp declares (core/separate.hpp).
#pragma once

#include <gemma4/chat/chat_segment.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::string text_of(std::span<chat_segment const> segments)
    {
        std::string out;
        for (auto const& segment : segments) { out += segment.text; }
        return out;
    }

    namespace detail
    {
        GEMMA4_CODE void encode_as_text(std::string_view text, tokenizer const& tokens,
                                        std::vector<token_id>& ids)
        {
            std::vector<token_id> found;
            tokens.encode(text, found, special_tokens::as_text);
            for (auto const id : found)
            {
                auto const piece = tokens.piece(id);
                auto const first = piece.empty() ? 0 : decode_utf8(piece, 0).length;
                if (!tokens.is_special(id) || first == piece.size())
                {
                    ids.push_back(id);
                    continue;
                }
                encode_as_text(piece.substr(0, first), tokens, ids);
                encode_as_text(piece.substr(first), tokens, ids);
            }
        }
    }

    GEMMA4_CODE std::vector<token_id> encode(std::span<chat_segment const> segments, tokenizer const& tokens,
                                             special_tokens in_content)
    {
        std::vector<token_id> ids;
        std::string run;    // between two control tokens pairs merge across segments
        auto const end_run = [&]
        {
            if (in_content == special_tokens::as_text) { detail::encode_as_text(run, tokens, ids); }
            else { tokens.encode(run, ids, in_content); }
            run.clear();
        };
        for (auto const& segment : segments)
        {
            if (segment.kind != segment_kind::control)
            {
                run += segment.text;
                continue;
            }
            end_run();
            auto const id = tokens.find(segment.text);
            if (!id)
            {
                throw mismatch_error(
                    sentence("tokenizer.json has no token ", segment.text, ", which the chat format needs"));
            }
            ids.push_back(*id);
        }
        end_run();
        return ids;
    }
}
