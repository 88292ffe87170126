// The rows of one forward call and the buffers that a layer works in. Everything here is a view of the
// workspace.
#pragma once

#include <cstddef>
#include <span>

#include <gemma4/core/types.hpp>
#include <gemma4/core/view.hpp>
#include <gemma4/layers/kv_cache.hpp>
#include <gemma4/spec/layer_spec.hpp>

namespace gemma4::inline v0
{
    // One row: a token of one of the sequences of the batch.
    struct row_place
    {
        std::size_t sequence;    // index into activations::caches
        position at;             // position in its sequence
        position visible_end;    // sliding layers see keys before this; at + 1 unless media attend both ways
        std::size_t angles;      // row of the rope tables
        token_id token;
        float const* soft;    // (hidden) embedding of a soft token; null: that of `token`
        bool wanted;          // its logits are asked for
    };

    // cos and sin of every row of a forward call for one kind of attention: (rows, rotated) each.
    struct rope_rows
    {
        float* cosine = nullptr;
        float* sine = nullptr;
        std::size_t rotated = 0;
    };

    struct activations
    {
        std::span<row_place> places;          // (rows)
        std::span<kv_cache* const> caches;    // (sequences): the caches of each, one per owner layer
        kv_type kv = kv_type::f32;            // of all of them
        view<float> x;                        // (rows, hidden) the residual stream
        view<float> y;                        // (rows, hidden) input of a block
        view<float> z;                        // (rows, hidden) output of a block
        float* query = nullptr;               // (rows, heads * head_dim), then the attention's mix of values
        float* key = nullptr;                 // (rows, kv_heads * head_dim)
        float* value = nullptr;               // (rows, kv_heads * head_dim)
        float* ffn = nullptr;                 // (rows, ffn)
        float* per_layer = nullptr;           // (rows, layers prepared * per_layer_input)
        std::size_t per_layer_first = 0;      // first layer prepared
        std::size_t per_layer_count = 0;      // layers prepared
        float* scores = nullptr;              // (rows, experts) router probabilities
        std::size_t* routes = nullptr;        // see mixture.hpp
        float* route_weights = nullptr;       // (rows, active_experts)
        float* expert_rows = nullptr;         // (rows * active_experts, hidden)
        float* expert_ffn = nullptr;          // (rows * active_experts, expert_ffn)
        float* spans = nullptr;               // partial attention of few rows, see attention.hpp
        rope_rows rope[2];                    // by attention_kind

        std::size_t rows() const noexcept { return places.size(); }

        rope_rows const& rope_of(attention_kind kind) const noexcept { return rope[std::size_t(kind)]; }

        // Drops the rows whose logits nobody asked for.
        void keep_wanted()
        {
            std::size_t kept = 0;
            for (std::size_t r = 0; r != places.size(); ++r)
            {
                if (!places[r].wanted) { continue; }
                if (kept != r)
                {
                    places[kept] = places[r];
                    std::copy_n(x.row(r), x.columns, x.row(kept));
                    std::copy_n(y.row(r), y.columns, y.row(kept));
                }
                ++kept;
            }
            places = places.first(kept);
            x.rows = y.rows = z.rows = kept;
        }
    };
}
