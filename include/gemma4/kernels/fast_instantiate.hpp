// All fast kernels of one instruction set, collected. Like kernels/instantiate.hpp: compiled once per
// instruction set, without any container or algorithm of the standard library.
#pragma once

#include <cstddef>

#include <gemma4/kernels/fast_matmul.hpp>
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
    constexpr fast_table make_fast_table()
    {
        // In the order of packed_type.
        return {
            .name = Isa::name,
            .wants = fast_choice<Isa>::wants,
            .activation_bytes = fast_quantise<Isa>::bytes,
            .quantise = fast_quantise<Isa>::run,
            .matmul = {fast_matmul<Isa, fast_q4<Isa>>::run, fast_matmul<Isa, fast_q4s<Isa>>::run,
                       fast_matmul<Isa, fast_q4k<Isa>>::run, fast_matmul<Isa, fast_q6<Isa>>::run,
                       fast_matmul<Isa, fast_q8<Isa>>::run, fast_matmul<Isa, fast_q8g<Isa>>::run,
                       fast_plain<Isa, packed_type::bf16>::run, fast_plain<Isa, packed_type::f16>::run},
        };
    }
}
