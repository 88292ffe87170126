// What a model's type says it can take in.
#pragma once

#include <gemma4/spec/architecture.hpp>
#include <gemma4/spec/audio_config.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0
{
    enum class modality : unsigned
    {
        text = 1,
        image = 2,    // video too: its frames are images
        audio = 4
    };

    constexpr modality operator|(modality a, modality b) { return modality(unsigned(a) | unsigned(b)); }
    constexpr bool has(modality set, modality one)
    {
        return (unsigned(set) & unsigned(one)) == unsigned(one);
    }

    // The towers of a variant; hidden is 0 where it has none. A user's variant may leave the members out.
    template <text_model M>
    consteval vision_config vision_of()
    {
        if constexpr (requires { M::vision; }) { return M::vision; }
        else { return {}; }
    }

    template <text_model M>
    consteval audio_config audio_of()
    {
        if constexpr (requires { M::audio; }) { return M::audio; }
        else { return {}; }
    }

    // Everything that a variant can take in.
    template <text_model M>
    inline constexpr modality all_modalities =
        modality::text | (vision_of<M>() ? modality::image : modality::text)
        | (audio_of<M>() ? modality::audio : modality::text);
}
