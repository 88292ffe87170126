// What grammar/grammar_mask.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_paths.hpp>
#include <gemma4/grammar/token_trie.hpp>
#include <gemma4/text/tokenizer.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE grammar_mask::grammar_mask(std::shared_ptr<token_grammar> rules,
                                           std::vector<token_id> stop_tokens)
        : m_rules(std::move(rules))
        , m_paths(m_rules->paths())
        , m_stop(std::move(stop_tokens))
        , m_state(m_paths->start())
    {}

    GEMMA4_CODE grammar_mask::grammar_mask(grammar const& source, std::shared_ptr<token_trie const> trie,
                                           std::vector<token_id> stop_tokens)
        : grammar_mask(std::make_shared<token_grammar>(source, std::move(trie)), std::move(stop_tokens))
    {}

    GEMMA4_CODE bool grammar_mask::is_stop(token_id token) const
    {
        return std::ranges::find(m_stop, token) != m_stop.end();
    }

    GEMMA4_CODE void grammar_mask::restrict(std::span<float> logits)
    {
        m_paths->allowed(m_state, m_allowed);
        auto const stop_logits = kept_stops(logits);
        m_allowed.keep(logits);
        for (auto const& [id, logit] : stop_logits) { logits[id] = logit; }
    }

    GEMMA4_CODE void grammar_mask::accept(token_id token)
    {
        if (is_stop(token) && complete())
        {
            m_stopped = true;
            m_state = {.items = {}, .ended = true};
            return;
        }
        auto next = m_stopped ? pushdown_state{} : m_paths->after(m_state, token);
        if (!next.alive())
        {
            throw argument_error(
                sentence("grammar mask: token ", token, " does not continue what has been written"));
        }
        m_state = std::move(next);
    }

    GEMMA4_CODE std::optional<std::vector<token_id>> grammar_mask::forced()
    {
        std::vector<token_id> out;
        auto at = m_state;
        std::size_t meanings = 0;    // of all bytes: many of them make this slow, and it may stop anywhere
        while (out.size() < max_forced && meanings < max_forced_meanings)
        {
            auto const before = at;
            std::string text;
            auto only = m_paths->only_step(at);
            while (only && !only->is_token && text.size() < max_forced && meanings < max_forced_meanings)
            {
                meanings += at.items.size();
                text += char(static_cast<unsigned char>(only->value));
                at = m_paths->after(at, static_cast<unsigned char>(only->value));
                only = m_paths->only_step(at);
            }
            bool const closed = only ? only->is_token : at.items.empty();
            if (!append_text(before, text, closed, out)) { break; }
            if (!only || !only->is_token) { break; }
            out.push_back(token_id(only->value));
            at = m_paths->after(at, token_id(only->value));
        }
        if (out.empty()) { return std::nullopt; }
        return out;
    }

    GEMMA4_CODE bool grammar_mask::allows(token_id token) const
    {
        if (is_stop(token) && complete()) { return true; }
        return !m_stopped && m_paths->after(m_state, token).alive();
    }

    GEMMA4_CODE std::vector<std::pair<std::size_t, float>>
    grammar_mask::kept_stops(std::span<float const> logits) const
    {
        std::vector<std::pair<std::size_t, float>> kept;
        if (!complete()) { return kept; }
        for (auto const id : m_stop)
        {
            if (id >= 0 && std::size_t(id) < logits.size())
            {
                kept.emplace_back(id, logits[std::size_t(id)]);
            }
        }
        return kept;
    }

    GEMMA4_CODE bool grammar_mask::append_text(pushdown_state at, std::string_view text, bool closed,
                                               std::vector<token_id>& out)
    {
        auto const& trie = m_rules->trie();
        // A character begun before is finished by its byte tokens, as no other token can.
        while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xc0u) == 0x80)
        {
            auto const id = byte_token(static_cast<unsigned char>(text.front()));
            if (!id) { return false; }
            out.push_back(*id);
            at = m_paths->after(std::move(at), *id);
            text.remove_prefix(1);
        }
        auto const whole = well_formed_prefix(text);
        if (whole != text.size()) { closed = false; }
        auto const ids = trie.tokens().encode(text.substr(0, whole), special_tokens::as_text);
        std::string_view rest = text;
        for (std::size_t i = 0; i != ids.size(); ++i)
        {
            auto const word = trie.text(ids[i]);
            if (word.empty() || !rest.starts_with(word)) { return false; }    // such as U+2581 in the text
            rest.remove_prefix(word.size());
            if (i + 1 == ids.size() && !closed && may_be_longer(at, ids[i])) { return false; }
            out.push_back(ids[i]);
            at = m_paths->after(std::move(at), ids[i]);
        }
        return closed;
    }

    GEMMA4_CODE std::optional<token_id> grammar_mask::byte_token(unsigned char byte) const
    {
        return m_rules->trie().tokens().find(byte_token_name(byte));
    }

    GEMMA4_CODE bool grammar_mask::may_be_longer(pushdown_state const& at, token_id id)
    {
        token_set allowed;
        m_paths->allowed(at, allowed);
        auto const word = m_rules->trie().text(id);
        bool longer = false;
        allowed.for_each(
            [&](token_id other)
            {
                auto const text = m_rules->trie().text(other);
                longer |= text.size() > word.size() && text.starts_with(word);
            });
        return longer;
    }
}
