// The buffers of a forward call, taken once: their sizes follow from the model, the rows and the context
// alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>

#include <gemma4/core/memory.hpp>
#include <gemma4/layers/decoder_layer.hpp>

namespace gemma4::inline v0
{
    struct workspace_options
    {
        std::size_t rows = 512;                       // of one forward call at most
        std::size_t context = 4096;                   // positions of a state at most
        std::size_t slots = 1;                        // items under way at once: the executor's concurrency
        std::size_t logit_rows = 16;                  // rows of logits that are made at a time
        kernels::fast_table const* fast = nullptr;    // null: all in float32
    };

    template <text_model M>
    class workspace
    {
        static constexpr text_config text = M::text;
        static constexpr auto const& schedule = architecture<M>::schedule;

    public:
        workspace(workspace_options const& options, std::pmr::memory_resource* memory)
            : m_options(options)
            , m_arena(layout(options, nullptr, nullptr), memory)
        {
            layout(options, this, m_arena.data());
        }

        workspace(workspace const&) = delete;
        workspace& operator=(workspace const&) = delete;

        workspace_options const& options() const noexcept { return m_options; }
        std::size_t bytes() const noexcept { return m_arena.size(); }

        // Bytes that a workspace of these options takes.
        static std::size_t bytes(workspace_options const& options)
        {
            return layout(options, nullptr, nullptr);
        }

        activations rows;                 // buffers for `options.rows` rows
        row_place* places = nullptr;      // (rows)
        float* slot_scratch = nullptr;    // (slots, slot_floats)
        float* weight_rows = nullptr;     // (slots, weight_floats)
        std::byte* quantised = nullptr;
        std::byte* product_scratch = nullptr;
        float* logits = nullptr;    // (logit_rows, vocab)

        static constexpr std::size_t slot_floats(workspace_options const& o)
        {
            std::size_t floats = block_floats(o.rows, o.fast);
            for (std::size_t k = 0; k != schedule.kind_count; ++k)
            {
                floats = std::max(floats, attention_scratch(schedule.kinds[k], o.fast != nullptr));
            }
            return round_up(floats, cache_line / sizeof(float));
        }

        // Rows of the widest matrix, or one row of the per-layer embeddings.
        static constexpr std::size_t weight_floats()
        {
            return round_up(std::max(weight_row_floats(widest_input()), text.layers * text.per_layer_input),
                            cache_line / sizeof(float));
        }

        compute machine(executor& threads, kernels::table const& kernels) const
        {
            return {&kernels,    &threads,        m_options.slots, slot_scratch, slot_floats(m_options),
                    weight_rows, weight_floats(), m_options.fast,  quantised,    product_scratch};
        }

    private:
        // Columns of the widest matrix.
        static constexpr std::size_t widest_input()
        {
            return widest([](auto& s) { return std::max({s.hidden, s.ffn, s.heads * s.head_dim}); });
        }

        // Largest value of f over the kinds of layer.
        template <class F>
        static constexpr std::size_t widest(F&& f)
        {
            std::size_t most = 0;
            for (std::size_t k = 0; k != schedule.kind_count; ++k)
            {
                most = std::max(most, f(schedule.kinds[k]));
            }
            return most;
        }

        // Walks the buffers: returns their bytes; with `self`, points its members into `memory`.
        static std::size_t layout(workspace_options const& o, workspace* self, std::byte* memory)
        {
            std::size_t used = 0;
            auto const take = [&]<class T>(T* workspace::*member, std::size_t n)
            {
                if (self) { self->*member = reinterpret_cast<T*>(memory + used); }
                used += round_up(n * sizeof(T), cache_line);
            };
            auto const take_rows = [&]<class T>(T* activations::*member, std::size_t n)
            {
                if (self) { self->rows.*member = reinterpret_cast<T*>(memory + used); }
                used += round_up(n * sizeof(T), cache_line);
            };
            auto const take_view = [&](view<float> activations::*member)
            {
                if (self)
                {
                    self->rows.*member = {reinterpret_cast<float*>(memory + used), o.rows, text.hidden};
                }
                used += round_up(o.rows * text.hidden * sizeof(float), cache_line);
            };
            take(&workspace::places, o.rows);
            take_view(&activations::x);
            take_view(&activations::y);
            take_view(&activations::z);
            take_rows(&activations::query, o.rows * widest([](auto& s) { return s.heads * s.head_dim; }));
            take_rows(&activations::key, o.rows * widest([](auto& s) { return s.kv_heads * s.head_dim; }));
            take_rows(&activations::value, o.rows * widest([](auto& s) { return s.kv_heads * s.head_dim; }));
            take_rows(&activations::ffn,
                      o.rows * widest([](auto& s) { return std::max(s.ffn, s.per_layer_input); }));
            take_rows(&activations::per_layer, o.rows * prepared_layers() * text.per_layer_input);
            take_rows(&activations::scores, o.rows * text.experts);
            take_rows(&activations::routes, route_count(text, o.rows));
            take_rows(&activations::route_weights, o.rows * text.active_experts);
            take_rows(&activations::expert_rows, o.rows * text.active_experts * text.hidden);
            take_rows(&activations::expert_ffn, o.rows * text.active_experts * text.expert_ffn);
            take_rows(&activations::spans,
                      widest([&](auto& s) { return span_scratch(s, o.rows, o.context); }));
            for (auto const kind : {attention_kind::sliding, attention_kind::global})
            {
                auto const rotated = widest([&](auto& s) { return s.attention == kind ? s.rotated : 0; });
                for (auto const member : {&rope_rows::cosine, &rope_rows::sine})
                {
                    if (self)
                    {
                        auto& table = self->rows.rope[std::size_t(kind)];
                        table.*member = reinterpret_cast<float*>(memory + used);
                        table.rotated = rotated;
                    }
                    used += round_up(o.rows * rotated * sizeof(float), cache_line);
                }
            }
            take(&workspace::slot_scratch, o.slots * slot_floats(o));
            take(&workspace::weight_rows, o.slots * weight_floats());
            if (o.fast)
            {
                take(&workspace::quantised,
                     std::max(quantised_bytes(o.rows, widest_input()), quantised_expert_bytes(text, o.rows)));
                take(&workspace::product_scratch, o.slots * o.fast->scratch_bytes);
            }
            take(&workspace::logits, std::min(o.logit_rows, o.rows) * text.vocab);
            return used;
        }

        // Per-layer inputs are made for the layers before the last owner, then, for the rows that are left,
        // for the others.
        static constexpr std::size_t prepared_layers()
        {
            return std::max(schedule.owners - 1, text.layers - (schedule.owners - 1));
        }

        workspace_options m_options;
        buffer<std::byte> m_arena;
    };
}
