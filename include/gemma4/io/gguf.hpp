// GGUF files, version 3 (and 2, whose layout is the same): metadata, then the infos of tensors, then their
// bytes.
//
// Everything is checked before it is used: lengths and counts against what is left of the file, offsets
// against its size and each other. Source of the layout: the GGUF specification of ggml.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/formats/ggml_type.hpp>
#include <gemma4/io/file_kind.hpp>
#include <gemma4/io/gguf_metadata.hpp>

namespace gemma4::inline v0
{
    // A tensor inside a mapped file, row-major; valid as long as the mapping and the gguf_metadata of its
    // file.
    struct gguf_tensor
    {
        std::string_view name;
        ggml_type type = ggml_type::f32;
        std::array<std::size_t, 4>
            extents{};    // as in PyTorch: the contiguous one last (the file has it first)
        std::size_t rank = 0;
        std::byte const* data = nullptr;    // at a multiple of the file's alignment
        std::size_t bytes = 0;
        std::size_t file = 0;    // index of the file among those opened together

        std::span<std::size_t const> shape() const noexcept { return {extents.data(), rank}; }

        std::size_t elements() const noexcept
        {
            std::size_t n = 1;
            for (auto const extent : shape()) { n *= extent; }
            return n;
        }

        std::size_t columns() const noexcept { return rank == 0 ? 1 : extents[rank - 1]; }

        // columns() is a multiple of the type's block, so rows follow each other in whole blocks.
        std::size_t bytes_per_row() const noexcept
        {
            auto const traits = traits_of(type);
            return columns() / traits.weights_per_block * traits.bytes_per_block;
        }
    };

    struct gguf_contents
    {
        std::uint32_t version;
        std::size_t alignment;
        gguf_metadata metadata;
        std::vector<gguf_tensor> tensors;    // in the order of their infos
        std::size_t metadata_end = 0;        // where the tensors' infos begin
    };

    namespace detail
    {
        inline constexpr std::string_view gguf_magic = "GGUF";

        class gguf_parser
        {
        public:
            gguf_parser(std::span<std::byte const> bytes, std::string file)
                : m_bytes(bytes)
                , m_contents{0, 32, gguf_metadata(std::move(file)), {}, 0}
            {}

            gguf_contents parse()
            {
                std::string_view const head(reinterpret_cast<char const*>(m_bytes.data()), m_bytes.size());
                if (!head.starts_with(gguf_magic))
                {
                    refuse_other_file(m_contents.metadata.file(), what_any_file_is(m_bytes), "a GGUF file");
                    fail("is no GGUF file: its first four bytes are not GGUF");
                }
                take(gguf_magic.size(), "the magic GGUF");
                m_contents.version = number<std::uint32_t>("the version");
                if ((m_contents.version & 0xffffu) == 0 && m_contents.version != 0)
                {
                    fail("is a big-endian GGUF file, expected a little-endian one");
                }
                if (m_contents.version != 2 && m_contents.version != 3)
                {
                    fail("is GGUF version ", m_contents.version, ", expected 2 or 3");
                }
                auto const tensors = count("tensors", 8 + 4 + 4 + 8);
                auto const pairs = count("metadata pairs", 8 + 4 + 1);
                for (std::size_t i = 0; i != pairs; ++i) { read_pair(); }
                m_contents.metadata_end = m_at;
                read_alignment();
                m_contents.tensors.resize(tensors);
                std::vector<std::uint64_t> offsets(tensors);
                for (std::size_t i = 0; i != tensors; ++i) { offsets[i] = read_info(m_contents.tensors[i]); }
                check_names();
                if (tensors != 0) { place(offsets); }
                return std::move(m_contents);
            }

        private:
            template <class... Parts>
            [[noreturn]] void fail(Parts const&... parts) const
            {
                throw file_error(sentence(m_contents.metadata.file(), " ", parts...));
            }

            std::size_t left() const noexcept { return m_bytes.size() - m_at; }

            std::byte const* take(std::uint64_t size, std::string_view what)
            {
                if (size > left())
                {
                    fail("ends at byte ", m_bytes.size(), ", expected ", size, " bytes of ", what,
                         " at byte ", m_at);
                }
                auto const* const at = m_bytes.data() + m_at;
                m_at += std::size_t(size);
                return at;
            }

            template <class T>
            T number(std::string_view what)
            {
                return read_as<T>(take(sizeof(T), what));
            }

            // A number of things of at least `smallest` bytes each, which must still fit in the file.
            std::size_t count(std::string_view what, std::size_t smallest)
            {
                auto const n = number<std::uint64_t>(what);
                if (n > left() / smallest)
                {
                    fail("claims ", n, " ", what, ", but only ", left(), " bytes follow");
                }
                return std::size_t(n);
            }

            std::string_view string(std::string_view what)
            {
                auto const size = number<std::uint64_t>(what);
                return {reinterpret_cast<char const*>(take(size, what)), std::size_t(size)};
            }

            void read_pair()
            {
                auto const key = string("a metadata key");
                if (key.empty()) { fail("has an empty metadata key, before byte ", m_at); }
                auto const shown = printable(key);
                auto const kind = read_kind(shown);
                gguf_value value{kind, kind == gguf_kind::array, 1, nullptr};
                if (value.is_array)
                {
                    value.kind = read_kind(shown);
                    if (value.kind == gguf_kind::array)
                    {
                        fail("has metadata ", shown, " that is an array of arrays");
                    }
                    value.count = count("elements of metadata " + shown,
                                        std::max<std::size_t>(bytes_of(value.kind), 1));
                }
                value.bytes = m_bytes.data() + m_at;
                if (value.kind == gguf_kind::string)
                {
                    for (std::size_t i = 0; i != value.count; ++i) { string(shown); }
                }
                else
                {
                    take(value.count * bytes_of(value.kind), shown);
                }    // count() has bounded the product
                if (!m_contents.metadata.add(key, value)) { fail("has metadata ", shown, " twice"); }
            }

            gguf_kind read_kind(std::string_view shown)
            {
                auto const id = number<std::uint32_t>(shown);
                if (id >= gguf_kinds)
                {
                    fail("has metadata ", shown, " of type ", id, ", expected 0 to ", gguf_kinds - 1);
                }
                return gguf_kind(id);
            }

            void read_alignment()
            {
                constexpr std::string_view key = "general.alignment";
                auto const alignment = m_contents.metadata.size(key, 32);
                if (!std::has_single_bit(alignment) || alignment < 4 || alignment > (std::size_t(1) << 30))
                {
                    fail("has metadata ", key, " ", alignment, ", expected a power of two from 4 to 2^30");
                }
                m_contents.alignment = alignment;
            }

            std::uint64_t read_info(gguf_tensor& t)
            {
                t.name = string("a tensor name");
                if (t.name.empty()) { fail("has a tensor without a name, before byte ", m_at); }
                auto const shown = printable(t.name);
                auto const rank = number<std::uint32_t>(shown);
                if (rank > t.extents.size())
                {
                    fail("has tensor ", shown, " of ", rank, " dimensions, expected at most ",
                         t.extents.size());
                }
                t.rank = rank;
                std::uint64_t elements = 1;
                for (std::size_t d = 0; d != t.rank; ++d)
                {
                    auto const extent = number<std::uint64_t>(shown);
                    if (extent == 0
                        || extent > std::uint64_t(std::numeric_limits<std::int64_t>::max()) / elements)
                    {
                        fail("has tensor ", shown, " with dimension ", d, " of ", extent,
                             ", expected 1 or more and fewer than 2^63 elements in all");
                    }
                    elements *= extent;
                    t.extents[t.rank - 1 - d] = std::size_t(extent);
                }
                auto const id = number<std::uint32_t>(shown);
                t.type = ggml_type(id);
                auto const traits = traits_of(t.type);
                if (!is_known(t.type))
                {
                    fail("has tensor ", shown, " of type ", id, ", which is no type of GGUF");
                }
                if (t.columns() % traits.weights_per_block != 0)
                {
                    fail("has tensor ", shown, " of type ", traits.name, " with rows of ", t.columns(),
                         ", expected a multiple of ", traits.weights_per_block);
                }
                auto const blocks = elements / traits.weights_per_block;
                if (blocks > m_bytes.size() / traits.bytes_per_block)
                {
                    fail("has tensor ", shown, " of ", blocks, " blocks of ", traits.bytes_per_block,
                         " bytes, but the file has ", m_bytes.size(), " bytes");
                }
                t.bytes = std::size_t(blocks) * traits.bytes_per_block;
                return number<std::uint64_t>(shown);
            }

            void check_names() const
            {
                std::vector<std::string_view> names;
                names.reserve(m_contents.tensors.size());
                for (auto const& t : m_contents.tensors) { names.push_back(t.name); }
                std::ranges::sort(names);
                if (auto const twice = std::ranges::adjacent_find(names); twice != names.end())
                {
                    fail("has tensor ", printable(*twice), " twice");
                }
            }

            // Gaps are legal, overlaps are not.
            void place(std::span<std::uint64_t const> offsets)
            {
                auto const alignment = m_contents.alignment;
                auto const begin = m_at + (alignment - m_at % alignment) % alignment;
                if (begin > m_bytes.size())
                {
                    fail("ends at byte ", m_bytes.size(), ", expected tensors from byte ", begin);
                }
                auto const size = m_bytes.size() - begin;
                auto& tensors = m_contents.tensors;
                for (std::size_t i = 0; i != tensors.size(); ++i)
                {
                    auto& t = tensors[i];
                    if (offsets[i] % alignment != 0)
                    {
                        fail("has tensor ", printable(t.name), " at offset ", offsets[i],
                             ", expected a multiple of ", alignment);
                    }
                    if (offsets[i] > size || t.bytes > size - std::size_t(offsets[i]))
                    {
                        fail("has tensor ", printable(t.name), " of ", t.bytes, " bytes at offset ",
                             offsets[i], ", but only ", size, " bytes of tensors");
                    }
                    t.data = m_bytes.data() + begin + offsets[i];
                }
                std::vector<gguf_tensor const*> order;
                order.reserve(tensors.size());
                for (auto const& t : tensors) { order.push_back(&t); }
                std::ranges::sort(order, {}, &gguf_tensor::data);
                for (std::size_t i = 1; i < order.size(); ++i)
                {
                    if (order[i - 1]->data + order[i - 1]->bytes > order[i]->data)
                    {
                        fail("has tensors ", printable(order[i - 1]->name), " and ",
                             printable(order[i]->name), " that overlap");
                    }
                }
            }

            std::span<std::byte const> m_bytes;
            std::size_t m_at = 0;
            gguf_contents m_contents;
        };
    }

    // `file` is the name in errors. Everything in the result points into `bytes`. file_error: not GGUF of
    // version 2 or 3 in little-endian order, cut short, or inconsistent. Memory is bounded by a small
    // multiple of the size of the file.
    inline gguf_contents parse_gguf(std::span<std::byte const> bytes, std::string file)
    {
        return detail::gguf_parser(bytes, std::move(file)).parse();
    }

    // Whether bytes begin like a GGUF file.
    inline bool is_gguf(std::span<std::byte const> bytes) noexcept
    {
        return bytes.size() >= 4
               && std::string_view(reinterpret_cast<char const*>(bytes.data()), 4) == detail::gguf_magic;
    }
}
