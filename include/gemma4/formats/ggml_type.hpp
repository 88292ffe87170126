// The tensor types of GGUF files: id, name, and how many weights share how many bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gemma4::inline v0
{
    // The ids of the file. Ids 4, 5, 31 to 33 and 36 to 38 belonged to types that no longer exist.
    // The enumerators are named like the formats on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
    enum class ggml_type : std::uint32_t
    {
        f32 = 0,
        f16 = 1,
        q4_0 = 2,
        q4_1 = 3,
        q5_0 = 6,
        q5_1 = 7,
        q8_0 = 8,
        q8_1 = 9,
        q2_k = 10,
        q3_k = 11,
        q4_k = 12,
        q5_k = 13,
        q6_k = 14,
        q8_k = 15,
        iq2_xxs = 16,
        iq2_xs = 17,
        iq3_xxs = 18,
        iq1_s = 19,
        iq4_nl = 20,
        iq3_s = 21,
        iq2_s = 22,
        iq4_xs = 23,
        i8 = 24,
        i16 = 25,
        i32 = 26,
        i64 = 27,
        f64 = 28,
        iq1_m = 29,
        bf16 = 30,
        tq1_0 = 34,
        tq2_0 = 35,
        mxfp4 = 39,
        nvfp4 = 40,
        q1_0 = 41,
        q2_0 = 42
    };
#pragma GCC diagnostic pop

    struct ggml_type_traits
    {
        char const* name;    // nullptr: no such type
        std::size_t weights_per_block;
        std::size_t bytes_per_block;
    };

    // Source: ggml's table of type traits.
    constexpr ggml_type_traits traits_of(ggml_type type) noexcept
    {
        switch (type)
        {
        case ggml_type::f32: return {"F32", 1, 4};
        case ggml_type::f16: return {"F16", 1, 2};
        case ggml_type::bf16: return {"BF16", 1, 2};
        case ggml_type::q4_0: return {"Q4_0", 32, 18};
        case ggml_type::q4_1: return {"Q4_1", 32, 20};
        case ggml_type::q5_0: return {"Q5_0", 32, 22};
        case ggml_type::q5_1: return {"Q5_1", 32, 24};
        case ggml_type::q8_0: return {"Q8_0", 32, 34};
        case ggml_type::q8_1: return {"Q8_1", 32, 36};
        case ggml_type::q2_k: return {"Q2_K", 256, 84};
        case ggml_type::q3_k: return {"Q3_K", 256, 110};
        case ggml_type::q4_k: return {"Q4_K", 256, 144};
        case ggml_type::q5_k: return {"Q5_K", 256, 176};
        case ggml_type::q6_k: return {"Q6_K", 256, 210};
        case ggml_type::q8_k: return {"Q8_K", 256, 292};
        case ggml_type::iq2_xxs: return {"IQ2_XXS", 256, 66};
        case ggml_type::iq2_xs: return {"IQ2_XS", 256, 74};
        case ggml_type::iq3_xxs: return {"IQ3_XXS", 256, 98};
        case ggml_type::iq1_s: return {"IQ1_S", 256, 50};
        case ggml_type::iq4_nl: return {"IQ4_NL", 32, 18};
        case ggml_type::iq3_s: return {"IQ3_S", 256, 110};
        case ggml_type::iq2_s: return {"IQ2_S", 256, 82};
        case ggml_type::iq4_xs: return {"IQ4_XS", 256, 136};
        case ggml_type::iq1_m: return {"IQ1_M", 256, 56};
        case ggml_type::i8: return {"I8", 1, 1};
        case ggml_type::i16: return {"I16", 1, 2};
        case ggml_type::i32: return {"I32", 1, 4};
        case ggml_type::i64: return {"I64", 1, 8};
        case ggml_type::f64: return {"F64", 1, 8};
        case ggml_type::tq1_0: return {"TQ1_0", 256, 54};
        case ggml_type::tq2_0: return {"TQ2_0", 256, 66};
        case ggml_type::mxfp4: return {"MXFP4", 32, 17};
        case ggml_type::nvfp4: return {"NVFP4", 64, 36};
        case ggml_type::q1_0: return {"Q1_0", 128, 18};
        case ggml_type::q2_0: return {"Q2_0", 64, 18};
        }
        return {nullptr, 0, 0};
    }

    constexpr bool is_known(ggml_type type) noexcept { return traits_of(type).name != nullptr; }

    // The word that GGUF tools print, "?" for an id that is no type.
    constexpr char const* name(ggml_type type) noexcept
    {
        auto const* const word = traits_of(type).name;
        return word ? word : "?";
    }
}
