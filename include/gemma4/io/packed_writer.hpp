// Writes a packed model (io/packed_file.hpp): under a temporary name, renamed when it is whole.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/formats/ggml_type.hpp>
#include <gemma4/io/file_writer.hpp>
#include <gemma4/io/load_weights.hpp>
#include <gemma4/io/pack_weights.hpp>
#include <gemma4/io/weight_source.hpp>
#include <gemma4/packing/packed_type.hpp>
#include <gemma4/parallel/executor.hpp>
#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    // Throws file_error as file_writer. Nothing is left unless finish() was called.
    class packed_writer
    {
    public:
        packed_writer(std::filesystem::path path, std::string_view variant, std::string_view weights,
                      text_config const& text, bool tied);

        void add_text(std::string const& name, std::string_view text);

        void add_tensor(std::string_view tree, std::string const& name, weight_type type,
                        std::span<std::size_t const> shape, std::span<std::byte const> bytes,
                        weight_factors const& factors = {});

        void finish();

        std::size_t size() const noexcept { return m_size; }

    private:
        struct place
        {
            std::size_t offset, bytes;
            std::string checksum;
        };

        place put(std::span<std::byte const> bytes);

        void pad();

        void write_bytes(std::span<std::byte const> bytes);

        file_writer m_file;
        // Parts of the index, as JSON.
        std::string m_head, m_texts, m_tensors;
        std::size_t m_size = 0;
    };

    // Packs the tensors of one tree into a file. Trees are bound to their source (weight_binder).
    class tree_writer
    {
    public:
        tree_writer(packed_writer& file, weight_source const& source, weight_precision precision,
                    executor& threads, std::function<void(std::size_t, std::size_t)> progress,
                    std::stop_token stop)
            : m_file(file)
            , m_source(source)
            , m_precision(precision)
            , m_threads(threads)
            , m_progress(std::move(progress))
            , m_stop(std::move(stop))
        {}

        template <class Tree>
        void write(weight_tree id, Tree& tree)
        {
            m_tree = id;
            auto const tree_name = weight_tree_names[std::size_t(id)];
            std::size_t all = 0, done = 0;
            tree.for_each_tensor([&](auto const&, auto&, auto...) { ++all; });
            tree.for_each_tensor(
                [&]<class Weight>(std::string const& name, Weight& weight, auto... shape)
                {
                    std::array<std::size_t, sizeof...(shape)> const extents{std::size_t(shape)...};
                    if constexpr (std::is_same_v<Weight, float>)
                    {
                        vector(tree_name, name, std::span(&weight, 1), extents);
                    }
                    else if constexpr (std::is_same_v<Weight, vector_weight>)
                    {
                        vector(tree_name, name, std::span(weight.data, weight.size), extents);
                    }
                    else if constexpr (detail::is_gate_up<Weight>)
                    {
                        auto half = extents;
                        half[1] /= 2;
                        if (weight.stride != half[1]) { add(tree_name, name, weight.gate, extents); }
                        else
                        {
                            add(tree_name, name + ".gate", weight.gate, half);
                            add(tree_name, name + ".up", weight.up, half);
                        }
                    }
                    else { add(tree_name, name, weight, extents); }
                    if (m_progress) { m_progress(++done, all); }
                });
        }

        template <class Format>
        void add(std::string_view tree, std::string const& name, matrix<Format> const& weight,
                 std::span<std::size_t const> shape)
        {
            stored_rows const from{weight.row(0), weight.type(), weight.outs(), weight.ins(), &m_source};
            if (auto const to = packed_target(weight.type(), m_tree, name, m_precision))
            {
                buffer<std::byte> blocks(packed_bytes(*to, from.outs, from.ins));
                pack_matrix(from, *to, blocks.data(), m_threads, m_stop);
                m_file.add_tensor(tree, name, weight_type_of(*to), shape, blocks, weight.factors());
                return;
            }
            if (auto const to = table_target(name, from.type, from.ins))
            {
                return add_table(tree, name, from, *to, shape);
            }
            m_file.add_tensor(tree, name, from.type, shape, {from.data, weight.bytes()}, weight.factors());
        }

    private:
        void vector(std::string_view tree, std::string const& name, std::span<float const> values,
                    std::span<std::size_t const> shape);

        // Tables stay rows, so that one can be read where it lies: 8 and 4 bits are Q8_0 and Q4_0.
        std::optional<ggml_type> table_target(std::string_view name, weight_type type, std::size_t ins) const;

        void add_table(std::string_view tree, std::string const& name, stored_rows const& from, ggml_type to,
                       std::span<std::size_t const> shape);

        packed_writer& m_file;
        weight_source const& m_source;
        weight_precision m_precision;
        weight_tree m_tree = weight_tree::text;    // the one that is written
        executor& m_threads;
        std::function<void(std::size_t, std::size_t)> m_progress;
        std::stop_token m_stop;
    };
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/io/packed_writer_code.hpp>
#endif
