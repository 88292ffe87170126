// Keys and values of one layer of one conversation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <gemma4/core/math.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/kernels/table.hpp>
#include <gemma4/layers/kv_pages.hpp>
#include <gemma4/spec/layer_spec.hpp>

namespace gemma4::inline v0
{
    // Floats in a page of a layer: keys (kv_heads, page_positions, head_dim), then values of the same shape.
    constexpr std::size_t page_floats(layer_spec const& s)
    {
        return 2 * s.kv_heads * kernels::page_positions * s.head_dim;
    }

    // A table of pages by position. Copying it shares the pages; a shared page is copied when it is written.
    class kv_cache
    {
    public:
        kv_cache() = default;

        // Makes positions [begin, end) writable, and forgets nothing: call release() for that.
        void prepare(position begin, position end, page_pool& pool)
        {
            if (m_pages.empty()) { m_first = begin / kernels::page_positions; }
            m_pages.resize(
                std::max<std::size_t>(m_pages.size(), ceil_div(end, kernels::page_positions) - m_first));
            for (auto p = begin / kernels::page_positions; p * kernels::page_positions < end; ++p)
            {
                auto& ref = m_pages[p - m_first];
                if (ref) { ref.own(); }
                else { ref = page_ref(pool); }
            }
        }

        // Gives back pages that hold only positions before `low`.
        void release(position low)
        {
            auto const keep = std::min<std::size_t>(low / kernels::page_positions, m_first + m_pages.size());
            if (keep <= m_first) { return; }
            m_pages.erase(m_pages.begin(), m_pages.begin() + std::ptrdiff_t(keep - m_first));
            m_first = keep;
        }

        // Gives back pages that hold only positions at or after `end`.
        void truncate(position end)
        {
            auto const keep = std::max<std::size_t>(ceil_div(end, kernels::page_positions), m_first);
            m_pages.resize(std::min(m_pages.size(), keep - m_first));
        }

        void clear()
        {
            m_pages.clear();
            m_first = 0;
        }

        float const* keys(std::size_t page, std::size_t head, std::size_t head_dim) const
        {
            return m_pages[page - m_first].data() + head * kernels::page_positions * head_dim;
        }

        float const* values(std::size_t page, std::size_t head, std::size_t heads, std::size_t head_dim) const
        {
            return keys(page, heads + head, head_dim);
        }

        // Where the key of `at` is written, head 0; head h follows h * page_positions * head_dim further.
        float* key_at(position at, std::size_t head_dim)
        {
            return m_pages[at / kernels::page_positions - m_first].data()
                   + at % kernels::page_positions * head_dim;
        }

    private:
        std::vector<page_ref> m_pages;
        std::size_t m_first = 0;    // index of the first page that is held
    };
}
