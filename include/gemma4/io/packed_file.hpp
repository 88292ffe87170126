// A packed model: one file that holds everything and runs from its mapping.
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

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
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
#include <gemma4/io/json.hpp>
#include <gemma4/io/mapped_file.hpp>
#include <gemma4/io/shape_text.hpp>
#include <gemma4/io/weight_source.hpp>
#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::uint32_t packing_version = 1;    // of the layouts of packing/ and of this file
    inline constexpr std::string_view packed_magic = "gemma4pk";
    inline constexpr std::size_t packed_header_bytes = 64;

    // Whether a file begins like a packed model. False where it cannot be read.
    inline bool is_packed_file(std::filesystem::path const& path)
    {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(path, ignored)) { return false; }
        mapped_file const file(path);
        auto const bytes = file.bytes();
        return bytes.size() >= packed_magic.size()
               && std::memcmp(bytes.data(), packed_magic.data(), packed_magic.size()) == 0;
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

    inline constexpr std::array<std::string_view, 5> weight_tree_names{"text", "vision", "vision_projector",
                                                                       "audio", "audio_projector"};

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
        };

        // Checks header, index and the places of everything, and the checksums of header, index and texts.
        // Tensors are checked by verify(). Throws file_error.
        explicit packed_file(std::filesystem::path const& path)
            : m_file(path)
        {
            read_header();
            read_index();
        }

        std::string name() const { return m_file.path().string(); }
        std::filesystem::path const& path() const noexcept { return m_file.path(); }
        std::string const& variant() const noexcept { return m_variant; }
        std::string const& weights() const noexcept { return m_weights; }    // the word for their precision
        bool tied() const noexcept { return m_tied; }
        nlohmann::json const& text_fields() const noexcept { return m_text; }
        std::vector<entry> const& tensors() const noexcept { return m_tensors; }

        // The contents of config.json, tokenizer.json, ...; none where the source had none.
        std::optional<std::string_view> text(std::string_view name) const
        {
            auto const found = m_texts.find(name);
            return found == m_texts.end() ? std::nullopt : std::optional(found->second);
        }

        // Reads every tensor and compares its checksum. Throws file_error naming the first that is damaged.
        void verify() const
        {
            for (auto const& t : m_tensors)
            {
                if (checksum_text(checksum(t.bytes)) != t.checksum)
                {
                    throw file_error(sentence(name(), ": tensor ", t.tree, ' ', t.name,
                                              " is damaged: its checksum is ",
                                              checksum_text(checksum(t.bytes)), ", expected ", t.checksum));
                }
            }
        }

        // Throws mismatch_error naming the first field in which the packed model and the compiled variant
        // differ.
        void check(text_config const& compiled, std::string_view variant) const
        {
            for_each_field(compiled,
                           [&](char const* field, auto expected)
                           {
                               if (!m_text.contains(field) || !holds(m_text[field], expected))
                               {
                                   throw mismatch_error(sentence(
                                       name(), ": ", field, " is ",
                                       m_text.contains(field) ? m_text[field].dump() : std::string("missing"),
                                       ", but the compiled variant ", variant, " has ", expected));
                               }
                           });
        }

        bool matches(text_config const& compiled) const
        {
            bool same = true;
            for_each_field(compiled, [&](char const* field, auto expected)
                           { same = same && m_text.contains(field) && holds(m_text[field], expected); });
            return same;
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
            try
            {
                m_variant = root.at("variant").get<std::string>();
                m_weights = root.at("weights").get<std::string>();
                m_tied = root.at("tied").get<bool>();
                m_text = root.at("text");
                for (auto const& [name, place] : root.at("texts").items()) { read_text(name, place); }
                for (auto const& t : root.at("tensors")) { read_tensor(t); }
            }
            catch (nlohmann::json::exception const& wrong)
            {
                fail("the index is not as expected: ", wrong.what());
            }
        }

        void read_text(std::string const& name, nlohmann::json const& place)
        {
            auto const bytes =
                part(place.at("offset").get<std::uint64_t>(), place.at("bytes").get<std::uint64_t>(), name);
            if (checksum_text(checksum(bytes)) != place.at("checksum").get<std::string>())
            {
                fail(name, " is damaged: its checksum differs");
            }
            m_texts.emplace(name,
                            std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
        }

        void read_tensor(nlohmann::json const& from)
        {
            entry t;
            t.tree = from.at("tree").get<std::string>();
            t.name = from.at("name").get<std::string>();
            auto const word = from.at("type").get<std::string>();
            bool known = false;
            for (std::size_t id = 0; id != weight_type_count && !known; ++id)
            {
                auto const type = weight_type(id);
                known = (id < first_packed ? is_supported(ggml_type_of(type))
                                           : id - first_packed < packed_type_count)
                        && word == type_word(type);
                if (known) { t.type = type; }
            }
            if (!known) { fail("tensor ", t.name, " is of type ", word, ", which this library cannot read"); }
            t.shape = from.at("shape").get<std::vector<std::size_t>>();
            auto const offset = from.at("offset").get<std::uint64_t>();
            t.bytes = part(offset, from.at("bytes").get<std::uint64_t>(), t.name);
            if (offset % 64 != 0)
            {
                fail("tensor ", t.name, " lies at ", offset, ", expected a multiple of 64");
            }
            t.checksum = from.at("checksum").get<std::string>();
            if (t.bytes.size() != bytes_of(t))
            {
                fail("tensor ", t.name, " has ", t.bytes.size(), " bytes, expected ", bytes_of(t));
            }
            if (from.contains("factors"))
            {
                auto const& f = from["factors"];
                t.factor_rows = f.at("rows").get<std::size_t>();
                auto const at = f.at("offset").get<std::uint64_t>();
                t.factors = part(at, f.at("bytes").get<std::uint64_t>(), t.name);
                if (at % alignof(float) != 0)
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
            m_tensors.push_back(std::move(t));
        }

        static std::size_t rows_of(entry const& t)
        {
            std::size_t rows = 1;
            for (std::size_t i = 0; i + 1 < t.shape.size(); ++i) { rows *= t.shape[i]; }
            return rows;
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
        mapped_file m_file;
        std::string m_variant, m_weights;
        bool m_tied = true;
        nlohmann::json m_text;
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
                all.push_back(
                    {sentence(t.tree, ' ', t.name), packed_file::type_word(t.type), t.shape, t.bytes.size()});
            }
            return all;
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
