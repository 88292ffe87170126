// What a model may write in the calls of its tools.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    class grammar;
    struct call_tokens;
    class token_grammar;
    class token_trie;

    // What a vocabulary spells.
    GEMMA4_CODE std::shared_ptr<token_trie const> make_trie(tokenizer const& tokens);

    // What a model's vocabulary spells, made when it is first needed and kept by the engine.
    template <class Engine>
    std::shared_ptr<token_trie const> trie_of(Engine const& engine)
    {
        using kept = std::shared_ptr<token_trie const>;
        return *engine.template kept<kept>([&]
                                           { return std::make_shared<kept>(make_trie(engine.tokens())); });
    }

    // Masks of the calls of one set of tools, which share what they find out. Safe to use from several
    // threads.
    class call_masks
    {
    public:
        using get_trie = std::function<std::shared_ptr<token_trie const>()>;

        // `log` is told which tools cannot be called or have arguments that cannot be restricted, and why;
        // the others are. The vocabulary is not touched before the first call.
        call_masks(std::span<json_value const> declarations, tokenizer const& tokens, get_trie trie,
                   std::function<void(std::string_view)> log, grammar_limits const& limits = {});

        // Of a call that has just been opened; none where no grammar could be made.
        std::optional<grammar_mask> next();

        // What `log` was told so far.
        std::vector<std::string> warnings() const;

    private:
        void warn(std::string_view what) const;

        template <class Work>
        void attempt(Work&& work);

        // The grammar of all tools, with as many restricted as it has room for.
        grammar fitting();

        std::vector<json_value> m_declarations;
        std::shared_ptr<call_tokens const> m_tokens;
        get_trie m_trie;
        std::function<void(std::string_view)> m_log;
        grammar_limits m_limits;
        mutable std::recursive_mutex m_mutex;    // of what follows; `log` may ask for warnings()
        mutable std::vector<std::string> m_warnings;
        std::shared_ptr<grammar const> m_source;    // until the first call
        std::shared_ptr<token_grammar> m_rules;
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/call_masks_code.hpp>
#endif
