// What a model may write in the calls of its tools.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/call_grammar.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_trie.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    // What a model's vocabulary spells, made when it is first needed and kept by the engine.
    template <class Engine>
    std::shared_ptr<token_trie const> trie_of(Engine const& engine)
    {
        return engine.template kept<token_trie>([&]
                                                { return std::make_shared<token_trie>(engine.tokens()); });
    }

    // Masks of the calls of one set of tools, which share what they find out. Safe to use from several
    // threads.
    class call_masks
    {
    public:
        using get_trie = std::function<std::shared_ptr<token_trie const>()>;

        // `log` is told which tools' arguments cannot be restricted, and why. The vocabulary is not touched
        // before the first call.
        call_masks(std::span<json_value const> declarations, tokenizer const& tokens, get_trie trie,
                   std::function<void(std::string_view)> log)
            : m_trie(std::move(trie))
            , m_log(std::move(log))
        {
            attempt(
                [&]
                {
                    m_source = call_grammar(declarations, call_tokens::of(tokens), call_begin::after_marker,
                                            [&](std::string_view what) { warn(what); });
                });
        }

        // Of a call that has just been opened; none where no grammar could be made.
        std::optional<grammar_mask> next()
        {
            std::scoped_lock const lock(m_mutex);
            if (m_source)
            {
                attempt([&] { m_rules = std::make_shared<token_grammar>(*m_source, m_trie()); });
                m_source.reset();
            }
            if (!m_rules) { return std::nullopt; }
            return grammar_mask(m_rules, {});
        }

    private:
        void warn(std::string_view what) const
        {
            if (m_log) { m_log(what); }
        }

        template <class Work>
        void attempt(Work&& work)
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

        get_trie m_trie;
        std::function<void(std::string_view)> m_log;
        std::mutex m_mutex;                 // of what follows
        std::optional<grammar> m_source;    // until the first call
        std::shared_ptr<token_grammar> m_rules;
    };
}
