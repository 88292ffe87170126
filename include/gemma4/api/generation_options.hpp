// How an answer is made, and what it cost.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include <gemma4/generate/guards.hpp>
#include <gemma4/generate/sampling_options.hpp>
#include <gemma4/generate/stop.hpp>
#include <gemma4/generate/stop_string_matcher.hpp>
#include <gemma4/generate/token_mask.hpp>

namespace gemma4::inline v0
{
    struct generation_options
    {
        sampling_options sampling{};
        stop_options stop{};
        bool keep_special_tokens = false;    // of a continuation: show control tokens in the text
        std::function<void(std::size_t done, std::size_t all)> progress{};    // of the prompt, in tokens

        // Tokens of thought at most; then the thought is closed and the answer goes on. None: no limit.
        std::optional<std::size_t> thinking_budget{};

        // Restricts the answer; the thought before it is free. Of this one answer: it is changed by it.
        std::shared_ptr<token_mask> mask{};
    };

    // Throws argument_error naming the option.
    inline void validate(generation_options const& options)
    {
        validate(options.sampling);
        stop_string_matcher{options.stop.strings};
        if (options.stop.repetition) { repetition_guard{*options.stop.repetition}; }
    }

    struct usage
    {
        std::size_t prompt_tokens = 0;    // of which
        std::size_t cached_tokens = 0;    // were in the state already
        std::size_t new_tokens = 0;       // made, a stop token not counted
        double prefill_seconds = 0;       // until the first token's logits
        double decode_seconds = 0;        // from then on
    };
}
