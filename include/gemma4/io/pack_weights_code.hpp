// What io/pack_weights.hpp declares (core/separate.hpp).
#pragma once

#include <atomic>

#include <gemma4/core/math.hpp>
#include <gemma4/formats/ggml_type.hpp>
#include <gemma4/io/pack_weights.hpp>
#include <gemma4/kernels/table.hpp>
#include <gemma4/packing/pack_rows.hpp>
#include <gemma4/packing/quantise_rows.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        GEMMA4_CODE bool is_sensitive(std::string_view name)
        {
            return name.ends_with("per_layer_model_projection.weight")
                   || name.ends_with("per_layer_input_gate.weight")
                   || name.ends_with("per_layer_projection.weight") || name.ends_with("router.proj.weight");
        }

        GEMMA4_CODE bool is_table(std::string_view name)
        {
            return name.ends_with("embed_tokens_per_layer.weight")
                   || name.ends_with("position_embedding_table");
        }
    }

    namespace detail
    {
        GEMMA4_CODE void pack_block(stored_rows const& from, std::size_t row, packed_type to,
                                    std::byte* block, float* wide)
        {
            auto const rows = std::min(packed_rows, from.outs - row);
            auto const bytes = row_bytes(from.type, from.ins);
            auto const* const data = from.data + row * bytes;
            if (packed_type_of(ggml_type_of(from.type)) == to)
            {
                pack_rows(ggml_type_of(from.type), data, bytes, rows, from.ins, block);
                return;
            }
            kernels::best().widen[std::size_t(from.type)](data, 1.0f, wide, rows * from.ins);
            quantise_rows(to, wide, from.ins, rows, from.ins, block);
        }
    }

    GEMMA4_CODE std::optional<packed_type> packed_target(weight_type type, weight_tree tree,
                                                         std::string_view tensor, weight_precision precision)
    {
        if (detail::is_table(tensor)) { return std::nullopt; }
        if (is_packed(type))
        {
            if (precision == weight_precision::stored) { return std::nullopt; }
            throw argument_error(
                sentence("tensor ", tensor, " is packed as ", name(type),
                         " already; another precision of weights is chosen when a checkpoint or a "
                         "GGUF file is packed"));
        }
        bool const is_tower = tree != weight_tree::text;
        auto stored = packed_type_of(ggml_type_of(type));
        if (is_tower && stored == packed_type::f16) { stored = packed_type::bf16; }
        if (is_tower && precision == weight_precision::int4) { precision = weight_precision::int8; }
        if (precision == weight_precision::stored) { return stored; }
        if (!is_plain(type))
        {
            throw argument_error(
                sentence("tensor ", tensor, " is ", name(type),
                         " already; another precision of weights can be chosen for F32, BF16 "
                         "and F16 only"));
        }
        if (precision == weight_precision::f32) { return std::nullopt; }
        if (precision == weight_precision::bf16) { return packed_type::bf16; }
        if (detail::is_sensitive(tensor)) { return stored ? stored : packed_type::bf16; }
        return precision == weight_precision::int8 ? packed_type::q8 : packed_type::q4;
    }

    GEMMA4_CODE void pack_matrix(stored_rows const& from, packed_type to, std::byte* blocks,
                                 executor& threads, std::stop_token const& stop)
    {
        constexpr std::size_t rows_at_once = 16 * packed_rows;
        auto const pieces = ceil_div(from.outs, rows_at_once);
        auto const block_bytes = packed_block_bytes(to, from.ins);
        std::atomic<std::size_t> next{0};
        // Taken here: a piece of work must not throw.
        auto const wide_rows = packed_rows * from.ins;
        std::vector<float> wide(threads.concurrency() * wide_rows);
        auto const work = [&](std::size_t worker)
        {
            for (auto piece = next.fetch_add(1); piece < pieces && !stop.stop_requested();
                 piece = next.fetch_add(1))
            {
                auto const first = piece * rows_at_once;
                auto const end = std::min(from.outs, first + rows_at_once);
                for (auto row = first; row < end; row += packed_rows)
                {
                    detail::pack_block(from, row, to, blocks + row / packed_rows * block_bytes,
                                       wide.data() + worker * wide_rows);
                }
                auto const bytes = row_bytes(from.type, from.ins);
                if (from.source) { from.source->drop(from.data + first * bytes, (end - first) * bytes); }
            }
        };
        threads.run(threads.concurrency(), work);
        if (stop.stop_requested()) { throw cancelled_error("packing of weights was cancelled"); }
    }
}
