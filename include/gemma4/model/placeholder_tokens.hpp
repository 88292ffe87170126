// Placeholders of images, videos and sound that stand in a sequence without a medium.
#pragma once

#include <array>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    // Gemma4ForConditionalGeneration embeds its placeholders as the pad token, rows of the per-layer table
    // included, before media take their places: one without a medium stays so. Gemma4ForCausalLM, and
    // llama.cpp with GGUF files, embed their own rows: no ids here.
    struct placeholder_tokens
    {
        static constexpr token_id none = -1;

        std::array<token_id, 3> ids{none, none, none};
        token_id pad = 0;    // of soft tokens, too: their row of the per-layer table

        // The token whose row is read for `id`.
        constexpr token_id embedded(token_id id) const noexcept
        {
            for (auto const placeholder : ids)
            {
                if (id == placeholder) { return pad; }
            }
            return id;
        }
    };
}
