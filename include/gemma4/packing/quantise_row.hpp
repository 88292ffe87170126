// A row of floats as blocks of a GGUF file, for tables that are read row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <gemma4/formats/ggml_type.hpp>
#include <gemma4/packing/quantise_rows.hpp>

namespace gemma4::inline v0
{
    // x (n), n a multiple of 32, as Q8_0 or Q4_0 (`to`), like ggml's reference.
    inline void quantise_row(ggml_type to, float const* x, std::size_t n, std::byte* out) noexcept
    {
        for (std::size_t k = 0; k != n; k += packed_group, x += packed_group)
        {
            std::uint8_t codes[packed_group];
            f16 scale;
            if (to == ggml_type::q8_0) { detail::quantise_q8(x, codes, scale); }
            else { detail::quantise_q4(x, codes, scale); }
            std::memcpy(out, &scale, 2);
            out += 2;
            if (to == ggml_type::q8_0)
            {
                for (auto const code : codes) { *out++ = std::byte(code ^ 0x80u); }
                continue;
            }
            for (std::size_t i = 0; i != 16; ++i) { *out++ = std::byte(codes[i] | codes[i + 16] << 4); }
        }
    }
}
