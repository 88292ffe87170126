// Packs the matrices of weight trees into one arena, for the fast kernels.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/io/load_weights.hpp>
#include <gemma4/io/weight_precision.hpp>
#include <gemma4/packing/packed_type.hpp>
#include <gemma4/parallel/executor.hpp>
#include <gemma4/parallel/pages.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Matrices that keep 16 bits where others are quantised: per-layer embeddings' projections, the
        // router.
        GEMMA4_CODE bool is_sensitive(std::string_view name);

        // Read row by row, where they lie.
        GEMMA4_CODE bool is_table(std::string_view name);
    }

    // The layout that a matrix of this type and name is packed into; none where it stays as it is. Throws
    // argument_error where a precision was asked for that its type cannot be brought to.
    //
    // Towers multiply many rows at a time, where bfloat16 products are the fastest: their F16 matrices become
    // bfloat16, and none gets fewer than 8 bits.
    GEMMA4_CODE std::optional<packed_type> packed_target(weight_type type, weight_tree tree,
                                                         std::string_view tensor, weight_precision precision);

    // Rows of a matrix as a file stores them.
    struct stored_rows
    {
        std::byte const* data;
        weight_type type;
        std::size_t outs, ins;
        weight_source const* source = nullptr;    // which may drop them when they are read; null: none
    };

    namespace detail
    {
        // One block of up to 16 rows. `wide` is scratch of 16 rows.
        GEMMA4_CODE void pack_block(stored_rows const& from, std::size_t row, packed_type to,
                                    std::byte* block, float* wide);
    }

    // Packs a matrix into packed_bytes() bytes at `blocks`, with all threads; rows are dropped as they are
    // read. Throws cancelled_error when `stop` is requested.
    GEMMA4_CODE void pack_matrix(stored_rows const& from, packed_type to, std::byte* blocks,
                                 executor& threads, std::stop_token const& stop = {});

    // Two passes over the same trees, like weight_binder: measure() adds up bytes, then, in the arena that
    // take() gets, pack() fills blocks with every thread and points the trees at them.
    class weight_packer
    {
    public:
        using progress_fn = std::function<void(std::size_t done, std::size_t all)>;

        // progress(bytes packed, bytes of all); pack() throws cancelled_error when `stop` is requested.
        // `source`, `threads` and `made` are used by pack() only, which gives up what it has packed of
        // `made`.
        weight_packer(weight_source const& source, made_tensors& made, weight_precision precision,
                      executor& threads, progress_fn progress, std::stop_token stop)
            : m_source(source)
            , m_made(made)
            , m_precision(precision)
            , m_threads(threads)
            , m_progress(std::move(progress))
            , m_stop(std::move(stop))
        {}

        template <class Tree>
        void measure(weight_tree id, Tree& tree)
        {
            m_tree = id;
            for_each_matrix(tree,
                            [&](std::string const& name, auto& weight)
                            {
                                if (auto const to = target(name, weight))
                                {
                                    m_bytes += packed_bytes(*to, weight.outs(), weight.ins());
                                }
                            });
        }

        template <class Format>
        void measure(std::string const& name, matrix<Format>& weight)
        {
            if (auto const to = target(name, weight))
            {
                m_bytes += packed_bytes(*to, weight.outs(), weight.ins());
            }
        }

        std::size_t bytes() const noexcept { return m_bytes; }

        // Bytes that are no longer read, and those of `made` that are no longer there.
        std::size_t replaced() const noexcept { return m_replaced; }
        std::size_t given_up() const noexcept { return m_given_up; }

        // The arena, in large pages.
        buffer<std::byte> take(std::pmr::memory_resource* memory)
        {
            if (m_bytes == 0) { return {}; }
            buffer<std::byte> arena(m_bytes + huge_page, memory);
            advise_huge_pages(arena.data(), arena.size());
            auto const begin = reinterpret_cast<std::uintptr_t>(arena.data());
            m_next = arena.data() + (round_up(begin, huge_page) - begin);
            return arena;
        }

        template <class Tree>
        void pack(weight_tree id, Tree& tree)
        {
            m_tree = id;
            for_each_matrix(tree, [&](std::string const& name, auto& weight) { pack(name, weight); });
        }

        // Points `weight` at its packed copy; what it was read from is dropped or given up.
        template <class Format>
        void pack(std::string const& name, matrix<Format>& weight)
        {
            auto const to = target(name, weight);
            if (!to) { return; }
            auto const* const from = weight.row(0);
            pack_matrix({from, weight.type(), weight.outs(), weight.ins(), &m_source}, *to, m_next, m_threads,
                        m_stop);
            auto const bytes = packed_bytes(*to, weight.outs(), weight.ins());
            m_done += bytes;
            if (m_progress) { m_progress(m_done, m_bytes); }
            auto const source_bytes = weight.bytes();
            weight.bind(m_next, weight_type_of(*to), weight.outs(), weight.ins(), weight.factors());
            (m_made.erase(from) != 0 ? m_given_up : m_replaced) += source_bytes;
            m_next += bytes;
        }

    private:
        template <class Tree, class Visit>
        static void for_each_matrix(Tree& tree, Visit&& visit)
        {
            tree.for_each_tensor(
                [&]<class Weight>(std::string const& name, Weight& weight, auto... shape)
                {
                    if constexpr (detail::is_gate_up<Weight>)
                    {
                        // one tensor, rows of gate and up in turn: packed as it is
                        std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                        auto const ffn = extents[1] / 2;
                        visit(name, weight.gate);
                        if (weight.stride == ffn) { visit(name, weight.up); }
                        else if (is_packed(weight.gate.type()))
                        {
                            weight.up = weight.gate.rows(ffn, weight.gate.outs() - ffn);
                        }
                    }
                    else if constexpr (!std::is_same_v<Weight, float>
                                       && !std::is_same_v<Weight, vector_weight>)
                    {
                        visit(name, weight);
                    }
                });
        }

        template <class Format>
        std::optional<packed_type> target(std::string const& name, matrix<Format> const& weight) const
        {
            auto const to = packed_target(weight.type(), m_tree, name, m_precision);
            return to && matrix<Format>::accepts(weight_type_of(*to)) ? to : std::nullopt;
        }

        weight_source const& m_source;
        made_tensors& m_made;
        weight_precision m_precision;
        weight_tree m_tree = weight_tree::text;    // whose matrices are under way
        executor& m_threads;
        progress_fn m_progress;
        std::stop_token m_stop;
        std::size_t m_bytes = 0;
        std::size_t m_replaced = 0;
        std::size_t m_given_up = 0;
        std::size_t m_done = 0;
        std::byte* m_next = nullptr;
    };

    // Packs the matrices of a decoder and of its towers (weight_packer). A tied head is packed once.
    template <text_model M, class Format, class Towers>
    void pack_weights(loaded_weights<M, Format>& loaded, Towers& towers, weight_precision precision,
                      executor& threads, std::pmr::memory_resource* memory,
                      weight_packer::progress_fn progress = {}, std::stop_token stop = {})
    {
        auto& weights = loaded.weights;
        bool const tied = weights.lm_head.row(0) == weights.embed_tokens.row(0);
        weight_packer packer(*loaded.source, loaded.made, precision, threads, std::move(progress),
                             std::move(stop));
        packer.measure(weight_tree::text, weights);
        if (!tied) { packer.measure("lm_head.weight", weights.lm_head); }
        towers.for_each_tree([&](weight_tree id, auto& tree) { packer.measure(id, tree); });
        loaded.packed = packer.take(memory);
        packer.pack(weight_tree::text, weights);
        if (tied) { weights.lm_head = weights.embed_tokens; }
        else { packer.pack("lm_head.weight", weights.lm_head); }
        towers.for_each_tree([&](weight_tree id, auto& tree) { packer.pack(id, tree); });
        loaded.bytes.mapped -= std::min(loaded.bytes.mapped, packer.replaced());
        loaded.bytes.converted -= std::min(loaded.bytes.converted, packer.given_up());
        loaded.bytes.packed += loaded.packed.size();
    }
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/io/pack_weights_code.hpp>
#endif
