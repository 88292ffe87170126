// A matrix of random weights of a GGUF type, packed, and the exact weights of what was packed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>
#include <packing/packed_cases.hpp>

#include <gemma4/core/memory.hpp>
#include <gemma4/packing/pack_rows.hpp>
#include <gemma4/packing/unpack_rows.hpp>

namespace packed_cases
{
    using namespace gemma4;

    struct packed_matrix
    {
        packed_type type;
        std::size_t outs, ins;
        buffer<std::byte> bytes;
        std::vector<float> weights;    // (outs, ins)

        packed_matrix(ggml_type source, std::size_t n, std::size_t k)
            : type(*packed_type_of(source))
            , outs(n)
            , ins(k)
            , bytes(packed_bytes(type, n, k))
            , weights(n * k)
        {
            auto const rows = packed_cases::ordinary_rows(source, n, k, std::uint32_t(n + k));
            auto const row_bytes = rows.size() / n;
            for (std::size_t r = 0; r < n; r += packed_rows)
            {
                auto const count = std::min(packed_rows, n - r);
                auto* const block = bytes.data() + r / packed_rows * packed_block_bytes(type, k);
                REQUIRE(pack_rows(source, rows.data() + r * row_bytes, row_bytes, count, k, block));
                unpack_rows(type, block, k, 0, count, weights.data() + r * k, k);
            }
        }
    };
}
