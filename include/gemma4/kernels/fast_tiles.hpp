// The table of the matrix unit: many rows meet their weights as tiles, few as the instruction set has them.
#pragma once

#include <cstddef>

#include <gemma4/kernels/fast_instantiate.hpp>
#include <gemma4/kernels/fast_tile_attention.hpp>
#include <gemma4/kernels/fast_tile_block_attention.hpp>
#include <gemma4/kernels/fast_tile_matmul.hpp>

namespace gemma4::inline v0::kernels
{
    // Few rows as the instruction set has them, many on the matrix unit.
    template <class Isa, class Tiles>
    struct fast_tile_choice
    {
        static constexpr fast_table few = make_fast_table<Isa>();

        static activation_kind wants(packed_type type, std::size_t rows)
        {
            bool const is_plain = type == packed_type::bf16 || type == packed_type::f16;
            return rows > (is_plain ? 8 : 16) ? activation_kind::tiles : few.wants(type, rows);
        }

        static std::size_t bytes(activation_kind kind, std::size_t rows, std::size_t ins)
        {
            return kind == activation_kind::tiles ? fast_tile_rows<Isa>::bytes(rows, ins)
                                                  : few.activation_bytes(kind, rows, ins);
        }

        static void quantise(float const* x, std::size_t ldx, std::size_t first, std::size_t count,
                             activations const& to)
        {
            if (to.kind == activation_kind::tiles) { fast_tile_rows<Isa>::run(x, ldx, first, count, to); }
            else { few.quantise(x, ldx, first, count, to); }
        }

        template <class Source>
        static void matmul(activations const& x, std::size_t first, std::size_t count, std::byte const* block,
                           std::size_t outs, float* y, std::size_t ldy, std::byte* scratch)
        {
            if (x.kind == activation_kind::tiles)
            {
                fast_tile_matmul<Isa, Tiles, Source>::run(x, first, count, block, outs, y, ldy, scratch);
            }
            else { few.matmul[std::size_t(Source::type)](x, first, count, block, outs, y, ldy, scratch); }
        }
    };

    template <class Isa, class Tiles, class Source>
    constexpr void add_tile_products(fast_table& table)
    {
        auto const type = std::size_t(Source::type);
        table.matmul[type] = fast_tile_choice<Isa, Tiles>::template matmul<Source>;
        table.gated[type] = fast_tile_matmul<Isa, Tiles, Source>::run_gated;
    }

    template <class Isa, class Tiles>
    constexpr fast_table make_fast_tile_table(char const* name)
    {
        using choice = fast_tile_choice<Isa, Tiles>;
        fast_table made = choice::few;
        made.name = name;
        made.wants = choice::wants;
        made.activation_bytes = choice::bytes;
        made.quantise = choice::quantise;
        made.outs_at_once = 256;
        static_assert(sizeof(tile_scratch)
                      >= sizeof(typename fast_tile_block_attention<Isa, Tiles>::scratch_type));
        made.scratch_bytes = sizeof(tile_scratch);
        add_tile_products<Isa, Tiles, fast_q4_tile<Isa>>(made);
        add_tile_products<Isa, Tiles, fast_tile<Isa, fast_scaled<Isa, 4>>>(made);
        add_tile_products<Isa, Tiles, fast_tile<Isa, fast_super<Isa, 4>>>(made);
        add_tile_products<Isa, Tiles, fast_tile<Isa, fast_q6<Isa>>>(made);
        add_tile_products<Isa, Tiles, fast_q8_tile<Isa>>(made);
        add_tile_products<Isa, Tiles, fast_tile<Isa, fast_q8g<Isa>>>(made);
        add_tile_products<Isa, Tiles, fast_plain_tile<Isa, packed_type::bf16>>(made);
        add_tile_products<Isa, Tiles, fast_plain_tile<Isa, packed_type::f16>>(made);
        add_tile_products<Isa, Tiles, fast_tile<Isa, fast_centred<Isa, 5>>>(made);
        add_tile_products<Isa, Tiles, fast_tile<Isa, fast_scaled<Isa, 5>>>(made);
        add_tile_products<Isa, Tiles, fast_tile<Isa, fast_super<Isa, 5>>>(made);
        add_attention<Isa>(made);
        made.attend = fast_tile_block_attention<Isa, Tiles>::run;
        made.score_page[std::size_t(kv_type::bf16)] = fast_tile_attention<Isa, Tiles>::score;
        made.mix_page[std::size_t(kv_type::bf16)] = fast_tile_attention<Isa, Tiles>::mix;
        return made;
    }
}
