// Whether the head of a model is its embedding.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include <gemma4/formats/format_of.hpp>
#include <gemma4/io/weight_source.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The rows of a stored matrix as float32.
        class decoded_rows
        {
        public:
            decoded_rows(stored_weight const& from, std::size_t columns)
                : m_from(from)
                , m_values(columns)
            {}

            std::span<float const> row(std::size_t r)
            {
                auto const columns = m_values.size();
                dequantise(ggml_type_of(m_from.type), m_from.data + r * row_bytes(m_from.type, columns),
                           columns, m_values.data());
                if (m_from.factors.values)
                {
                    for (float& x : m_values) { x *= m_from.factors.values[r / m_from.factors.rows]; }
                }
                return m_values;
            }

        private:
            stored_weight const& m_from;
            std::vector<float> m_values;
        };
    }

    // Whether two matrices (rows, columns) that lie in files hold the same numbers. Reads to the first
    // difference: of two that are not the same almost nothing, of the same type and equal all bytes once.
    inline bool same_values(stored_weight const& a, stored_weight const& b, std::size_t rows,
                            std::size_t columns)
    {
        if (a.type == b.type && a.bytes == b.bytes && !a.factors.values && !b.factors.values)
        {
            return a.data == b.data || std::memcmp(a.data, b.data, a.bytes) == 0;
        }
        detail::decoded_rows left(a, columns), right(b, columns);
        for (std::size_t r = 0; r != rows; ++r)
        {
            if (!std::ranges::equal(left.row(r), right.row(r))) { return false; }
        }
        return true;
    }

    // As transformers: a model whose configuration says so is tied, unless its files hold a head of other
    // values than the embedding. Throws as weight_source::demand.
    inline bool is_tied(weight_source& source, bool configured, std::size_t vocab, std::size_t hidden)
    {
        if (!configured || !source.has(weight_tree::text, "lm_head.weight")) { return configured; }
        std::array<std::size_t, 2> const shape{vocab, hidden};
        auto const head = source.demand(weight_tree::text, "lm_head.weight", shape);
        auto const table = source.demand(weight_tree::text, "embed_tokens.weight", shape);
        return same_values(head, table, vocab, hidden);
    }
}
