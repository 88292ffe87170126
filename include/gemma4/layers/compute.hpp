// What a layer computes with: kernels and threads. No layer knows more of the machine than this.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include <gemma4/kernels/fast_table.hpp>
#include <gemma4/kernels/table.hpp>
#include <gemma4/parallel/executor.hpp>
#include <gemma4/simd/arch/denormals.hpp>

namespace gemma4::inline v0
{
    struct compute
    {
        kernels::table const* kernels;
        executor* threads;
        std::size_t slots;      // how many items may be under way at once
        float* slot_scratch;    // (slots, slot_floats)
        std::size_t slot_floats;
        float* weight_rows;    // (slots, weight_row_floats): rows of a matrix that are float32 for now
        std::size_t weight_row_floats;
        kernels::fast_table const* fast = nullptr;    // products of packed matrices; null: all in float32
        std::byte* quantised = nullptr;               // the input of such a product
        std::byte* product_scratch = nullptr;         // (slots, fast->scratch_bytes)

        float* scratch(std::size_t slot) const noexcept { return slot_scratch + slot * slot_floats; }
        float* weights_of(std::size_t slot) const noexcept { return weight_rows + slot * weight_row_floats; }
        std::byte* product_scratch_of(std::size_t slot) const noexcept
        {
            return product_scratch + slot * fast->scratch_bytes;
        }

        // item(i, slot) for every i < items, handed out one by one, so that a slow core delays one item only.
        // `slot` < slots is not shared by items that run at the same time.
        template <class Item>
        void for_each(std::size_t items, Item&& item) const
        {
            std::atomic<std::size_t> next{0};
            auto const work = [&](std::size_t slot)
            {
                simd::flush_denormals const mode(fast != nullptr);
                for (auto i = next.fetch_add(1); i < items; i = next.fetch_add(1)) { item(i, slot); }
            };
            if (auto const wide = std::min(slots, items); wide > 1) { threads->run(wide, work); }
            else { work(0); }
        }

        // row(r, slot) for every row, in blocks.
        template <class Row>
        void for_each_row(std::size_t rows, Row&& row) const
        {
            constexpr std::size_t block = 8;
            for_each((rows + block - 1) / block,
                     [&](std::size_t i, std::size_t slot)
                     {
                         for (auto r = i * block; r != std::min(rows, (i + 1) * block); ++r) { row(r, slot); }
                     });
        }
    };
}
