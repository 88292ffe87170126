// The buffers of an audio tower, taken once: their sizes follow from the longest clip alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>

#include <gemma4/core/math.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/layers/linear.hpp>
#include <gemma4/spec/audio_config.hpp>

namespace gemma4::inline v0
{
    struct audio_workspace_options
    {
        std::size_t tokens = 750;                     // of one clip at most; 750 are 30 s
        std::size_t slots = 1;                        // items under way at once: the executor's concurrency
        kernels::fast_table const* fast = nullptr;    // null: all in float32
    };

    template <audio_config A>
    class audio_workspace
    {
    public:
        static constexpr std::size_t bins = 128;                // of a frame of features
        static constexpr std::size_t half_bins = bins / 2;      // after the first convolution
        static constexpr std::size_t frequencies = bins / 4;    // after the second
        static constexpr std::size_t taps = 9;                  // of a 3 x 3 kernel

        // Keys that a query sees: itself and those before it (the reference's attention_context_left - 1).
        static constexpr std::size_t span = A.context_left - 1;
        static constexpr std::size_t query_block = A.chunk;    // queries of an item of attention
        static constexpr std::size_t key_block = query_block + span - 1;

        // Tokens of an item of subsampling, and the rows of the first convolution that they need.
        static constexpr std::size_t token_block = 4;
        static constexpr std::size_t half_rows = 2 * token_block + 1;
        static constexpr std::size_t half_row = (half_bins + 1) * A.channels[0];    // one zero column before

        static constexpr std::size_t slot_floats()
        {
            constexpr auto subsampling = half_rows * half_row + frequencies * A.channels[1];
            constexpr auto attention = query_block * (key_block + 2 * span);
            return round_up(std::max(subsampling, attention), cache_line / sizeof(float));
        }

        explicit audio_workspace(audio_workspace_options const& options,
                                 std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_options(options)
            , m_arena(layout(options, nullptr, nullptr), memory)
        {
            layout(options, this, m_arena.data());
        }

        audio_workspace(audio_workspace const&) = delete;
        audio_workspace& operator=(audio_workspace const&) = delete;

        audio_workspace_options const& options() const noexcept { return m_options; }
        std::size_t bytes() const noexcept { return m_arena.size(); }

        // Bytes that a workspace of these options takes.
        static std::size_t bytes(audio_workspace_options const& options)
        {
            return layout(options, nullptr, nullptr);
        }

        // Computes with these kernels and threads in this workspace's scratch.
        compute machine(executor& threads, kernels::table const& kernels) const noexcept
        {
            return {.kernels = &kernels,
                    .threads = &threads,
                    .slots = m_options.slots,
                    .slot_scratch = slot_scratch,
                    .slot_floats = slot_floats(),
                    .weight_rows = weight_rows,
                    .weight_row_floats = weight_floats(),
                    .fast = m_options.fast,
                    .quantised = quantised,
                    .product_scratch = product_scratch};
        }

        float* x = nullptr;    // (tokens, hidden) the residual stream
        float* y = nullptr;    // (tokens, hidden) input of a block
        float* z = nullptr;    // (tokens, hidden) output of a block
        // (tokens, wide_columns): the subsampled frames; the inside of a feed-forward; queries, keys, values
        // and clipped inputs; both halves of a gated unit.
        float* wide = nullptr;
        float* out = nullptr;              // (tokens, output)
        float* conv0 = nullptr;            // (taps, channels 0): the first kernel, channels innermost
        float* conv1 = nullptr;            // (channels 1, taps, channels 0): the second, likewise
        float* depthwise = nullptr;        // (conv_kernel, hidden)
        float* query_scale = nullptr;      // (hidden)
        float* positions = nullptr;        // (span, hidden): sinusoids of the distances 0, 1, ...
        float* relative = nullptr;         // (span, hidden): these as keys
        float* slot_scratch = nullptr;     // (slots, slot_floats)
        float* weight_rows = nullptr;      // (slots, weight_floats)
        std::byte* quantised = nullptr;    // the input of a product of packed weights
        std::byte* product_scratch = nullptr;

        static constexpr std::size_t wide_columns = std::max(4 * A.hidden, frequencies* A.channels[1]);

    private:
        static constexpr std::size_t weight_floats()
        {
            return round_up(weight_row_floats(wide_columns), cache_line / sizeof(float));
        }

        // Walks the buffers: returns their bytes; with `self`, points its members into `memory`.
        static std::size_t layout(audio_workspace_options const& o, audio_workspace* self, std::byte* memory)
        {
            std::size_t used = 0;
            auto const take = [&](float* audio_workspace::*member, std::size_t floats)
            {
                if (self) { self->*member = reinterpret_cast<float*>(memory + used); }
                used += round_up(floats * sizeof(float), cache_line);
            };
            take(&audio_workspace::x, o.tokens * A.hidden);
            take(&audio_workspace::y, o.tokens * A.hidden);
            take(&audio_workspace::z, o.tokens * A.hidden);
            take(&audio_workspace::wide, o.tokens * wide_columns);
            take(&audio_workspace::out, o.tokens * A.output);
            take(&audio_workspace::conv0, taps * A.channels[0]);
            take(&audio_workspace::conv1, A.channels[1] * taps * A.channels[0]);
            take(&audio_workspace::depthwise, A.conv_kernel * A.hidden);
            take(&audio_workspace::query_scale, A.hidden);
            take(&audio_workspace::positions, span * A.hidden);
            take(&audio_workspace::relative, span * A.hidden);
            take(&audio_workspace::slot_scratch, o.slots * slot_floats());
            take(&audio_workspace::weight_rows, o.slots * weight_floats());
            if (o.fast)
            {
                if (self) { self->quantised = memory + used; }
                used += round_up(quantised_bytes(std::max(o.tokens, span), wide_columns), cache_line);
                if (self) { self->product_scratch = memory + used; }
                used += round_up(o.slots * o.fast->scratch_bytes, cache_line);
            }
            return used;
        }

        audio_workspace_options m_options;
        buffer<std::byte> m_arena;
    };
}
