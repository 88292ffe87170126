// The gated product of Gemma's feed-forward networks, over rows that meet one matrix (Gemma4TextMLP) or
// groups of rows that meet a matrix each (Gemma4TextExperts).
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>

#include <gemma4/core/math.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/layers/linear.hpp>

namespace gemma4::inline v0
{
    // All rows meet the same matrix. Like expert_rows (layers/expert_rows.hpp), it says how rows are prepared
    // and cut: block(group, first, from, rows, out, outs, slot) is called for blocks of rows [first, first +
    // rows) of x, which begin at row `from` of the input, times outputs [out, out + outs) of the group's
    // matrix.
    struct all_rows
    {
        template <class Format>
        linear_input prepare(compute const& c, matrix<Format> const& w, view<float const> x) const
        {
            return gemma4::prepare(c, w, x);
        }

        template <class Block>
        void for_each_block(compute const& c, linear_input const& in, std::size_t outs, Block&& block) const
        {
            gemma4::for_each_block(
                c, in, outs,
                [&](std::size_t first, std::size_t rows, std::size_t out, std::size_t count, std::size_t slot)
                { block(0, first, first, rows, out, count, slot); });
        }
    };

    // The matrices of gated(): rows [g * stride, g * stride + width) of each are those of group g.
    template <class Format>
    struct gate_up
    {
        matrix<Format> const& gate;
        matrix<Format> const& up;
        std::size_t width;
        std::size_t stride;
    };

    namespace detail
    {
        inline void clip(compute const& c, kernels::gated_bounds::range const& to, float* x, std::size_t n)
        {
            if (to != kernels::gated_bounds::range{}) { c.kernels->clip(x, to.low, to.high, x, n); }
        }

        // gated() by fast_table::gated, in the place of h; none where the kernels, the types or the room do
        // not allow it. prepare_up(memory): the input of `up`, in this memory; null: it is that of the gate.
        template <class Rows, class Format, class PrepareUp>
        std::optional<kernels::activations>
        whole_gated(compute const& c, Rows const& rows, gate_up<Format> const& w, linear_input const& in,
                    matrix<Format> const& down, float* h, kernels::gated_bounds const& bounds,
                    PrepareUp const& prepare_up)
        {
            constexpr bool is_same = std::is_same_v<PrepareUp, std::nullptr_t>;
            if (!in.quantised.data || w.gate.type() != w.up.type() || w.gate.has_factors()
                || w.up.has_factors())
            {
                return std::nullopt;
            }
            auto const run = c.fast->gated[std::size_t(packing_of(w.gate.type()))];
            auto const kind = input_kind(c, down, in.together);
            if (!run || in.quantised.kind != kernels::activation_kind::tiles || kind != in.quantised.kind)
            {
                return std::nullopt;
            }
            kernels::activations const to{h, *kind, in.quantised.rows, w.width};
            auto const bytes = round_up(c.fast->activation_bytes(*kind, to.rows, to.ins), cache_line);
            auto const up_bytes =
                is_same ? 0 : c.fast->activation_bytes(*kind, in.quantised.rows, in.quantised.ins);
            if (bytes + up_bytes > in.x.rows * w.width * sizeof(float)) { return std::nullopt; }
            auto for_up = in.quantised;
            if constexpr (!is_same)
            {
                for_up = prepare_up(reinterpret_cast<std::byte*>(h) + bytes).quantised;
            }
            rows.for_each_block(c, in, w.width,
                                [&](std::size_t group, std::size_t, std::size_t from, std::size_t count,
                                    std::size_t out, std::size_t outs, std::size_t slot)
                                {
                                    auto const row = group * w.stride + out;
                                    run(in.quantised, for_up, from, count, w.gate.row(row), w.up.row(row),
                                        outs, bounds, to, out, c.product_scratch_of(slot));
                                });
            return to;
        }
    }

    // The input of `down`: h (x.rows, width) = gelu_tanh(x Wgateᵀ) * (x Wupᵀ), x being what `in` was prepared
    // of for the gate. Where the kernels have it, h is made block by block as that input, in its place;
    // elsewhere as float32, which then are prepared. Slot scratch: block_floats(x.rows). Matrices whose types
    // want the same input are read block by block side by side; others one after the other, each with an
    // input of its own. prepare_up(memory) makes the one of `up`, in this memory, where it is not of the same
    // rows; null where it is.
    template <class Rows, class Format, class PrepareUp = std::nullptr_t>
    linear_input gated(compute const& c, Rows const& rows, gate_up<Format> const& w, linear_input const& in,
                       matrix<Format> const& down, float* h, kernels::gated_bounds const& bounds = {},
                       PrepareUp const& prepare_up = nullptr)
    {
        constexpr bool is_same = std::is_same_v<PrepareUp, std::nullptr_t>;
        view<float const> const made{h, in.x.rows, w.width};
        if (auto const whole = detail::whole_gated(c, rows, w, in, down, h, bounds, prepare_up))
        {
            return {made, *whole, in.together};
        }
        auto const write_gate = [&](linear_input const& of, std::size_t group, std::size_t first,
                                    std::size_t from, std::size_t count, std::size_t out, std::size_t outs,
                                    std::size_t slot)
        {
            multiply_block(c, w.gate, of, from, count, group * w.stride + out, outs,
                           h + first * w.width + out, w.width, slot);
        };
        auto const apply_up = [&](linear_input const& of, std::size_t group, std::size_t first,
                                  std::size_t from, std::size_t count, std::size_t out, std::size_t outs,
                                  std::size_t slot)
        {
            float* const u = c.scratch(slot);
            multiply_block(c, w.up, of, from, count, group * w.stride + out, outs, u, outs, slot);
            for (std::size_t r = 0; r != count; ++r)
            {
                float* const g = h + (first + r) * w.width + out;
                float* const of_row = u + r * outs;
                detail::clip(c, bounds.gate, g, outs);
                detail::clip(c, bounds.up, of_row, outs);
                c.kernels->gelu_multiply(g, of_row, g, outs);
                detail::clip(c, bounds.product, g, outs);
            }
        };
        if (is_same && serves(c, in, w.up))
        {
            rows.for_each_block(c, in, w.width,
                                [&](auto... block)
                                {
                                    write_gate(in, block...);
                                    apply_up(in, block...);
                                });
        }
        else
        {
            rows.for_each_block(c, in, w.width, [&](auto... block) { write_gate(in, block...); });
            auto const again = [&]
            {
                if constexpr (is_same) { return rows.prepare(c, w.up, in.x); }
                else { return prepare_up(c.quantised); }
            }();
            rows.for_each_block(c, again, w.width, [&](auto... block) { apply_up(again, block...); });
        }
        return rows.prepare(c, down, made);
    }
}
