// The safetensors format: 8 bytes of header length, a JSON header, then the tensors' bytes without gaps or
// overlaps. Source: the format page of the safetensors project, and its reader for what must be refused.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/dtype.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/file_kind.hpp>
#include <gemma4/io/json.hpp>

namespace gemma4::inline v0
{
    static_assert(std::endian::native == std::endian::little, "gemma4: safetensors files are little-endian");

    // A tensor of a file, row-major; valid as long as the file (or checkpoint) that it came from.
    struct tensor
    {
        std::string name;
        dtype type = dtype::f32;    // only where `supported`
        std::vector<std::size_t> shape;
        std::byte const* data = nullptr;    // aligned for `type`
        std::size_t bytes = 0;
        std::string file;
        std::string dtype_word;    // as in the file: "BF16", "I64", ...
        // dtype_word is F32, BF16 or F16; others are legal in a file but not usable.
        bool supported = false;
    };

    struct safetensors_contents
    {
        std::vector<tensor> tensors;    // in the order of their bytes
        std::map<std::string, std::string> metadata;
    };

    namespace detail
    {
        struct stored_dtype
        {
            std::string_view word;
            std::size_t bits;
        };

        inline constexpr std::array stored_dtypes{
            stored_dtype{"F32", 32},        stored_dtype{"BF16", 16},   stored_dtype{"F16", 16},
            stored_dtype{"F64", 64},        stored_dtype{"BOOL", 8},    stored_dtype{"U8", 8},
            stored_dtype{"I8", 8},          stored_dtype{"U16", 16},    stored_dtype{"I16", 16},
            stored_dtype{"U32", 32},        stored_dtype{"I32", 32},    stored_dtype{"U64", 64},
            stored_dtype{"I64", 64},        stored_dtype{"C64", 64},    stored_dtype{"F8_E4M3", 8},
            stored_dtype{"F8_E5M2", 8},     stored_dtype{"F8_E8M0", 8}, stored_dtype{"F8_E4M3FNUZ", 8},
            stored_dtype{"F8_E5M2FNUZ", 8}, stored_dtype{"F6_E2M3", 6}, stored_dtype{"F6_E3M2", 6},
            stored_dtype{"F4", 4},
        };

        inline constexpr std::size_t max_safetensors_header = 100'000'000;    // the reference reader's limit

        inline std::size_t whole_number(nlohmann::json const& value, std::string_view where,
                                        std::string_view what)
        {
            if (!value.is_number_unsigned())
            {
                auto const found = value.is_number() ? value.dump() : std::string(kind_of(value));
                throw file_error(
                    sentence(where, ": ", what, " holds ", found, ", expected whole numbers from 0"));
            }
            return static_cast<std::size_t>(value.get<std::uint64_t>());
        }

        // One entry of the header; `data` is everything after the header.
        inline tensor read_entry(std::string const& name, nlohmann::json const& entry,
                                 std::span<std::byte const> data, std::string_view file)
        {
            auto const where = sentence(file, ": tensor ", in_quotes(name));
            json_fields const fields(entry, where);
            tensor t{
                .name = name, .shape = {}, .file = std::string(file), .dtype_word = fields.text("dtype")};
            for (auto const& [key, value] : entry.items())
            {
                if (key != "dtype" && key != "shape" && key != "data_offsets")
                {
                    throw file_error(sentence(where, ": unknown key ", in_quotes(key)));
                }
            }

            auto const stored = std::find_if(stored_dtypes.begin(), stored_dtypes.end(),
                                             [&](auto const& d) { return d.word == t.dtype_word; });
            if (stored == stored_dtypes.end())
            {
                throw file_error(sentence(where, ": dtype is ", in_quotes(t.dtype_word),
                                          ", which safetensors does not know"));
            }
            t.supported = true;
            if (t.dtype_word == "F32") { t.type = dtype::f32; }
            else if (t.dtype_word == "BF16") { t.type = dtype::bf16; }
            else if (t.dtype_word == "F16") { t.type = dtype::f16; }
            else { t.supported = false; }

            std::size_t bits = stored->bits;
            bool overflow = false;
            for (auto const& extent : fields.list("shape"))
            {
                t.shape.push_back(whole_number(extent, where, "shape"));
                overflow |= __builtin_mul_overflow(bits, t.shape.back(), &bits);
            }
            if (overflow) { throw file_error(sentence(where, ": the shape's product overflows 64 bits")); }
            if (bits % 8 != 0) { throw file_error(sentence(where, ": the shape ends inside a byte")); }
            t.bytes = bits / 8;

            auto const& offsets = fields.list("data_offsets");
            if (offsets.size() != 2)
            {
                throw file_error(
                    sentence(where, ": data_offsets holds ", offsets.size(), " numbers, expected 2"));
            }
            auto const begin = whole_number(offsets[0], where, "data_offsets");
            auto const end = whole_number(offsets[1], where, "data_offsets");
            if (begin > end || end > data.size())
            {
                throw file_error(sentence(where, ": data_offsets are ", begin, " to ", end,
                                          ", but the file holds ", data.size(), " bytes of tensors"));
            }
            if (end - begin != t.bytes)
            {
                throw file_error(sentence(where, ": data_offsets span ", end - begin,
                                          " bytes, but dtype and shape need ", t.bytes));
            }
            t.data = data.data() + begin;
            return t;
        }
    }

    // The tensors of a safetensors file held in memory; `file` is its name in errors. Tensors point into
    // `bytes` and may be unaligned. file_error: truncated or overlong header, bad JSON or UTF-8, duplicate
    // names, offsets out of range, overlaps or holes, shape and byte span that disagree or overflow.
    inline safetensors_contents parse_safetensors(std::span<std::byte const> bytes, std::string_view file)
    {
        auto const refuse_others = [&]
        {
            std::string_view const head(reinterpret_cast<char const*>(bytes.data()), bytes.size());
            if (detail::begins_as_safetensors(head)) { return; }    // a damaged one
            refuse_other_file(file, what_any_file_is(bytes), "a safetensors file");
        };
        if (bytes.size() < 8)
        {
            refuse_others();
            throw file_error(sentence(file, ": ", bytes.size(), " bytes, too short for a safetensors file"));
        }
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), sizeof length);
        if (length > bytes.size() - 8)
        {
            refuse_others();
            throw file_error(sentence(file, ": the header is said to be ", length, " bytes long, but only ",
                                      bytes.size() - 8, " follow (truncated, or not a safetensors file)"));
        }
        if (length > detail::max_safetensors_header)
        {
            refuse_others();
            throw file_error(sentence(file, ": the header is ", length, " bytes long, the limit is ",
                                      detail::max_safetensors_header));
        }
        auto const header_bytes = bytes.subspan(8, static_cast<std::size_t>(length));
        auto const data = bytes.subspan(8 + static_cast<std::size_t>(length));
        std::string_view const text(reinterpret_cast<char const*>(header_bytes.data()), header_bytes.size());
        if (!text.starts_with('{'))
        {
            refuse_others();
            throw file_error(sentence(file, ": the safetensors header does not start with {"));
        }
        auto const document = parse_json(text, file);
        auto const& header = document.root();

        safetensors_contents contents;
        for (auto const& [name, entry] : header.items())
        {
            if (name != "__metadata__")
            {
                contents.tensors.push_back(detail::read_entry(name, entry, data, file));
                continue;
            }
            json_fields const fields(entry, file, "__metadata__.");
            for (auto const& [key, value] : entry.items())
            {
                if (!value.is_string()) { fields.wrong(key, "a string", value); }
                contents.metadata.emplace(key, value.get<std::string>());
            }
        }

        auto& tensors = contents.tensors;
        std::sort(tensors.begin(), tensors.end(),
                  [](tensor const& a, tensor const& b)
                  { return std::pair(a.data, a.bytes) < std::pair(b.data, b.bytes); });
        auto const* next = data.data();
        for (std::size_t i = 0; i != tensors.size(); ++i)
        {
            auto const& t = tensors[i];
            if (t.data < next)
            {
                throw file_error(sentence(file, ": tensor ", detail::in_quotes(t.name), " overlaps tensor ",
                                          detail::in_quotes(tensors[i - 1].name)));
            }
            if (t.data > next)
            {
                throw file_error(sentence(file, ": ", t.data - next, " bytes before tensor ",
                                          detail::in_quotes(t.name), " belong to no tensor"));
            }
            next = t.data + t.bytes;
        }
        if (auto const rest = data.data() + data.size() - next; rest != 0)
        {
            throw file_error(sentence(file, ": the last ", rest, " bytes belong to no tensor"));
        }
        return contents;
    }

    // A safetensors file. Tensors point into its bytes; the rare file that stores F32, BF16 or F16 at an
    // address not aligned for it has those tensors copied to aligned memory.
    class safetensors_file
    {
    public:
        explicit safetensors_file(std::filesystem::path const& path, file_access access = file_access::map,
                                  std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_file(path, access, memory)
            , m_contents(parse_safetensors(m_file.bytes(), path.string()))
        {
            for (auto& t : m_contents.tensors)
            {
                if (!t.supported || reinterpret_cast<std::uintptr_t>(t.data) % size_of(t.type) == 0)
                {
                    continue;
                }
                if (t.bytes == 0)
                {
                    t.data = nullptr;
                    continue;
                }
                buffer<std::byte> copy(t.bytes, memory);
                std::memcpy(copy.data(), t.data, t.bytes);
                t.data = copy.data();
                m_aligned.push_back(std::move(copy));
            }
        }

        std::filesystem::path const& path() const noexcept { return m_file.path(); }
        file_bytes const& file() const noexcept { return m_file; }
        std::span<tensor const> tensors() const noexcept
        {
            return m_contents.tensors;
        }    // in the order of their bytes
        std::map<std::string, std::string> const& metadata() const noexcept { return m_contents.metadata; }

        tensor const* find(std::string_view name) const noexcept
        {
            auto const& all = m_contents.tensors;
            auto const place =
                std::find_if(all.begin(), all.end(), [&](tensor const& t) { return t.name == name; });
            return place == all.end() ? nullptr : &*place;
        }

    private:
        file_bytes m_file;
        safetensors_contents m_contents;
        std::vector<buffer<std::byte>> m_aligned;
    };
}
