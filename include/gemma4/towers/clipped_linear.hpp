// Linear layers of the towers, whose inputs and outputs may be clamped (Gemma4ClippableLinear).
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>

#include <gemma4/core/view.hpp>
#include <gemma4/layers/linear.hpp>
#include <gemma4/layers/norm.hpp>

namespace gemma4::inline v0
{
    struct clip_bounds
    {
        float low = -std::numeric_limits<float>::infinity();
        float high = std::numeric_limits<float>::infinity();

        constexpr bool operator==(clip_bounds const&) const = default;
        constexpr bool bounded() const { return *this != clip_bounds{}; }

        constexpr operator kernels::gated_bounds::range() const { return {low, high}; }

        // `n` values in place.
        void clip(compute const& c, float* x, std::size_t n) const
        {
            if (bounded()) { c.kernels->clip(x, low, high, x, n); }
        }
    };

    struct clipping
    {
        clip_bounds input, output;
    };

    struct no_clipping
    {
        static constexpr clip_bounds input{}, output{};
    };

    template <class Format, bool Clipped>
    struct clipped_linear
    {
        matrix<Format> weight;    // (outs, ins)
        [[no_unique_address]] std::conditional_t<Clipped, clipping, no_clipping> bounds;

        // y (x.rows, ldy) = clip(x Wᵀ, output bounds), x having been clipped to the input bounds by who made
        // it; x: rows, or an input that serves `weight`. then(...) as linear() calls it, after the clipping.
        template <class Input, class Then>
        void forward(compute const& c, Input const& x, float* y, std::size_t ldy, Then&& then) const
        {
            linear(c, weight, x, y, ldy,
                   [&](std::size_t row, std::size_t rows, std::size_t out, std::size_t outs, std::size_t slot)
                   {
                       if constexpr (Clipped)
                       {
                           for (auto r = row; r != row + rows; ++r)
                           {
                               bounds.output.clip(c, y + r * ldy + out, outs);
                           }
                       }
                       then(row, rows, out, outs, slot);
                   });
        }

        template <class Input>
        void forward(compute const& c, Input const& x, view<float> y) const
        {
            forward(c, x, y.data, y.columns, [](auto...) {});
        }

        template <class Visit>
        void for_each_tensor(std::string const& name, std::size_t outs, std::size_t ins, Visit& visit)
        {
            visit(name + ".linear.weight", weight, outs, ins);
            if constexpr (Clipped)
            {
                visit(name + ".input_min", bounds.input.low);
                visit(name + ".input_max", bounds.input.high);
                visit(name + ".output_min", bounds.output.low);
                visit(name + ".output_max", bounds.output.high);
            }
        }
    };

    // norm(x), as each of several clipped linears wants it. Where their bounds differ, the clipped rows are a
    // copy, made anew for each of them.
    class clipped_inputs
    {
    public:
        // rows, copy: (x.rows, x.columns). `copy` is used, and may be null otherwise, only where `readers`
        // differ.
        clipped_inputs(compute const& c, vector_weight const& gain, float eps, view<float const> x,
                       view<float> rows, float* copy, std::initializer_list<clip_bounds> readers)
            : m_rows(rows)
            , m_copy{copy, rows.rows, rows.columns}
        {
            for (auto const& reader : readers) { m_shared = m_shared && reader == *readers.begin(); }
            auto const first = *readers.begin();
            c.for_each_row(x.rows,
                           [&](std::size_t r, std::size_t)
                           {
                               c.kernels->rms_norm(x.row(r), gain.data, rows.row(r), x.columns, eps);
                               if (m_shared) { first.clip(c, rows.row(r), x.columns); }
                           });
        }

        // Whether all readers see the same rows.
        bool shared() const { return m_shared; }

        // The rows for a reader with these bounds; valid until the next call.
        view<float const> of(compute const& c, clip_bounds const& bounds)
        {
            if (m_shared || !bounds.bounded()) { return m_rows; }
            if (bounds != m_held)
            {
                c.for_each_row(m_rows.rows,
                               [&](std::size_t r, std::size_t) {
                                   c.kernels->clip(m_rows.row(r), bounds.low, bounds.high, m_copy.row(r),
                                                   m_rows.columns);
                               });
                m_held = bounds;
            }
            return m_copy;
        }

        // The input for a reader, in this memory where it is quantised, in slot scratch of 16 rows; valid as
        // long as that is, or until the next call.
        template <class Format, bool Clipped>
        linear_input prepare(compute const& c, clipped_linear<Format, Clipped> const& reader,
                             std::byte* memory)
        {
            auto const& bounds = reader.bounds.input;
            auto const kind = input_kind(c, reader.weight, m_rows.rows);
            if (!kind) { return {of(c, bounds), {}, m_rows.rows}; }
            linear_input in{m_rows, {memory, *kind, m_rows.rows, m_rows.columns}, m_rows.rows};
            constexpr std::size_t block = 16;
            bool const clips = !m_shared && bounds.bounded();
            c.for_each(ceil_div(m_rows.rows, block),
                       [&](std::size_t i, std::size_t slot)
                       {
                           auto const first = i * block;
                           auto const count = std::min(block, m_rows.rows - first);
                           auto const* rows = m_rows.row(first);
                           if (clips)
                           {
                               float* const clipped = c.scratch(slot);
                               c.kernels->clip(rows, bounds.low, bounds.high, clipped,
                                               count * m_rows.columns);
                               rows = clipped;
                           }
                           c.fast->quantise(rows - first * m_rows.columns, m_rows.columns, first, count,
                                            in.quantised);
                       });
            return in;
        }

    private:
        view<float> m_rows;
        view<float> m_copy;
        clip_bounds m_held;
        bool m_shared = true;
    };
}
