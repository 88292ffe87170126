// A model's numbers, checked once in sentences, and everything derived from them: which kinds of layer there
// are, which kind each layer is, and whose keys and values it reads.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>

#include <gemma4/spec/layer_spec.hpp>

namespace gemma4::inline v0
{
    // A variant: a named empty type with `static constexpr text_config text`.
    template <class M>
    concept text_model = requires {
        {
            M::text
        } -> std::convertible_to<text_config const&>;
        {
            M::name
        } -> std::convertible_to<char const*>;
    };

    struct placement
    {
        std::size_t kind;        // index into schedule::kinds
        std::size_t slot;        // index among the layers of that kind
        std::size_t kv_layer;    // the layer whose keys and values this one reads; itself for an owner
        std::size_t cache;       // index of that layer among the owners
    };

    inline constexpr std::size_t max_layer_kinds = 4;    // sliding or global, owner or reader

    template <std::size_t Layers>
    struct layer_schedule
    {
        std::array<layer_spec, max_layer_kinds> kinds{};
        std::array<std::size_t, max_layer_kinds> count{};    // layers of each kind
        std::size_t kind_count = 0;
        std::array<placement, Layers> layers{};
        std::array<layer_spec, Layers> specs{};
        std::size_t owners = 0;    // layers with a cache of their own: 0 .. owners - 1
    };

    // The schedule of a decoder. Owners come first, so the last owner of each attention kind is known when
    // readers come.
    template <std::size_t Layers>
    consteval layer_schedule<Layers> make_schedule(text_config const& c)
    {
        layer_schedule<Layers> s;
        std::size_t last_owner[2] = {};
        for (std::size_t l = 0; l != Layers; ++l)
        {
            auto const spec = spec_of(c, l);
            std::size_t kind = 0;
            while (kind != s.kind_count && !(s.kinds[kind] == spec)) { ++kind; }
            if (kind == s.kind_count) { s.kinds[s.kind_count++] = spec; }
            if (spec.owns_kv())
            {
                last_owner[spec.is_global()] = l;
                ++s.owners;
            }
            auto const source = last_owner[spec.is_global()];
            s.specs[l] = spec;
            s.layers[l] = {.kind = kind, .slot = s.count[kind]++, .kv_layer = source, .cache = source};
        }
        return s;
    }

    template <text_model M>
    struct architecture
    {
        static constexpr text_config text = M::text;

        static_assert(text.hidden > 0 && text.layers > 0 && text.vocab > 0 && text.heads > 0 && text.ffn > 0,
                      "gemma4: vocab, hidden, layers, heads and ffn must be positive");
        static_assert(text.kv_heads > 0 && text.heads % text.kv_heads == 0,
                      "gemma4: heads must be a multiple of kv_heads");
        static_assert(text.global_kv_heads > 0 && text.heads % text.global_kv_heads == 0,
                      "gemma4: heads must be a multiple of global_kv_heads");
        static_assert(text.kv_shared_layers < text.layers, "gemma4: some layer must own its keys and values");
        static_assert(text.global_every > 0 && text.layers % text.global_every == 0,
                      "gemma4: layers must be a multiple of global_every, so that the last layer is global");
        static_assert(
            text.kv_shared_layers == 0 || text.layers - text.kv_shared_layers >= text.global_every,
            "gemma4: the layers before the KV-shared ones must hold an owner of each attention kind");
        static_assert(
            text.hidden % 16 == 0 && text.ffn % 16 == 0 && text.shared_ffn % 16 == 0
                && text.expert_ffn % 16 == 0 && text.per_layer_input % 16 == 0,
            "gemma4: hidden, ffn, shared_ffn, expert_ffn and per_layer_input must be multiples of 16");
        static_assert(text.head_dim % 16 == 0 && text.global_head_dim % 16 == 0 && text.head_dim > 0
                          && text.global_head_dim > 0,
                      "gemma4: head_dim and global_head_dim must be positive multiples of 16");
        static_assert(text.window > 0, "gemma4: window must be positive");
        static_assert((text.experts == 0) == (text.active_experts == 0)
                          && (text.experts == 0) == (text.expert_ffn == 0),
                      "gemma4: experts, active_experts and expert_ffn go together: all zero or all positive");
        static_assert(text.active_experts <= text.experts, "gemma4: active_experts cannot exceed experts");
        static_assert(text.shared_ffn == 0 || text.kv_shared_layers > 0,
                      "gemma4: shared_ffn needs kv_shared_layers");
        static_assert(text.global_rotated > 0 && text.global_rotated <= 1,
                      "gemma4: global_rotated must be in (0, 1]");
        static_assert(text.max_positions > 0, "gemma4: max_positions must be positive");

        static constexpr auto schedule = make_schedule<text.layers>(text);
    };
}
