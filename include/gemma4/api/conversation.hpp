// The messages and tokens of a conversation, and the state that remembers them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/api/medium.hpp>
#include <gemma4/chat/answer_message.hpp>
#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/model/state.hpp>

namespace gemma4::inline v0
{
    // An answer that the model is giving, or has given and nothing was said to it yet.
    struct open_answer
    {
        answer_id_parser parser;
        answer said{};         // as it was shown
        bool begun = false;    // a token came
        bool ended = false;
    };

    template <text_model M>
    struct conversation
    {
        state<M> past;
        std::vector<token_id> tokens;      // those that `past` holds, and then those still to be run
        std::vector<soft_run> soft;        // what stands in the places of some tokens
        std::optional<position> pin_at;    // where to pin a checkpoint when the state gets there
        std::size_t keep_pins = 0;         // of those that were pinned before, when that happens
        std::vector<json_value> messages;
        std::vector<medium> media;               // of the messages, in the order of their placeholders
        std::optional<open_answer> answering;    // none: a continuation of text, or nothing was asked

        explicit conversation(state<M> s)
            : past(std::move(s))
        {}

        std::size_t waiting() const noexcept { return tokens.size() - past.size(); }

        // What the next forward call takes: at most `rows` tokens, but blocks of pictures that attend both
        // ways are never cut. Spans point into this conversation.
        sequence_step<M> next_step(std::size_t rows, wanted_logits wanted_at_end)
        {
            auto const at = past.size();
            auto const count = whole_blocks(soft, at, std::min(rows, waiting()), M::text.media_both_ways);
            soft_spans_of(soft, at, count, m_spans);
            return {&past,
                    {tokens.data() + at, count},
                    count == waiting() ? wanted_at_end : wanted_logits::none,
                    m_spans};
        }

        // Makes `wanted` the tokens of this conversation, keeping as much of the past as still fits; at least
        // its last token is left to be run. Returns how many tokens are reused. Throws argument_error (no
        // token) and capacity_error (more than the context) before any change.
        std::size_t become(token_prompt prompt)
        {
            auto& wanted = prompt.tokens;
            if (wanted.empty()) { throw argument_error("the prompt is empty, expected at least one token"); }
            if (auto const context = past.options().context; wanted.size() > context)
            {
                throw capacity_error(sentence("context full: the conversation would be ", wanted.size(),
                                              " tokens long, but the context holds ", context));
            }
            auto const run = std::min<std::size_t>(past.size(), wanted.size() - 1);
            auto const same =
                std::mismatch(wanted.begin(), wanted.begin() + std::ptrdiff_t(run), tokens.begin()).first;
            auto keep = common(position(same - wanted.begin()), prompt.soft);
            if (keep != past.size())
            {
                if (!past.can_rewind(keep)) { keep = past.nearest_checkpoint(keep); }
                past.rewind(keep);
            }
            tokens = std::move(wanted);
            soft = std::move(prompt.soft);
            return keep;
        }

        // All messages, with what the model has said as the last ones.
        std::vector<json_value> all_messages(template_rules const& rules) const
        {
            auto all = messages;
            if (!answering || !answering->begun) { return all; }
            auto said = answering->said;
            if (!answering->ended)
            {
                auto parser = answering->parser;    // what it holds back
                said.add(parser.finish());
            }
            auto more = answer_messages(said, messages, rules);
            all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
            return all;
        }

        void clear()
        {
            past.clear();
            tokens.clear();
            soft.clear();
            messages.clear();
            media.clear();
            pin_at.reset();
            answering.reset();
        }

    private:
        // How many of the first `keep` tokens stand for the same here and there. Never a part of a block of
        // pictures: its earlier rows may have seen the later ones.
        position common(position keep, std::vector<soft_run> const& wanted) const
        {
            auto const [mine, theirs] = std::mismatch(soft.begin(), soft.end(), wanted.begin(), wanted.end());
            if (mine != soft.end()) { keep = std::min(keep, mine->first); }
            if (theirs != wanted.end()) { keep = std::min(keep, theirs->first); }
            for (auto const* const runs : {&soft, &wanted})
            {
                if (auto const block = block_around(*runs, keep)) { keep = block->begin; }
            }
            return keep;
        }

        std::vector<soft_span> m_spans;    // of the forward call under way
    };
}
