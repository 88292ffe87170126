// A Hugging Face model folder: config.json and the tensors, in one safetensors file or in shards with their
// index.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gemma4/core/error.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/names_in.hpp>
#include <gemma4/io/safetensors.hpp>

namespace gemma4::inline v0
{
    // Tensor name -> shard file name. file_error: weight_map missing or empty, or a shard name that is not a
    // plain file name.
    inline std::map<std::string, std::string> read_weight_map(nlohmann::json const& index,
                                                              std::string_view file)
    {
        auto const fields = json_fields(index, file).fields("weight_map");
        std::map<std::string, std::string> shard_of;
        for (auto const& [name, value] : fields.object().items())
        {
            auto const where = sentence(file, ": weight_map entry ", detail::in_quotes(name));
            if (!value.is_string())
            {
                throw file_error(sentence(where, " is ", detail::kind_of(value), ", expected a file name"));
            }
            auto const& shard = value.get_ref<std::string const&>();
            bool const plain = !shard.empty() && shard != "." && shard != ".."
                               && shard.find_first_of(std::string_view("/\\\0", 3)) == shard.npos;
            if (!plain)
            {
                throw file_error(sentence(where, " is ", detail::in_quotes(shard),
                                          ", expected the plain name of a file in the same folder"));
            }
            shard_of.emplace(name, shard);
        }
        if (shard_of.empty()) { throw file_error(sentence(file, ": weight_map names no tensor")); }
        return shard_of;
    }

    // model.safetensors, or where it is absent the shards of model.safetensors.index.json (transformers'
    // order). All tensors stay in memory as long as the checkpoint lives; moving it keeps them valid.
    class checkpoint
    {
    public:
        explicit checkpoint(std::filesystem::path const& folder, file_access access = file_access::map,
                            std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_folder(folder)
            , m_access(access)
            , m_memory(memory)
        {
            if (std::error_code reason; !std::filesystem::is_directory(folder, reason))
            {
                throw file_error(sentence(folder.string(), " is not a folder",
                                          reason ? ": " + reason.message() : std::string()));
            }
            m_config = read_json(config_path());

            auto const single = folder / "model.safetensors";
            auto const index = folder / "model.safetensors.index.json";
            if (is_there(single)) { read_single(single); }
            else if (is_there(index)) { read_shards(index); }
            else
            {
                throw file_error(sentence(folder.string(),
                                          " holds neither model.safetensors nor model.safetensors.index.json",
                                          other_weights(folder)));
            }
            std::sort(m_tensors.begin(), m_tensors.end(),
                      [](tensor const& a, tensor const& b) { return a.name < b.name; });
        }

        // nullptr: no tensor of this name
        tensor const* find(std::string_view name) const noexcept
        {
            auto const place =
                std::lower_bound(m_tensors.begin(), m_tensors.end(), name,
                                 [](tensor const& t, std::string_view n) { return t.name < n; });
            return place == m_tensors.end() || place->name != name ? nullptr : &*place;
        }

        std::span<tensor const> tensors() const noexcept { return m_tensors; }    // sorted by name
        std::span<safetensors_file const> files() const noexcept { return m_files; }

        // As file_bytes::drop.
        void drop(void const* data, std::size_t bytes) const noexcept
        {
            for (auto const& file : m_files) { file.file().drop(data, bytes); }
        }

        nlohmann::json const& config() const noexcept { return m_config.root(); }
        std::filesystem::path const& folder() const noexcept { return m_folder; }
        std::filesystem::path config_path() const { return m_folder / "config.json"; }

        // "shard: tensor" for tensors in a shard that the index does not place there. They are not part of
        // the checkpoint.
        std::span<std::string const> unlisted() const noexcept { return m_unlisted; }

    private:
        // What there is instead, for an error.
        static std::string other_weights(std::filesystem::path const& folder)
        {
            auto const names = detail::names_in(
                folder,
                [](std::filesystem::directory_entry const&, std::string const& name)
                {
                    auto const is = [&](std::string_view end) { return name.ends_with(end); };
                    return is(".safetensors") || is(".bin") || is(".pt") || is(".pth") || is(".onnx")
                           || is(".h5");
                });
            if (names.empty()) { return {}; }
            auto const shard =
                std::ranges::find_if(names, [](auto const& name) { return name.ends_with(".safetensors"); });
            return shard == names.end()
                       ? sentence("; of ", names.front(), ", safetensors must be made first")
                       : sentence("; ", *shard, " is not read without the index that names the shards");
        }

        void read_single(std::filesystem::path const& path)
        {
            m_files.emplace_back(path, m_access, m_memory);
            auto const all = m_files.back().tensors();
            m_tensors.assign(all.begin(), all.end());
        }

        void read_shards(std::filesystem::path const& index)
        {
            auto const shard_of = read_weight_map(read_json(index), index.string());
            std::map<std::string, std::vector<std::string_view>> listed;    // shard -> its tensors, sorted
            for (auto const& [name, shard] : shard_of) { listed[shard].push_back(name); }
            m_files.reserve(listed.size());
            for (auto const& [shard, names] : listed)
            {
                m_files.emplace_back(m_folder / shard, m_access, m_memory);
                auto const before = m_tensors.size();
                for (auto const& t : m_files.back().tensors())
                {
                    if (std::binary_search(names.begin(), names.end(), std::string_view(t.name)))
                    {
                        m_tensors.push_back(t);
                    }
                    else { m_unlisted.push_back(shard + ": " + t.name); }
                }
                if (m_tensors.size() - before == names.size()) { continue; }
                for (auto const name : names)
                {
                    if (!m_files.back().find(name))
                    {
                        throw file_error(sentence(index.string(), ": weight_map places tensor ",
                                                  detail::in_quotes(name), " in ", detail::in_quotes(shard),
                                                  ", which does not hold it"));
                    }
                }
            }
        }

        std::filesystem::path m_folder;
        file_access m_access;
        std::pmr::memory_resource* m_memory;
        json_document m_config;
        std::vector<safetensors_file> m_files;
        std::vector<tensor> m_tensors;
        std::vector<std::string> m_unlisted;
    };
}
