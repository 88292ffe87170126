// The tokens of a conversation and the state that remembers them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/model/state.hpp>

namespace gemma4::inline v0
{
    template <text_model M>
    struct conversation
    {
        state<M> past;
        std::vector<token_id> tokens;      // those that `past` holds, and then those still to be run
        std::optional<position> pin_at;    // where to pin a checkpoint when the state gets there

        explicit conversation(state<M> s)
            : past(std::move(s))
        {}

        std::size_t waiting() const noexcept { return tokens.size() - past.size(); }

        // Makes `wanted` the tokens of this conversation, keeping as much of the past as still fits; at least
        // its last token is left to be run. Returns how many tokens are reused. Throws argument_error (no
        // token) and capacity_error (more than the context) before any change.
        std::size_t become(std::vector<token_id> wanted)
        {
            if (wanted.empty()) { throw argument_error("the prompt is empty, expected at least one token"); }
            if (auto const context = past.options().context; wanted.size() > context)
            {
                throw capacity_error(sentence("context full: the conversation would be ", wanted.size(),
                                              " tokens long, but the context holds ", context));
            }
            auto const run = std::min<std::size_t>(past.size(), wanted.size() - 1);
            auto const same =
                std::mismatch(wanted.begin(), wanted.begin() + std::ptrdiff_t(run), tokens.begin()).first;
            auto keep = position(same - wanted.begin());
            if (keep != past.size())
            {
                if (!past.can_rewind(keep)) { keep = past.nearest_checkpoint(keep); }
                past.rewind(keep);
            }
            tokens = std::move(wanted);
            return keep;
        }
    };
}
