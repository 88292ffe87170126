// The token mask of a grammar.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/token_mask.hpp>
#include <gemma4/grammar/pushdown_state.hpp>
#include <gemma4/grammar/token_set.hpp>

namespace gemma4::inline v0
{
    class grammar;
    class token_grammar;
    class token_paths;
    class token_trie;

    // One answer's place in a grammar; copying it forks the answer. Stop tokens are allowed exactly when the
    // grammar may end, special tokens only where the grammar names them. argument_error from any function:
    // the work for one token is beyond the grammar_limits.
    class grammar_mask : public token_mask
    {
    public:
        grammar_mask(std::shared_ptr<token_grammar> rules, std::vector<token_id> stop_tokens);

        grammar_mask(grammar const& source, std::shared_ptr<token_trie const> trie,
                     std::vector<token_id> stop_tokens);

        void restrict(std::span<float> logits) override;

        // argument_error: the token is not allowed here; nothing has changed.
        void accept(token_id token) override;

        // As long as one byte (or one marker token) alone can follow, it is forced. Forced bytes become the
        // tokens that the tokenizer gives for them, without the last one where a longer allowed token begins
        // with it: that one is left to the model, so that a word is not cut where forced text happens to end.
        std::optional<std::vector<token_id>> forced() override;

        bool complete() const override { return m_state.ended; }
        bool must_stop() const override { return m_state.items.empty(); }

        // Whether the token may come next.
        bool allows(token_id token) const;

        token_grammar const& rules() const noexcept { return *m_rules; }

    private:
        bool is_stop(token_id token) const;

        std::vector<std::pair<std::size_t, float>> kept_stops(std::span<float const> logits) const;

        // Appends the tokens of forced text that begins in state `at`. False: what follows may not be
        // appended after them.
        bool append_text(pushdown_state at, std::string_view text, bool closed, std::vector<token_id>& out);

        std::optional<token_id> byte_token(unsigned char byte) const;

        // Whether an allowed token begins with the text of this one and goes on.
        bool may_be_longer(pushdown_state const& at, token_id id);

        static constexpr std::size_t max_forced = 4096;    // bytes, and tokens, of one call
        static constexpr std::size_t max_forced_meanings = 16 * max_forced;

        std::shared_ptr<token_grammar> m_rules;
        std::shared_ptr<token_paths> m_paths;
        std::vector<token_id> m_stop;
        pushdown_state m_state;
        token_set m_allowed;
        bool m_stopped = false;
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/grammar/grammar_mask_code.hpp>
#endif
