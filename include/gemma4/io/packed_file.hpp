// A packed model: one file that holds everything and runs from where it lies in memory.
//
//   bytes 0 .. 63    magic "gemma4pk", u32 packing_version, u32 0, u64 index offset, u64 index bytes, u64
//   file bytes,
//                    u64 checksum of the index, u64 0, u64 checksum of the first 56 bytes
//   then             texts and tensors, each at a multiple of 64
//   at the end       the index, JSON: {"variant", "weights", "text": {field: number}, "tied",
//                    "texts": {name: {"offset", "bytes", "checksum"}},
//                    "tensors": [{"tree", "name", "type", "shape", "offset", "bytes", "checksum",
//                    "factors"}]}
//
// Checksums are core/checksum.hpp as 16 hexadecimal digits. That of a tensor covers all its bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gemma4/core/checksum.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/config_difference.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/shape_text.hpp>
#include <gemma4/io/weight_source.hpp>
#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::uint32_t packing_version = 1;    // of the layouts of packing/ and of this file
    inline constexpr std::string_view packed_magic = "gemma4pk";
    inline constexpr std::size_t packed_header_bytes = 64;

    // Whether the path is a file that begins like a packed model. Throws file_error where it is a file that
    // cannot be read.
    inline bool is_packed_file(std::filesystem::path const& path)
    {
        return file_beginning(path, packed_magic.size()) == packed_magic;
    }

    inline std::string checksum_text(std::uint64_t value)
    {
        std::string text(16, '0');
        for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4)
        {
            *digit = "0123456789abcdef"[value & 15u];
        }
        return text;
    }

    class packed_file
    {
    public:
        struct entry
        {
            std::string tree, name;
            weight_type type{};
            std::vector<std::size_t> shape;
            std::span<std::byte const> bytes;
            std::string checksum;
            std::size_t factor_rows = 0;    // the factors follow the tensor's bytes; 0: none
            std::span<std::byte const> factors;
            std::string factors_checksum;
        };

        // Checks header, index and the places of everything, and the checksums of header, index and texts.
        // Tensors are checked by verify(), and here where they are read anyway. Throws file_error.
        explicit packed_file(std::filesystem::path const& path, file_access access = file_access::map,
                             std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_file(path, access, memory)
        {
            read_header();
            read_index();
            if (access == file_access::read) { verify(); }
        }

        std::string name() const { return m_file.path().string(); }
        std::filesystem::path const& path() const noexcept { return m_file.path(); }
        file_bytes const& file() const noexcept { return m_file; }
        std::string const& variant() const noexcept { return m_variant; }
        std::string const& weights() const noexcept { return m_weights; }    // the word for their precision
        bool tied() const noexcept { return m_tied; }
        nlohmann::json const& text_fields() const noexcept { return m_text.root(); }
        std::vector<entry> const& tensors() const noexcept { return m_tensors; }

        auto const& texts() const noexcept { return m_texts; }    // by name

        // The contents of config.json, tokenizer.json, ...; none where the source had none.
        std::optional<std::string_view> text(std::string_view name) const
        {
            auto const found = m_texts.find(name);
            return found == m_texts.end() ? std::nullopt : std::optional(found->second);
        }

        // Reads every tensor and its factors and compares their checksums. Throws file_error naming the first
        // that is damaged.
        void verify() const
        {
            auto const demand = [&](entry const& t, std::string_view what, std::span<std::byte const> bytes,
                                    std::string const& expected)
            {
                if (auto const found = checksum_text(checksum(bytes)); found != expected)
                {
                    fail("tensor ", t.tree, ' ', t.name, " is damaged: the checksum of its ", what, " is ",
                         found, ", expected ", detail::in_quotes(expected));
                }
            };
            for (auto const& t : m_tensors)
            {
                demand(t, "bytes", t.bytes, t.checksum);
                if (t.factor_rows != 0) { demand(t, "factors", t.factors, t.factors_checksum); }
            }
        }

        // The fields in which the packed model and the compiled variant differ. max_positions is not
        // compared: nothing is computed from it, it is the most positions that a conversation may have.
        config_differences differences(text_config const& compiled) const
        {
            config_differences all;
            for_each_field(compiled,
                           [&](std::string_view field, auto expected)
                           {
                               auto const found = text_fields().find(field);
                               if (field == "max_positions") { return; }
                               if (found != text_fields().end() && holds(*found, expected)) { return; }
                               all.push_back({std::string(field),
                                              found == text_fields().end() ? "missing" : shown(*found),
                                              sentence(expected)});
                           });
            return all;
        }

        // Throws mismatch_error naming the first of them.
        void check(text_config const& compiled, std::string_view variant) const
        {
            refuse_difference(differences(compiled), name(), variant);
        }

        bool matches(text_config const& compiled) const { return differences(compiled).empty(); }

        std::size_t max_positions() const
        {
            json_fields const fields(text_fields(), name(), "text.");
            if (auto const positions = fields.size("max_positions"); positions != 0) { return positions; }
            fail("text.max_positions is 0, expected more than 0");
        }

    private:
        template <class T>
        static bool holds(nlohmann::json const& value, T expected)
        {
            if constexpr (std::is_same_v<T, bool>)
            {
                return value.is_boolean() && value.get<bool>() == expected;
            }
            else { return value.is_number() && value.get<double>() == double(expected); }
        }

        template <class... Parts>
        [[noreturn]] void fail(Parts const&... parts) const
        {
            throw file_error(sentence(name(), ": ", parts...));
        }

        std::uint64_t word(std::size_t at, std::size_t bytes) const
        {
            std::uint64_t value = 0;
            std::memcpy(&value, m_file.bytes().data() + at, bytes);
            return value;
        }

        void read_header()
        {
            auto const bytes = m_file.bytes();
            if (bytes.size() < packed_header_bytes
                || std::memcmp(bytes.data(), packed_magic.data(), packed_magic.size()) != 0)
            {
                fail("is no packed model: it does not begin with ", packed_magic, " and a header of ",
                     packed_header_bytes, " bytes");
            }
            if (auto const version = word(8, 4); version != packing_version)
            {
                fail("was packed by packing version ", version, ", this program reads version ",
                     packing_version, "; pack it again");
            }
            if (checksum(bytes.first(56)) != word(56, 8))
            {
                fail("the header is damaged: its checksum differs");
            }
            if (word(32, 8) != bytes.size())
            {
                fail("has ", bytes.size(), " bytes, but its header says ", word(32, 8));
            }
        }

        std::span<std::byte const> part(std::uint64_t offset, std::uint64_t size, std::string_view what) const
        {
            auto const bytes = m_file.bytes();
            if (offset > bytes.size() || size > bytes.size() - offset)
            {
                fail(what, " lies at [", offset, ", ", offset, " + ", size, "), but the file has ",
                     bytes.size(), " bytes");
            }
            return bytes.subspan(std::size_t(offset), std::size_t(size));
        }

        void read_index()
        {
            auto const index = part(word(16, 8), word(24, 8), "the index");
            if (checksum(index) != word(40, 8)) { fail("the index is damaged: its checksum differs"); }
            auto const root = parse_json({reinterpret_cast<char const*>(index.data()), index.size()}, name());
            json_fields const fields(root, name());
            m_variant = fields.text("variant");
            m_weights = fields.text("weights");
            fields.get("tied");
            m_tied = fields.boolean("tied", true);
            m_text = json_document(fields.fields("text").object());
            auto const texts = fields.fields("texts");
            for (auto const& [name, place] : texts.object().items()) { read_text(name, texts.fields(name)); }
            std::set<std::pair<std::string_view, std::string_view>> known;
            auto const& tensors = fields.list("tensors");
            m_tensors.reserve(tensors.size());    // `known` looks into them
            for (auto const& t : tensors)
            {
                read_tensor({t, name(), sentence("tensors[", m_tensors.size(), "].")});
                auto const& made = m_tensors.back();
                if (!known.emplace(made.tree, made.name).second)
                {
                    fail("tensor ", made.tree, ' ', made.name, " is there twice");
                }
            }
        }

        // A number of the index as it stands there, of anything else its kind.
        static std::string shown(nlohmann::json const& value)
        {
            return value.is_number() ? value.dump() : std::string(detail::kind_of(value));
        }

        static std::uint64_t whole(json_fields const& from, std::string_view key)
        {
            auto const& value = from.get(key);
            if (value.is_number_unsigned()) { return value.get<std::uint64_t>(); }
            throw file_error(sentence(from.file(), ": ", from.field(key), " is ", shown(value),
                                      ", expected a whole number from 0"));
        }

        std::span<std::byte const> placed(json_fields const& from, std::string_view what) const
        {
            return part(whole(from, "offset"), whole(from, "bytes"), what);
        }

        void read_text(std::string const& name, json_fields const& place)
        {
            auto const bytes = placed(place, name);
            if (checksum_text(checksum(bytes)) != place.text("checksum"))
            {
                fail(name, " is damaged: its checksum differs");
            }
            m_texts.emplace(name,
                            std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
        }

        void read_tensor(json_fields const& from)
        {
            entry t;
            t.tree = from.text("tree");
            t.name = from.text("name");
            auto const& type = from.text("type");
            auto const found = type_of_word(type);
            if (!found)
            {
                fail("tensor ", t.name, " is of type ", detail::in_quotes(type),
                     ", which this library cannot read");
            }
            t.type = *found;
            for (auto const& extent : from.list("shape"))
            {
                if (!extent.is_number_unsigned())
                {
                    fail("tensor ", t.name, " has shape[", t.shape.size(), "] ", shown(extent),
                         ", expected a whole number");
                }
                t.shape.push_back(extent.get<std::size_t>());
            }
            t.bytes = placed(from, t.name);
            if (auto const offset = whole(from, "offset"); offset % 64 != 0)
            {
                fail("tensor ", t.name, " lies at ", offset, ", expected a multiple of 64");
            }
            t.checksum = from.text("checksum");
            if (t.bytes.size() != bytes_of(t))
            {
                fail("tensor ", t.name, " has ", t.bytes.size(), " bytes, expected ", bytes_of(t));
            }
            if (from.find("factors")) { read_factors(t, from.fields("factors")); }
            m_tensors.push_back(std::move(t));
        }

        void read_factors(entry& t, json_fields const& from) const
        {
            t.factor_rows = std::size_t(whole(from, "rows"));
            t.factors = placed(from, t.name);
            t.factors_checksum = from.text("checksum");
            if (auto const at = whole(from, "offset"); at % alignof(float) != 0)
            {
                fail("the factors of tensor ", t.name, " lie at ", at, ", expected a multiple of ",
                     alignof(float));
            }
            if (t.factor_rows == 0 || rows_of(t) % t.factor_rows != 0
                || rows_of(t) / t.factor_rows * sizeof(float) != t.factors.size())
            {
                fail("tensor ", t.name, " has factors for ", t.factors.size() / sizeof(float), " times ",
                     t.factor_rows, " rows, but ", rows_of(t), " rows");
            }
        }

        static std::optional<weight_type> type_of_word(std::string_view word)
        {
            for (std::size_t id = 0; id != weight_type_count; ++id)
            {
                auto const type = weight_type(id);
                bool const is_known = id < first_packed ? is_supported(ggml_type_of(type))
                                                        : id - first_packed < packed_type_count;
                if (is_known && word == type_word(type)) { return type; }
            }
            return std::nullopt;
        }

        static std::size_t rows_of(entry const& t)
        {
            std::size_t rows = 1;
            for (std::size_t i = 0; i + 1 < t.shape.size(); ++i) { rows *= t.shape[i]; }
            return rows;
        }

        // What the length of a row must be a multiple of. Layouts that pad a row to 32 take every length;
        // those of 256 come of files whose rows are whole blocks.
        static std::size_t unit_of(weight_type type)
        {
            if (!is_packed(type)) { return traits_of(ggml_type_of(type)).weights_per_block; }
            auto const unit = packed_unit(packing_of(type));
            return unit == packed_group ? 1 : unit;
        }

        // What a tensor of this type and shape takes; extents are bounded by the file.
        std::size_t bytes_of(entry const& t) const
        {
            std::uint64_t elements = 1;
            for (auto const extent : t.shape)
            {
                if (extent == 0 || extent > m_file.bytes().size()
                    || elements > 64 * m_file.bytes().size() / extent)
                {
                    fail("tensor ", t.name, " has shape ", detail::shape_text(t.shape),
                         ", which the file has no room for");
                }
                elements *= extent;
            }
            auto const ins = t.shape.empty() ? 1 : t.shape.back();
            if (auto const unit = unit_of(t.type); ins % unit != 0)
            {
                fail("tensor ", t.name, " has rows of ", ins, " weights, but ", type_word(t.type),
                     " has blocks of ", unit);
            }
            return is_packed(t.type) ? packed_bytes(packing_of(t.type), rows_of(t), ins)
                                     : rows_of(t) * row_bytes(t.type, ins);
        }

    public:
        // The word of a type in the index: Q4_0 for the rows of a file, packed q4 for a layout.
        static std::string type_word(weight_type type)
        {
            return is_packed(type) ? sentence("packed ", gemma4::name(type))
                                   : std::string(gemma4::name(type));
        }

    private:
        file_bytes m_file;
        std::string m_variant, m_weights;
        bool m_tied = true;
        json_document m_text;
        std::map<std::string, std::string_view, std::less<>> m_texts;
        std::vector<entry> m_tensors;
    };

    // A packed model as a source of weights.
    class packed_weights final : public weight_source
    {
    public:
        explicit packed_weights(std::shared_ptr<packed_file const> file)
            : m_file(std::move(file))
        {
            for (auto const& t : m_file->tensors()) { m_tensors.emplace(std::pair(t.tree, t.name), &t); }
        }

        stored_weight demand(weight_tree tree, std::string const& name,
                             std::span<std::size_t const> shape) override
        {
            auto const* t = find(tree, name);
            if (!t)
            {
                throw mismatch_error(sentence(
                    where(), ": tensor ", weight_tree_names[std::size_t(tree)], ' ', name, " is missing",
                    tree == weight_tree::text ? "" : ": the model was packed without this tower"));
            }
            if (!std::ranges::equal(shape, t->shape))
            {
                throw mismatch_error(sentence(where(), ": tensor ", name, " has shape ",
                                              detail::shape_text(t->shape), ", expected ",
                                              detail::shape_text(shape)));
            }
            stored_weight found{t->bytes.data(), t->bytes.size(), t->type, {}, m_where, t->name};
            if (t->factor_rows)
            {
                found.factors = {reinterpret_cast<float const*>(t->factors.data()), t->factor_rows};
            }
            return found;
        }

        // Gate and up that were two are packed as two: NAME.gate and NAME.up.
        std::vector<stored_weight> demand_halves(weight_tree tree, std::string const& name,
                                                 std::span<std::size_t const> shape) override
        {
            if (find(tree, name)) { return {demand(tree, name, shape)}; }
            std::vector<std::size_t> half(shape.begin(), shape.end());
            half[1] /= 2;
            return {demand(tree, name + ".gate", half), demand(tree, name + ".up", half)};
        }

        bool has(weight_tree tree, std::string const& name) const override
        {
            return find(tree, name) != nullptr;
        }

        std::vector<std::string> unknown(expected_leftovers const&) const override { return {}; }

        std::vector<listed_tensor> tensors() const override
        {
            std::vector<listed_tensor> all;
            for (auto const& t : m_file->tensors())
            {
                all.push_back({sentence(t.tree, ' ', t.name), packed_file::type_word(t.type), t.shape,
                               t.bytes.size(), t.bytes.data()});
            }
            return all;
        }

        void drop(void const* data, std::size_t bytes) const noexcept override
        {
            m_file->file().drop(data, bytes);
        }

        std::size_t read_bytes() const noexcept override
        {
            return m_file->file().is_mapped() ? 0 : m_file->file().bytes().size();
        }

        std::string where() const override { return m_where; }

    private:
        packed_file::entry const* find(weight_tree tree, std::string const& name) const
        {
            auto const found =
                m_tensors.find(std::pair(std::string(weight_tree_names[std::size_t(tree)]), name));
            return found == m_tensors.end() ? nullptr : found->second;
        }

        std::shared_ptr<packed_file const> m_file;
        std::string m_where = m_file->name();
        std::map<std::pair<std::string, std::string>, packed_file::entry const*> m_tensors;
    };
}
