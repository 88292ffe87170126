// When generation ends, and why it did.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/types.hpp>
#include <gemma4/generate/guards.hpp>

namespace gemma4::inline v0
{
    struct stop_options
    {
        std::vector<token_id> tokens{};        // end of text, end of turn; not shown
        std::vector<std::string> strings{};    // not shown; none may be empty
        std::size_t max_tokens = 0;            // new tokens; 0: as many as fit
        // End where the new tokens only repeat themselves; none: they may.
        std::optional<repetition_guard::limits> repetition{};

        bool is_stop(token_id id) const noexcept
        {
            return std::find(tokens.begin(), tokens.end(), id) != tokens.end();
        }
        bool operator==(stop_options const&) const = default;
    };

    enum class stop_reason
    {
        running,    // not ended yet
        stop_token,
        stop_string,
        max_tokens,
        context_full,
        cancelled,
        completed,    // a token mask says that nothing can follow
        repetition    // stop_options::repetition: the new tokens end in one piece, over and over
    };

    constexpr std::string_view name(stop_reason reason) noexcept
    {
        switch (reason)
        {
        case stop_reason::running: return "running";
        case stop_reason::stop_token: return "stop_token";
        case stop_reason::stop_string: return "stop_string";
        case stop_reason::max_tokens: return "max_tokens";
        case stop_reason::context_full: return "context_full";
        case stop_reason::cancelled: return "cancelled";
        case stop_reason::completed: return "completed";
        case stop_reason::repetition: return "repetition";
        }
        return "unknown";
    }
}
