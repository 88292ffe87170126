// Binds weight trees to a source: matrices where they lie, vectors as float32.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <type_traits>

#include <gemma4/core/error.hpp>
#include <gemma4/core/math.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/io/weight_source.hpp>
#include <gemma4/layers/mixture.hpp>
#include <gemma4/layers/norm.hpp>
#include <gemma4/model/memory_plan.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        template <class Weight>
        inline constexpr bool is_gate_up = false;
        template <class Format>
        inline constexpr bool is_gate_up<expert_gate_up<Format>> = true;
    }

    // Two passes over the same trees: measure() checks every tensor, then bind() fills the tree. A tree has
    // for_each_tensor(visit(name, weight, shape...)) with weights of type matrix, expert_gate_up,
    // vector_weight or float.
    class weight_binder
    {
    public:
        using progress_fn = std::function<void(std::size_t done, std::size_t all)>;

        // `progress` is called per tensor; bind() throws cancelled_error when `stop` is requested.
        weight_binder(weight_source& source, progress_fn const& progress, std::stop_token stop)
            : m_source(source)
            , m_progress(progress)
            , m_stop(std::move(stop))
        {}

        template <class Tree>
        void measure(weight_tree id, Tree& tree)
        {
            tree.for_each_tensor(
                [&]<class Weight>(std::string const& name, Weight&, auto... shape)
                {
                    std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                    if constexpr (detail::is_gate_up<Weight>)
                    {
                        for (auto const& part : m_source.demand_halves(id, name, extents)) { keep(part); }
                    }
                    else { measure_one(id, name, extents, std::is_same_v<Weight, vector_weight>); }
                    ++m_tensors;
                });
        }

        // Takes the memory for vectors that are not float32 in their file.
        buffer<float> take_converted(std::pmr::memory_resource* memory)
        {
            buffer<float> converted(m_converted, memory);
            m_next = converted.data();
            m_bytes.converted = m_converted * sizeof(float);
            return converted;
        }

        template <class Tree>
        void bind(weight_tree id, Tree& tree)
        {
            tree.for_each_tensor(
                [&]<class Weight>(std::string const& name, Weight& weight, auto... shape)
                {
                    std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                    if constexpr (std::is_same_v<Weight, float>) { weight = scalar(id, name, extents); }
                    else if constexpr (std::is_same_v<Weight, vector_weight>)
                    {
                        weight = vector(id, name, extents);
                    }
                    else if constexpr (detail::is_gate_up<Weight>)
                    {
                        bind_gate_up(weight, checked(id, name, extents), extents);
                    }
                    else { bind_matrix(weight, m_source.demand(id, name, extents), extents); }
                    if (m_progress) { m_progress(++m_done, m_tensors); }
                });
        }

        // One matrix beside the trees.
        template <class Format>
        void bind(weight_tree id, std::string const& name, matrix<Format>& weight, std::size_t outs,
                  std::size_t ins)
        {
            std::array<std::size_t, 2> const extents{outs, ins};
            bind_matrix(weight, m_source.demand(id, name, extents), extents);
        }

        weight_bytes const& bytes() const noexcept { return m_bytes; }

        // What the trees point into beside files; alive as long as the binder, and its copies.
        made_tensors const& made() const noexcept { return m_made; }

    private:
        static std::size_t count(std::span<std::size_t const> shape)
        {
            std::size_t n = 1;
            for (auto const extent : shape) { n *= extent; }
            return n;
        }

        static std::size_t padded(std::size_t floats) { return round_up(floats, cache_line / sizeof(float)); }

        void measure_one(weight_tree id, std::string const& name, std::span<std::size_t const> shape,
                         bool is_vector)
        {
            auto const found = m_source.demand(id, name, shape);
            keep(found);
            if (is_vector && found.type != weight_type_of(dtype::f32))
            {
                m_converted += padded(count(shape));
            }
        }

        static void demand_plain(stored_weight const& found)
        {
            if (is_plain(found.type)) { return; }
            throw mismatch_error(sentence(found.file, ": tensor ", found.name, " has type ",
                                          gemma4::name(found.type), ", expected F32, BF16 or F16"));
        }

        float scalar(weight_tree id, std::string const& name, std::span<std::size_t const> shape)
        {
            check_stop();
            auto const found = m_source.demand(id, name, shape);
            demand_plain(found);
            float value = 0;
            dequantise(ggml_type_of(found.type), found.data, 1, &value);
            return value;
        }

        vector_weight vector(weight_tree id, std::string const& name, std::span<std::size_t const> shape)
        {
            check_stop();
            auto const found = m_source.demand(id, name, shape);
            demand_plain(found);
            auto const n = count(shape);
            if (found.type == weight_type_of(dtype::f32))
            {
                count(found);
                return {reinterpret_cast<float const*>(found.data), n};
            }
            vector_weight const made{m_next, n};
            dequantise(ggml_type_of(found.type), found.data, n, m_next);
            m_next += padded(n);
            return made;
        }

        std::vector<stored_weight> checked(weight_tree id, std::string const& name,
                                           std::span<std::size_t const> shape)
        {
            check_stop();
            return m_source.demand_halves(id, name, shape);
        }

        template <class Format>
        void bind_matrix(matrix<Format>& weight, stored_weight const& found,
                         std::span<std::size_t const> shape)
        {
            check_stop();
            check_accepted(found, matrix<Format>::accepts(found.type));
            keep(found);
            weight.bind(found.data, found.type, count(shape) / shape.back(), shape.back(), found.factors);
            count(found);
        }

        template <class Format>
        void bind_gate_up(expert_gate_up<Format>& weight, std::vector<stored_weight> const& found,
                          std::span<std::size_t const> shape)
        {
            auto const experts = shape[0], ffn = shape[1] / 2, ins = shape[2];
            for (auto const& part : found)
            {
                check_accepted(part, matrix<Format>::accepts(part.type));
                keep(part);
                count(part);
            }
            weight.stride = found.size() == 1 ? 2 * ffn : ffn;
            weight.gate.bind(found[0].data, found[0].type, experts * weight.stride, ins, found[0].factors);
            if (found.size() == 1) { weight.up = weight.gate.rows(ffn, (2 * experts - 1) * ffn); }
            else { weight.up.bind(found[1].data, found[1].type, experts * ffn, ins, found[1].factors); }
        }

        // Where its bytes are. Files that were read are counted as a whole (load_weights).
        void count(stored_weight const& found)
        {
            if (found.made) { m_bytes.converted += found.bytes; }
            else if (m_source.read_bytes() == 0) { m_bytes.mapped += found.bytes; }
        }

        void keep(stored_weight const& found)
        {
            if (found.made) { m_made.emplace(found.data, found.made); }
        }

        static void check_accepted(stored_weight const& found, bool accepted)
        {
            if (accepted) { return; }
            throw mismatch_error(sentence(found.file, ": tensor ", found.name, " has type ",
                                          gemma4::name(found.type),
                                          ", which this engine's weight format does not include"));
        }

        void check_stop() const
        {
            if (m_stop.stop_requested())
            {
                throw cancelled_error(sentence("loading ", m_source.where(), " was cancelled"));
            }
        }

        weight_source& m_source;
        progress_fn const& m_progress;
        std::stop_token m_stop;
        std::size_t m_tensors = 0;
        std::size_t m_done = 0;
        std::size_t m_converted = 0;    // floats
        float* m_next = nullptr;
        weight_bytes m_bytes;
        made_tensors m_made;
    };
}
