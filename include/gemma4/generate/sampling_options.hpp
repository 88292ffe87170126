// How a token is chosen, in the words of generation_config.json.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    struct sampling_options
    {
        // false: greedy, and temperature, top_k, top_p, min_p and seed mean nothing.
        bool do_sample = false;
        double temperature = 1;           // 0: greedy
        std::size_t top_k = 0;            // 0: off
        double top_p = 1;                 // 1: off
        double min_p = 0;                 // 0: off
        double repetition_penalty = 1;    // 1: off; greedy too
        // The last tokens that it looks at, as llama.cpp's penalty_last_n; 0: all, as transformers.
        std::size_t repetition_window = 0;
        std::vector<token_id> suppress_tokens{};    // never made; greedy too
        std::uint64_t seed = 0;
        bool log_probability = false;    // of the chosen token; a pass over the vocabulary
        // The best n tokens beside it; not 0 implies log_probability.
        std::size_t top_log_probabilities = 0;

        bool greedy() const noexcept { return !do_sample || temperature == 0; }
        bool operator==(sampling_options const&) const = default;
    };

    // Throws argument_error naming the field, what was expected and what was found.
    inline void validate(sampling_options const& options)
    {
        auto const demand = [](bool good, char const* field, char const* expected, auto found)
        {
            if (!good) { throw argument_error(sentence(field, ": expected ", expected, ", found ", found)); }
        };
        // below the smallest float32, dividing by it gives infinities
        demand(options.temperature == 0 || (options.temperature >= 1e-37 && options.temperature <= 1e37),
               "temperature", "0 (greedy) or a number from 1e-37 to 1e37", options.temperature);
        demand(options.top_p >= 0 && options.top_p <= 1, "top_p", "a number in 0 to 1", options.top_p);
        demand(options.min_p >= 0 && options.min_p <= 1, "min_p", "a number in 0 to 1", options.min_p);
        demand(options.repetition_penalty >= 1e-37 && options.repetition_penalty <= 1e37,
               "repetition_penalty", "a number from 1e-37 to 1e37", options.repetition_penalty);
        for (auto const id : options.suppress_tokens) { demand(id >= 0, "suppress_tokens", "token ids", id); }
    }

    // The same of options that a file gives: file_error, naming it.
    inline void validate_of_file(sampling_options const& options, std::string_view file)
    {
        try
        {
            validate(options);
        }
        catch (argument_error const& wrong)
        {
            throw file_error(sentence(file, ": ", wrong.what()));
        }
    }
}
