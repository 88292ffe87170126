// The buffers of a vision tower, taken once: their sizes follow from the largest image alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>

#include <gemma4/core/math.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/core/view.hpp>
#include <gemma4/layers/block_attention.hpp>
#include <gemma4/layers/linear.hpp>
#include <gemma4/parallel/pages.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0
{
    struct vision_workspace_options
    {
        std::size_t patches = 9 * 280;    // of one image at most; 9 * 1120 = 10080 for the largest budget
        std::size_t slots = 1;            // items under way at once: the executor's concurrency
        kernels::fast_table const* fast = nullptr;    // null: all in float32
    };

    inline constexpr std::size_t vision_ffn_rows = 1024;     // patches whose feed-forward is under way
    inline constexpr std::size_t vision_query_block = 64;    // queries of an item of attention

    template <vision_config V>
    class vision_workspace
    {
    public:
        // A head of a key or value, filled with zeros up to whole vectors of 16.
        static constexpr std::size_t head_width = round_up(V.head_dim, 16);
        static constexpr std::size_t angles = V.head_dim / 4;    // pairs that turn by one axis

        // Floats of a compute's slot scratch that a tower needs.
        static constexpr std::size_t slot_floats(kernels::fast_table const* fast)
        {
            constexpr auto in_pages = vision_query_block * (2 * head_width + kernels::page_positions + 2)
                                      + 2 * vision_query_block * (sizeof(std::size_t) / sizeof(float));
            auto const in_blocks = fast ? block_attention::floats(head_width) : 0;
            return round_up(
                std::max({in_blocks, in_pages, 16 * V.hidden, block_floats(vision_ffn_rows, fast)}),
                cache_line / sizeof(float));
        }

        explicit vision_workspace(vision_workspace_options const& options,
                                  std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_options(options)
            , m_arena(layout(options, nullptr, nullptr), memory)
        {
            advise_huge_pages(m_arena.data(), m_arena.size());
            layout(options, this, m_arena.data());
        }

        vision_workspace(vision_workspace const&) = delete;
        vision_workspace& operator=(vision_workspace const&) = delete;

        vision_workspace_options const& options() const noexcept { return m_options; }
        std::size_t bytes() const noexcept { return m_arena.size(); }

        // Bytes that a workspace of these options takes.
        static std::size_t bytes(vision_workspace_options const& options)
        {
            return layout(options, nullptr, nullptr);
        }

        // Computes with these threads and kernels in this workspace's scratch.
        compute machine(executor& threads, kernels::table const& kernels) const noexcept
        {
            return {.kernels = &kernels,
                    .threads = &threads,
                    .slots = m_options.slots,
                    .slot_scratch = slot_scratch,
                    .slot_floats = slot_floats(m_options.fast),
                    .weight_rows = weight_rows,
                    .weight_row_floats = weight_floats(),
                    .fast = m_options.fast,
                    .quantised = quantised,
                    .product_scratch = product_scratch};
        }

        float* x = nullptr;          // (patches, hidden) the residual stream
        float* y = nullptr;          // (patches, hidden) input, then output of a block; then the pooled rows
        float* clipped = nullptr;    // (patches, hidden) the input as one linear sees it; null: never needed
        float* query = nullptr;      // (patches, hidden) projections on their way; queries; mixes of values
        // (heads, pages, page_positions, head_width) float32, or (heads, pieces) of block_attention.
        std::byte* keys = nullptr;
        std::byte* values = nullptr;    // likewise
        float* gate = nullptr;          // (ffn rows, ffn); in the place of query, keys and values
        float* scaled = nullptr;        // (ffn rows, 768) pixels in -1..1; likewise
        float* cosine = nullptr;        // (columns + rows, angles)
        float* sine = nullptr;
        float* slot_scratch = nullptr;     // (slots, slot_floats)
        float* weight_rows = nullptr;      // (slots, weight_floats)
        std::byte* quantised = nullptr;    // the input of a product of packed weights
        std::byte* product_scratch = nullptr;

        static constexpr std::size_t ffn_rows(std::size_t patches)
        {
            return std::min(patches, vision_ffn_rows);
        }

    private:
        static constexpr std::size_t weight_floats()
        {
            return round_up(weight_row_floats(std::max({V.hidden, V.ffn, 3 * V.patch * V.patch})),
                            cache_line / sizeof(float));
        }

        // Bytes of the keys, or values, of all patches.
        static std::size_t key_bytes(vision_workspace_options const& o)
        {
            auto const in_pages = [](std::size_t patches)
            { return V.heads * round_up(patches, kernels::page_positions) * head_width * sizeof(float); };
            if (!block_attention::serves(o.fast, o.patches)) { return in_pages(o.patches); }
            // A smaller image may still take pages.
            auto const few = in_pages(std::min(o.patches, block_attention::fewest_rows));
            return std::max(few, V.heads * ceil_div(o.patches, block_attention::keys_at_once)
                                     * block_attention::piece_bytes(head_width));
        }

        // Walks the buffers: returns their bytes; with `self`, points its members into `memory`.
        static std::size_t layout(vision_workspace_options const& o, vision_workspace* self,
                                  std::byte* memory)
        {
            std::size_t used = 0;
            auto const take = [&]<class T>(T* vision_workspace::*member, std::size_t n)
            {
                if (self) { self->*member = reinterpret_cast<T*>(memory + used); }
                used += round_up(n * sizeof(T), cache_line);
            };
            auto const rows = o.patches * V.hidden;
            take(&vision_workspace::x, rows);
            take(&vision_workspace::y, rows);
            if constexpr (V.clipped) { take(&vision_workspace::clipped, rows); }
            auto const blocks = used;    // attention, feed-forward and embedding share what follows
            take(&vision_workspace::query, rows);
            take(&vision_workspace::keys, key_bytes(o));
            take(&vision_workspace::values, key_bytes(o));
            auto const attention_end = used;
            used = blocks;
            take(&vision_workspace::gate, ffn_rows(o.patches) * V.ffn);
            auto const ffn_end = used;
            used = blocks;
            take(&vision_workspace::scaled, ffn_rows(o.patches) * 3 * V.patch * V.patch);
            used = std::max({used, ffn_end, attention_end});
            auto const sides = o.patches / V.pooling + V.pooling;    // columns + rows at most
            take(&vision_workspace::cosine, sides * angles);
            take(&vision_workspace::sine, sides * angles);
            take(&vision_workspace::slot_scratch, o.slots * slot_floats(o.fast));
            take(&vision_workspace::weight_rows, o.slots * weight_floats());
            if (o.fast)
            {
                take(&vision_workspace::quantised,
                     std::max(quantised_bytes(o.patches, V.hidden),
                              quantised_bytes(ffn_rows(o.patches), std::max(V.ffn, 3 * V.patch * V.patch))));
                take(&vision_workspace::product_scratch, o.slots * o.fast->scratch_bytes);
            }
            return used;
        }

        vision_workspace_options m_options;
        buffer<std::byte> m_arena;
    };
}
