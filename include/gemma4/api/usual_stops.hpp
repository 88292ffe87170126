// The tokens that end a text or a turn of Gemma's, whatever a model's files say.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <gemma4/core/types.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::array<std::string_view, 4> usual_stops{"<eos>", "<turn|>", "<|tool_response>",
                                                                 "<end_of_turn>"};

    inline void add_stop(std::vector<token_id>& stops, token_id id)
    {
        if (std::ranges::find(stops, id) == stops.end()) { stops.push_back(id); }
    }

    // Those of them that the vocabulary has.
    inline void add_usual_stops(std::vector<token_id>& stops, tokenizer const& tokens)
    {
        for (auto const name : usual_stops)
        {
            if (auto const id = tokens.find(name)) { add_stop(stops, *id); }
        }
    }
}
