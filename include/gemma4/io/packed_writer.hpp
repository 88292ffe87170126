// Writes a packed model (io/packed_file.hpp): under a temporary name, renamed when it is whole.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gemma4/io/pack_weights.hpp>
#include <gemma4/io/packed_file.hpp>
#include <gemma4/packing/quantise_row.hpp>

namespace gemma4::inline v0
{
    class packed_writer
    {
    public:
        // Throws file_error where the file cannot be made.
        packed_writer(std::filesystem::path path, std::string_view variant, std::string_view weights,
                      text_config const& text, bool tied)
            : m_path(std::move(path))
            , m_temporary(m_path.string() + ".part")
            , m_file(m_temporary, std::ios::binary | std::ios::trunc)
        {
            if (!m_file) { throw file_error(sentence(m_temporary.string(), " cannot be written")); }
            m_index["variant"] = variant;
            m_index["weights"] = weights;
            m_index["tied"] = tied;
            for_each_field(text, [&](char const* field, auto value) { m_index["text"][field] = value; });
            m_index["texts"] = nlohmann::json::object();
            m_index["tensors"] = nlohmann::json::array();
            write_bytes(std::vector<std::byte>(packed_header_bytes));
        }

        packed_writer(packed_writer const&) = delete;
        packed_writer& operator=(packed_writer const&) = delete;

        // Nothing is left under either name unless finish() was called.
        ~packed_writer()
        {
            if (m_finished) { return; }
            m_file.close();
            std::error_code ignored;
            std::filesystem::remove(m_temporary, ignored);
        }

        void add_text(std::string const& name, std::string_view text)
        {
            m_index["texts"][name] = place(std::as_bytes(std::span(text.data(), text.size())));
        }

        void add_tensor(std::string_view tree, std::string const& name, weight_type type,
                        std::span<std::size_t const> shape, std::span<std::byte const> bytes,
                        weight_factors const& factors = {})
        {
            auto entry = place(bytes);
            entry["tree"] = tree;
            entry["name"] = name;
            entry["type"] = packed_file::type_word(type);
            entry["shape"] = std::vector<std::size_t>(shape.begin(), shape.end());
            if (factors.values)
            {
                std::size_t rows = 1;
                for (auto const extent : shape.first(shape.size() - 1)) { rows *= extent; }
                entry["factors"] = place(std::as_bytes(std::span(factors.values, rows / factors.rows)));
                entry["factors"]["rows"] = factors.rows;
            }
            m_index["tensors"].push_back(std::move(entry));
        }

        // Throws file_error where the disk is full or the name cannot be given.
        void finish()
        {
            auto const text = m_index.dump();
            auto const index = std::as_bytes(std::span(text.data(), text.size()));
            pad();
            auto const at = m_size;
            write_bytes(index);
            std::array<std::byte, packed_header_bytes> header{};
            auto const put = [&](std::size_t offset, auto value)
            { std::memcpy(header.data() + offset, &value, sizeof value); };
            std::memcpy(header.data(), packed_magic.data(), packed_magic.size());
            put(8, packing_version);
            put(16, std::uint64_t(at));
            put(24, std::uint64_t(index.size()));
            put(32, std::uint64_t(m_size));
            put(40, checksum(index));
            put(56, checksum(std::span(header).first(56)));
            m_file.seekp(0);
            m_file.write(reinterpret_cast<char const*>(header.data()), std::streamsize(header.size()));
            m_file.close();
            demand_written();
            std::error_code failed;
            std::filesystem::rename(m_temporary, m_path, failed);
            if (failed)
            {
                throw file_error(sentence(m_path.string(), " cannot be written: ", failed.message()));
            }
            m_finished = true;
        }

        std::size_t size() const noexcept { return m_size; }

    private:
        nlohmann::json place(std::span<std::byte const> bytes)
        {
            pad();
            auto const at = m_size;
            write_bytes(bytes);
            return {{"offset", at}, {"bytes", bytes.size()}, {"checksum", checksum_text(checksum(bytes))}};
        }

        void pad()
        {
            constexpr std::array<std::byte, 64> zeros{};
            write_bytes(std::span(zeros).first(round_up(m_size, zeros.size()) - m_size));
        }

        void write_bytes(std::span<std::byte const> bytes)
        {
            m_file.write(reinterpret_cast<char const*>(bytes.data()), std::streamsize(bytes.size()));
            demand_written();
            m_size += bytes.size();
        }

        void demand_written() const
        {
            if (!m_file)
            {
                throw file_error(sentence(m_temporary.string(), " cannot be written: is the disk full?"));
            }
        }

        std::filesystem::path m_path, m_temporary;
        std::ofstream m_file;
        nlohmann::json m_index;
        std::size_t m_size = 0;
        bool m_finished = false;
    };

    // Packs the tensors of one tree into a file. Trees are bound to their source (weight_binder).
    class tree_writer
    {
    public:
        // `made`: what of the trees lies in no file (weight_binder::made), which is left as it is.
        tree_writer(packed_writer& file, weight_precision precision, executor& threads,
                    std::function<void(std::size_t, std::size_t)> progress, std::stop_token stop,
                    made_tensors made = {})
            : m_file(file)
            , m_precision(precision)
            , m_threads(threads)
            , m_progress(std::move(progress))
            , m_stop(std::move(stop))
            , m_made(std::move(made))
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
            auto const* const data = weight.row(0);
            stored_rows const from{data, weight.type(), weight.outs(), weight.ins(), !m_made.contains(data)};
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
                    std::span<std::size_t const> shape)
        {
            m_file.add_tensor(tree, name, weight_type_of(dtype::f32), shape, std::as_bytes(values));
        }

        // Tables stay rows, so that one can be read where it lies: 8 and 4 bits are Q8_0 and Q4_0.
        std::optional<ggml_type> table_target(std::string_view name, weight_type type, std::size_t ins) const
        {
            bool const wanted =
                name.ends_with("embed_tokens_per_layer.weight") && is_plain(type) && ins % 32 == 0;
            if (wanted && m_precision == weight_precision::int8) { return ggml_type::q8_0; }
            if (wanted && m_precision == weight_precision::int4) { return ggml_type::q4_0; }
            return std::nullopt;
        }

        void add_table(std::string_view tree, std::string const& name, stored_rows const& from, ggml_type to,
                       std::span<std::size_t const> shape)
        {
            auto const bytes = row_bytes(weight_type_of(to), from.ins);
            auto const from_bytes = row_bytes(from.type, from.ins);
            buffer<std::byte> rows(from.outs * bytes);
            std::atomic<std::size_t> next{0};
            constexpr std::size_t rows_at_once = 64;
            m_threads.run(m_threads.concurrency(),
                          [&](std::size_t)
                          {
                              std::vector<float> wide(from.ins);
                              for (auto first = next.fetch_add(rows_at_once);
                                   first < from.outs && !m_stop.stop_requested();
                                   first = next.fetch_add(rows_at_once))
                              {
                                  auto const end = std::min(from.outs, first + rows_at_once);
                                  for (auto row = first; row != end; ++row)
                                  {
                                      kernels::best().widen[std::size_t(from.type)](
                                          from.data + row * from_bytes, 1.0f, wide.data(), from.ins);
                                      quantise_row(to, wide.data(), from.ins, rows.data() + row * bytes);
                                  }
                                  if (!from.in_file) { continue; }
                                  drop_file_pages(from.data + first * from_bytes, (end - first) * from_bytes);
                              }
                          });
            if (m_stop.stop_requested()) { throw cancelled_error("packing of weights was cancelled"); }
            m_file.add_tensor(tree, name, weight_type_of(to), shape, rows);
        }

        packed_writer& m_file;
        weight_precision m_precision;
        weight_tree m_tree = weight_tree::text;    // the one that is written
        executor& m_threads;
        std::function<void(std::size_t, std::size_t)> m_progress;
        std::stop_token m_stop;
        made_tensors m_made;
    };
}
