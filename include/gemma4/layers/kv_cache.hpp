// Keys and values of one layer of one conversation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/core/math.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/kernels/table.hpp>
#include <gemma4/layers/kv_pages.hpp>
#include <gemma4/spec/layer_spec.hpp>

namespace gemma4::inline v0
{
    using kernels::kv_type;

    // What a page of a layer holds: keys (kv_heads, page_positions, head_dim), values of the same shape, and,
    // where they are int8, the scales of both (2 * kv_heads, page_positions).
    struct kv_shape
    {
        kv_type type;
        std::size_t heads;
        std::size_t head_dim;

        constexpr std::size_t vector_bytes() const { return head_dim * kernels::size_of(type); }
        constexpr std::size_t head_bytes() const { return kernels::page_positions * vector_bytes(); }
        constexpr std::size_t scales_at() const { return 2 * heads * head_bytes(); }
        constexpr std::size_t page_bytes() const
        {
            auto const scales = type == kv_type::int8 ? 2 * heads * kernels::page_positions : 0;
            return scales_at() + scales * sizeof(float);
        }
    };

    constexpr kv_shape kv_shape_of(layer_spec const& s, kv_type type)
    {
        return {type, s.kv_heads, s.head_dim};
    }

    // Where one key or value is written.
    struct kv_place
    {
        void* vector;
        float* scale;
    };

    // A table of pages by position. Copying it shares the pages; a shared page is copied when it is written.
    class kv_cache
    {
    public:
        kv_cache() = default;

        // Pages from the one of index `first` on.
        kv_cache(std::size_t first, std::vector<page_ref> pages)
            : m_pages(std::move(pages))
            , m_first(first)
        {}

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

        std::span<page_ref const> pages() const noexcept { return m_pages; }
        std::size_t first() const noexcept { return m_first; }    // index of the first page

        // One head of a page.
        kernels::kv_page page(std::size_t index, std::size_t head, kv_shape const& shape) const
        {
            auto const* const data = m_pages[index - m_first].data();
            auto const* const scales = reinterpret_cast<float const*>(data + shape.scales_at());
            return {data + head * shape.head_bytes(), data + (shape.heads + head) * shape.head_bytes(),
                    scales + head * kernels::page_positions,
                    scales + (shape.heads + head) * kernels::page_positions};
        }

        kv_place key_at(position at, std::size_t head, kv_shape const& shape)
        {
            return place_at(at, head, shape);
        }

        kv_place value_at(position at, std::size_t head, kv_shape const& shape)
        {
            return place_at(at, shape.heads + head, shape);
        }

    private:
        kv_place place_at(position at, std::size_t row, kv_shape const& shape)
        {
            auto* const data = m_pages[at / kernels::page_positions - m_first].data();
            auto const in_page = at % kernels::page_positions;
            return {data + row * shape.head_bytes() + in_page * shape.vector_bytes(),
                    reinterpret_cast<float*>(data + shape.scales_at()) + row * kernels::page_positions
                        + in_page};
        }

        std::vector<page_ref> m_pages;
        std::size_t m_first = 0;    // index of the first page that is held
    };
}
