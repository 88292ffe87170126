// What api/call_masks.hpp declares (core/separate.hpp).
#pragma once

#include <utility>
#include <vector>

#include <gemma4/api/call_masks.hpp>
#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/automaton.hpp>
#include <gemma4/grammar/call_grammar.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_trie.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::shared_ptr<token_trie const> make_trie(tokenizer const& tokens)
    {
        return std::make_shared<token_trie const>(tokens);
    }

    template <class Work>
    void call_masks::attempt(Work&& work)
    {
        try
        {
            work();
        }
        catch (error const& e)
        {
            warn(sentence("calls of tools are not checked: ", e.what()));
        }
    }

    GEMMA4_CODE call_masks::call_masks(std::span<json_value const> declarations, tokenizer const& tokens,
                                       get_trie trie, std::function<void(std::string_view)> log,
                                       grammar_limits const& limits)
        : m_declarations(declarations.begin(), declarations.end())
        , m_trie(std::move(trie))
        , m_log(std::move(log))
        , m_limits(limits)
    {
        attempt(
            [&]
            {
                m_tokens = std::make_shared<call_tokens const>(call_tokens::of(tokens));
                m_source = std::make_shared<grammar const>(call_grammar(
                    m_declarations, *m_tokens, call_begin::after_marker,
                    [&](std::string_view what) { warn(what); }, {}, m_limits));
            });
    }

    GEMMA4_CODE grammar call_masks::fitting()
    {
        std::vector<bool> unchecked(m_declarations.size(), true);
        auto const made = [&]
        {
            return call_grammar(
                m_declarations, *m_tokens, call_begin::after_marker, [](auto) {}, unchecked, m_limits);
        };
        for (std::size_t i = 0; i != unchecked.size(); ++i)
        {
            try
            {
                unchecked[i] = false;
                (void)automaton(made());
            }
            catch (error const& e)
            {
                unchecked[i] = true;
                auto const* const function = m_declarations[i].find("function");
                auto const* const name = function ? function->find("name") : nullptr;
                warn(sentence("tool ", jinja::printed(name), ": its arguments are not checked: ", e.what()));
            }
        }
        return made();
    }

    GEMMA4_CODE std::optional<grammar_mask> call_masks::next()
    {
        std::scoped_lock const lock(m_mutex);
        if (m_source)
        {
            attempt(
                [&]
                {
                    auto const trie = m_trie();
                    try
                    {
                        m_rules = std::make_shared<token_grammar>(*m_source, trie);
                    }
                    catch (error const&)
                    {
                        m_rules = std::make_shared<token_grammar>(fitting(), trie);
                    }
                });
            m_source.reset();
        }
        if (!m_rules) { return std::nullopt; }
        return grammar_mask(m_rules, {});
    }

    GEMMA4_CODE std::vector<std::string> call_masks::warnings() const
    {
        std::scoped_lock const lock(m_mutex);
        return m_warnings;
    }

    GEMMA4_CODE void call_masks::warn(std::string_view what) const
    {
        m_warnings.emplace_back(what);
        if (m_log) { m_log(what); }
    }
}
