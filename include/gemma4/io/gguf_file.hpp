// A GGUF model: one file, or all the parts of a split one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/gguf.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline constexpr std::size_t max_gguf_parts = 99999;    // five digits

        // "model-00002-of-00003.gguf" -> {"model-", 2, 3}
        struct gguf_part_name
        {
            std::string prefix;
            std::size_t number;    // from 1
            std::size_t count;

            static std::optional<gguf_part_name> of(std::string_view file)
            {
                constexpr std::string_view pattern = "00000-of-00000.gguf";
                if (file.size() <= pattern.size() || file[file.size() - pattern.size() - 1] != '-')
                {
                    return std::nullopt;
                }
                auto const tail = file.substr(file.size() - pattern.size());
                std::size_t numbers[2] = {};
                for (std::size_t i = 0; i != pattern.size(); ++i)
                {
                    if (pattern[i] != '0' && tail[i] != pattern[i]) { return std::nullopt; }
                    if (pattern[i] != '0') { continue; }
                    if (tail[i] < '0' || tail[i] > '9') { return std::nullopt; }
                    auto& number = numbers[i > 5];
                    number = 10 * number + std::size_t(tail[i] - '0');
                }
                auto const [number, count] = numbers;
                if (number == 0 || number > count) { return std::nullopt; }
                return gguf_part_name{std::string(file.substr(0, file.size() - pattern.size())), number,
                                      count};
            }

            std::string name(std::size_t part) const
            {
                auto const five = [](std::size_t n)
                {
                    auto const digits = sentence(n);
                    return std::string(5 - digits.size(), '0') + digits;
                };
                return sentence(prefix, five(part), "-of-", five(count), ".gguf");
            }
        };
    }

    // Whether the path is a file that begins with the magic of GGUF. Throws file_error where it is a file
    // that cannot be read.
    inline bool is_gguf_file(std::filesystem::path const& path)
    {
        return file_beginning(path, detail::gguf_magic.size()) == detail::gguf_magic;
    }

    // Stays in memory as long as it lives; moving it keeps tensors and metadata valid. Any part of a split
    // model names all of them: they lie in the same folder. file_error: as parse_gguf, or parts that do not
    // belong together.
    class gguf_file
    {
    public:
        explicit gguf_file(std::filesystem::path const& path, file_access access = file_access::map,
                           std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_path(path)
            , m_access(access)
            , m_memory(memory)
        {
            open(path);
            auto const parts = contents().metadata.size("split.count", 0);
            if (parts > 1) { open_parts(parts); }
            for (std::size_t i = 0; i != m_parts.size(); ++i)
            {
                for (auto const& t : m_parts[i]->contents.tensors)
                {
                    m_tensors.push_back(t);
                    m_tensors.back().file = i;
                }
            }
            std::ranges::sort(m_tensors, {}, &gguf_tensor::name);
            auto const twice = std::ranges::adjacent_find(m_tensors, {}, &gguf_tensor::name);
            if (twice != m_tensors.end())
            {
                throw file_error(sentence(name_of(twice[1]), " has tensor ", detail::printable(twice->name),
                                          ", which ", name_of(*twice), " has as well"));
            }
            if (auto const all = metadata().size("split.tensors.count", m_tensors.size());
                parts > 1 && all != m_tensors.size())
            {
                throw file_error(sentence(metadata().file(), ": metadata split.tensors.count is ", all,
                                          ", but the ", parts, " parts have ", m_tensors.size(), " tensors"));
            }
        }

        // Of the first part.
        gguf_metadata const& metadata() const noexcept { return contents().metadata; }

        std::span<gguf_tensor const> tensors() const noexcept { return m_tensors; }    // sorted by name

        // nullptr: no tensor of this name
        gguf_tensor const* find(std::string_view name) const noexcept
        {
            auto const place = std::ranges::lower_bound(m_tensors, name, {}, &gguf_tensor::name);
            return place == m_tensors.end() || place->name != name ? nullptr : &*place;
        }

        // The file that holds a tensor, for sentences.
        std::string const& name_of(gguf_tensor const& t) const noexcept
        {
            return m_parts[t.file]->contents.metadata.file();
        }

        // The first part up to its metadata's end, as a GGUF file without tensors.
        std::vector<std::byte> metadata_bytes() const
        {
            auto const head = bytes(0).first(contents().metadata_end);
            std::vector<std::byte> copy(head.begin(), head.end());
            std::memset(copy.data() + 8, 0, 8);    // the number of tensors
            return copy;
        }

        std::size_t parts() const noexcept { return m_parts.size(); }
        file_bytes const& part_file(std::size_t index) const noexcept { return m_parts[index]->file; }
        std::span<std::byte const> bytes(std::size_t index) const noexcept
        {
            return part_file(index).bytes();
        }
        std::filesystem::path const& path() const noexcept { return m_path; }

    private:
        struct part
        {
            file_bytes file;
            gguf_contents contents;
        };

        gguf_contents const& contents() const noexcept { return m_parts.front()->contents; }

        void open(std::filesystem::path const& path)
        {
            file_bytes file(path, m_access, m_memory);
            auto contents = parse_gguf(file.bytes(), path.string());
            m_parts.push_back(std::make_unique<part>(part{std::move(file), std::move(contents)}));
        }

        void open_parts(std::size_t count)
        {
            auto const where = m_path.string();
            auto const name = detail::gguf_part_name::of(m_path.filename().string());
            if (!name || name->count != count || count > detail::max_gguf_parts)
            {
                throw file_error(
                    sentence(where, ": metadata split.count is ", count,
                             ", expected a file name that ends in -0000n-of-0000m.gguf with m = ", count));
            }
            m_parts.clear();
            for (std::size_t k = 1; k <= count; ++k)
            {
                open(m_path.parent_path() / name->name(k));
                auto const& metadata = m_parts.back()->contents.metadata;
                auto const check = [&](std::string_view key, std::size_t expected)
                {
                    if (auto const found = metadata.size(key); found != expected)
                    {
                        throw file_error(sentence(metadata.file(), ": metadata ", key, " is ", found,
                                                  ", expected ", expected));
                    }
                };
                check("split.count", count);
                check("split.no", k - 1);
            }
        }

        std::filesystem::path m_path;
        file_access m_access;
        std::pmr::memory_resource* m_memory;
        std::vector<std::unique_ptr<part>> m_parts;
        std::vector<gguf_tensor> m_tensors;
    };
}
