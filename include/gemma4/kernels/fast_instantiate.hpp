// All fast kernels of one instruction set, collected. Like kernels/instantiate.hpp: compiled once per
// instruction set, without any container or algorithm of the standard library.
#pragma once

#include <cstddef>

#include <gemma4/kernels/fast_attention.hpp>
#include <gemma4/kernels/fast_matmul.hpp>
#include <gemma4/kernels/fast_page_attention.hpp>
#include <gemma4/kernels/fast_plain.hpp>
#include <gemma4/simd/arch/dot.hpp>

namespace gemma4::inline v0::kernels
{
    template <class Isa>
    struct fast_choice
    {
        static activation_kind wants(packed_type type, std::size_t rows)
        {
            if (type == packed_type::bf16 || type == packed_type::f16)
            {
                bool const pairs = Isa::has_bf16_dot && type == packed_type::bf16 && rows > 2;
                return pairs ? activation_kind::bfloat16 : activation_kind::float32;
            }
            return rows == 1 ? activation_kind::int16 : activation_kind::int8;
        }
    };

    template <class Isa>
    constexpr void add_attention(fast_table& table)
    {
        using attention = fast_attention<Isa>;
        table.pack_keys[std::size_t(kv_type::f32)] = attention::template pack_keys<float>;
        table.pack_keys[std::size_t(kv_type::bf16)] = attention::template pack_keys<bf16>;
        table.pack_keys[std::size_t(kv_type::int8)] = attention::template pack_keys<std::int8_t>;
        table.pack_values[std::size_t(kv_type::f32)] = attention::template pack_values<float>;
        table.pack_values[std::size_t(kv_type::bf16)] = attention::template pack_values<bf16>;
        table.pack_values[std::size_t(kv_type::int8)] = attention::template pack_values<std::int8_t>;
    }

    // Where the instruction set has the products.
    template <class Isa>
    constexpr void add_page_attention(fast_table& table)
    {
        if constexpr (requires { &Isa::sums; })
        {
            using attention = fast_page_attention<Isa>;
            table.score_page[std::size_t(kv_type::int8)] = attention::template score<std::int8_t>;
            table.mix_page[std::size_t(kv_type::int8)] = attention::template mix<std::int8_t>;
            if constexpr (Isa::has_bf16_dot)
            {
                table.score_page[std::size_t(kv_type::bf16)] = attention::template score<bf16>;
                table.mix_page[std::size_t(kv_type::bf16)] = attention::template mix<bf16>;
            }
        }
    }

    template <class Isa>
    constexpr fast_table make_fast_table()
    {
        // In the order of packed_type.
        fast_table made{
            .name = Isa::name,
            .wants = fast_choice<Isa>::wants,
            .activation_bytes = fast_quantise<Isa>::bytes,
            .quantise = fast_quantise<Isa>::run,
            .outs_at_once = 128,
            .scratch_bytes = 0,
            .matmul = {fast_matmul<Isa, fast_centred<Isa, 4>>::run,
                       fast_matmul<Isa, fast_scaled<Isa, 4>>::run, fast_matmul<Isa, fast_super<Isa, 4>>::run,
                       fast_matmul<Isa, fast_q6<Isa>>::run, fast_matmul<Isa, fast_q8<Isa>>::run,
                       fast_matmul<Isa, fast_q8g<Isa>>::run, fast_plain<Isa, packed_type::bf16>::run,
                       fast_plain<Isa, packed_type::f16>::run, fast_matmul<Isa, fast_centred<Isa, 5>>::run,
                       fast_matmul<Isa, fast_scaled<Isa, 5>>::run, fast_matmul<Isa, fast_super<Isa, 5>>::run},
            .gated = {},
            .pack_keys = {},
            .pack_values = {},
            .attend = nullptr,
            .score_page = {},
            .mix_page = {},
        };
        if constexpr (Isa::has_bf16_dot) { add_attention<Isa>(made); }
        add_page_attention<Isa>(made);
        return made;
    }
}
