// What io/packed_writer.hpp declares (core/separate.hpp).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include <nlohmann/json.hpp>

#include <gemma4/core/checksum.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/packed_file.hpp>
#include <gemma4/io/packed_writer.hpp>
#include <gemma4/kernels/table.hpp>
#include <gemma4/packing/quantise_row.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Of a text, a number or a truth value.
        template <class Value>
        std::string json_of(Value const& value)
        {
            return nlohmann::json(value).dump();
        }

        inline void add_item(std::string& list, std::string_view item)
        {
            if (!list.empty()) { list += ','; }
            list += item;
        }

        template <class Place>
        std::string members_of(Place const& at)
        {
            return sentence("\"offset\":", at.offset, ",\"bytes\":", at.bytes, ",\"checksum\":",
                            json_of(at.checksum));
        }
    }

    GEMMA4_CODE packed_writer::packed_writer(std::filesystem::path path, std::string_view variant,
                                             std::string_view weights, text_config const& text, bool tied)
        : m_file(std::move(path))
    {
        using namespace detail;
        std::string fields;
        for_each_field(text,
                       [&](char const* field, auto value)
                       { add_item(fields, sentence(json_of(field), ':', json_of(value))); });
        m_head = sentence("\"variant\":", json_of(variant), ",\"weights\":", json_of(weights),
                          ",\"tied\":", json_of(tied), ",\"text\":{", fields, '}');
        write_bytes(std::vector<std::byte>(packed_header_bytes));
    }

    GEMMA4_CODE void packed_writer::add_text(std::string const& name, std::string_view text)
    {
        auto const at = put(std::as_bytes(std::span(text.data(), text.size())));
        detail::add_item(m_texts, sentence(detail::json_of(name), ":{", detail::members_of(at), '}'));
    }

    GEMMA4_CODE void packed_writer::add_tensor(std::string_view tree, std::string const& name,
                                               weight_type type, std::span<std::size_t const> shape,
                                               std::span<std::byte const> bytes,
                                               weight_factors const& factors)
    {
        using namespace detail;
        std::string extents;
        for (auto const extent : shape) { add_item(extents, sentence(extent)); }
        auto entry = sentence("\"tree\":", json_of(tree), ",\"name\":", json_of(name), ",\"type\":",
                              json_of(packed_file::type_word(type)), ",\"shape\":[", extents, "],",
                              members_of(put(bytes)));
        if (factors.values)
        {
            std::size_t rows = 1;
            for (auto const extent : shape.first(shape.size() - 1)) { rows *= extent; }
            auto const at = put(std::as_bytes(std::span(factors.values, rows / factors.rows)));
            entry += sentence(",\"factors\":{\"rows\":", factors.rows, ',', members_of(at), '}');
        }
        add_item(m_tensors, sentence('{', entry, '}'));
    }

    GEMMA4_CODE void packed_writer::finish()
    {
        auto const text =
            sentence('{', m_head, ",\"texts\":{", m_texts, "},\"tensors\":[", m_tensors, "]}");
        auto const index = std::as_bytes(std::span(text.data(), text.size()));
        pad();
        auto const at = m_size;
        write_bytes(index);
        std::array<std::byte, packed_header_bytes> header{};
        auto const set = [&](std::size_t offset, auto value)
        { std::memcpy(header.data() + offset, &value, sizeof value); };
        std::memcpy(header.data(), packed_magic.data(), packed_magic.size());
        set(8, packing_version);
        set(16, std::uint64_t(at));
        set(24, std::uint64_t(index.size()));
        set(32, std::uint64_t(m_size));
        set(40, checksum(index));
        set(56, checksum(std::span(header).first(56)));
        m_file.write_at(0, header);
        m_file.finish();
    }

    GEMMA4_CODE packed_writer::place packed_writer::put(std::span<std::byte const> bytes)
    {
        pad();
        place const at{m_size, bytes.size(), checksum_text(checksum(bytes))};
        write_bytes(bytes);
        return at;
    }

    GEMMA4_CODE void packed_writer::pad()
    {
        constexpr std::array<std::byte, 64> zeros{};
        write_bytes(std::span(zeros).first(round_up(m_size, zeros.size()) - m_size));
    }

    GEMMA4_CODE void packed_writer::write_bytes(std::span<std::byte const> bytes)
    {
        m_file.write(bytes);
        m_size += bytes.size();
    }

    GEMMA4_CODE void tree_writer::vector(std::string_view tree, std::string const& name,
                                         std::span<float const> values, std::span<std::size_t const> shape)
    {
        m_file.add_tensor(tree, name, weight_type_of(dtype::f32), shape, std::as_bytes(values));
    }

    GEMMA4_CODE std::optional<ggml_type> tree_writer::table_target(std::string_view name, weight_type type,
                                                                   std::size_t ins) const
    {
        bool const wanted =
            name.ends_with("embed_tokens_per_layer.weight") && is_plain(type) && ins % 32 == 0;
        if (wanted && m_precision == weight_precision::int8) { return ggml_type::q8_0; }
        if (wanted && m_precision == weight_precision::int4) { return ggml_type::q4_0; }
        return std::nullopt;
    }

    GEMMA4_CODE void tree_writer::add_table(std::string_view tree, std::string const& name,
                                            stored_rows const& from, ggml_type to,
                                            std::span<std::size_t const> shape)
    {
        auto const bytes = row_bytes(weight_type_of(to), from.ins);
        auto const from_bytes = row_bytes(from.type, from.ins);
        buffer<std::byte> rows(from.outs * bytes);
        std::atomic<std::size_t> next{0};
        constexpr std::size_t rows_at_once = 64;
        // Taken here: a piece of work must not throw.
        std::vector<float> all_wide(m_threads.concurrency() * from.ins);
        m_threads.run(m_threads.concurrency(),
                      [&](std::size_t worker)
                      {
                          auto* const wide = all_wide.data() + worker * from.ins;
                          for (auto first = next.fetch_add(rows_at_once);
                               first < from.outs && !m_stop.stop_requested();
                               first = next.fetch_add(rows_at_once))
                          {
                              auto const end = std::min(from.outs, first + rows_at_once);
                              for (auto row = first; row != end; ++row)
                              {
                                  kernels::best().widen[std::size_t(from.type)](from.data + row * from_bytes,
                                                                                1.0f, wide, from.ins);
                                  quantise_row(to, wide, from.ins, rows.data() + row * bytes);
                              }
                              m_source.drop(from.data + first * from_bytes, (end - first) * from_bytes);
                          }
                      });
        if (m_stop.stop_requested()) { throw cancelled_error("packing of weights was cancelled"); }
        m_file.add_tensor(tree, name, weight_type_of(to), shape, rows);
    }
}
