// What a model's type says it can take in.
#pragma once

namespace gemma4::inline v0
{
    enum class modality : unsigned
    {
        text = 1
    };

    constexpr modality operator|(modality a, modality b) { return modality(unsigned(a) | unsigned(b)); }
    constexpr bool has(modality set, modality one)
    {
        return (unsigned(set) & unsigned(one)) == unsigned(one);
    }
}
