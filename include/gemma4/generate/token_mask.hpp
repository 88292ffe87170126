// What restricts a model to some texts, token by token: a schema, a regular expression, a list of choices.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    // Follows one answer from its first token (with thinking: the first after the thought).
    struct token_mask
    {
        virtual ~token_mask() = default;

        // Makes the logits of forbidden tokens -inf. (vocab). One token at least stays allowed unless
        // must_stop().
        virtual void restrict(std::span<float> logits) = 0;

        // The answer goes on with this token, which was allowed.
        virtual void accept(token_id token) = 0;

        // The tokens that are the only possibility from here on, if there are any: they are not sampled, run
        // through the model in one batch, and are accept()ed one by one by the caller.
        virtual std::optional<std::vector<token_id>> forced() = 0;

        // The answer may stop here: the stop tokens are allowed as well.
        virtual bool complete() const = 0;

        // Nothing can follow.
        virtual bool must_stop() const = 0;

    protected:
        token_mask() = default;
        token_mask(token_mask const&) = default;
        token_mask& operator=(token_mask const&) = default;
    };
}
