// What api/model_location.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <gemma4/api/model_location.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/file_kind.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/io/names_in.hpp>
#include <gemma4/io/packed_file.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline std::string listed(std::span<std::string const> names)
        {
            std::string text;
            for (auto const& name : names) { text += (text.empty() ? "" : ", ") + name; }
            return text;
        }

        // What a GGUF file in a folder is; of one that is none its name says it.
        struct gguf_role
        {
            enum kind
            {
                model,
                projector,
                other
            } what = other;
            std::size_t width = 0;    // of a model, and of what a projector makes; 0: not said
            bool towers = false;      // a model that holds its own
            std::string damage{};     // why it is not read
        };

        inline gguf_role role_of(std::filesystem::path const& path)
        {
            gguf_role role;
            try
            {
                file_bytes const file(path, file_access::map);
                auto const contents = parse_gguf(file.bytes(), path.string());
                auto const& metadata = contents.metadata;
                std::string const architecture(metadata.text("general.architecture"));
                auto const type = metadata.text("general.type", "model");
                if (architecture == "clip" || type == "mmproj")
                {
                    role.what = gguf_role::projector;
                    role.width = metadata.size("clip.vision.projection_dim", 0);
                }
                else if (type == "model" && !architecture.ends_with("-assistant"))
                {
                    role.what = gguf_role::model;
                    role.width = metadata.size(architecture + ".embedding_length", 0);
                    role.towers =
                        std::ranges::any_of(contents.tensors, [](gguf_tensor const& t)
                                            { return t.name.starts_with("v.") || t.name.starts_with("a."); });
                }
            }
            catch (file_error const& reason)
            {
                bool const named_so = path.filename().string().find("mmproj") != std::string::npos;
                role.what = named_so ? gguf_role::projector : gguf_role::model;
                role.damage = reason.what();
            }
            return role;
        }

        // The GGUF files of a folder, the first part alone of a split one.
        inline std::vector<std::string> gguf_names(std::filesystem::path const& folder)
        {
            auto names = names_in(folder,
                                  [](std::filesystem::directory_entry const& entry, std::string const& name)
                                  {
                                      std::error_code ignored;
                                      return name.ends_with(".gguf") && entry.is_regular_file(ignored);
                                  });
            std::map<std::pair<std::string, std::size_t>, std::size_t> seen;    // of one prefix and count
            std::erase_if(names,
                          [&](std::string const& name)
                          {
                              auto const part = gguf_part_name::of(name);
                              return part && seen[{part->prefix, part->count}]++ != 0;
                          });
            return names;
        }

        inline model_location locate_gguf(std::filesystem::path const& folder,
                                          std::vector<std::string> const& names)
        {
            std::vector<std::string> models, projectors;
            std::map<std::string, gguf_role> roles;
            for (auto const& name : names)
            {
                auto const& role = roles[name] = role_of(folder / name);
                if (role.what == gguf_role::model) { models.push_back(name); }
                if (role.what == gguf_role::projector) { projectors.push_back(name); }
            }
            if (models.empty())
            {
                throw file_error(sentence(folder.string(), " holds no model: ", listed(names),
                                          names.size() == 1 ? " is" : " are",
                                          " projector, adapter or drafter files, or importance matrices"));
            }
            if (models.size() != 1)
            {
                throw file_error(sentence(folder.string(), " holds ", models.size(),
                                          " models: ", listed(models), "; name the file of one of them"));
            }
            model_location found{model_kind::gguf, folder / models.front()};
            auto const& model = roles[models.front()];
            if (projectors.empty() || model.towers) { return found; }
            auto const& projector = roles[projectors.front()];
            auto const unused = [&](auto const&... why)
            { found.warnings.push_back(sentence(folder.string(), ": ", why...)); };
            if (projectors.size() != 1)
            {
                unused("none of the projector files ", listed(projectors),
                       " is used, for there are several: name one as mmproj");
            }
            else if (!projector.damage.empty())
            {
                unused("the projector file is not used: ", projector.damage);
            }
            else if (projector.width != 0 && model.width != 0 && projector.width != model.width)
            {
                unused("projector file ", projectors.front(),
                       " is not used: its clip.vision.projection_dim is ", projector.width,
                       ", but the model is ", model.width, " wide");
            }
            else { found.mmproj = folder / projectors.front(); }
            return found;
        }

        // The snapshot of a repository in Hugging Face's cache.
        inline std::filesystem::path snapshot_of(std::filesystem::path const& root)
        {
            auto const snapshots = root / "snapshots";
            auto const main = root / "refs" / "main";
            if (is_there(main))
            {
                auto name = gemma4::file_beginning(main, 256);
                while (!name.empty() && (name.back() == '\n' || name.back() == '\r')) { name.pop_back(); }
                std::error_code ignored;
                if (!name.empty() && std::filesystem::is_directory(snapshots / name, ignored))
                {
                    return snapshots / name;
                }
                throw file_error(sentence(main.string(), " names snapshot ", printable(name),
                                          ", which is not in ", snapshots.string()));
            }
            auto const all = names_in(snapshots,
                                      [](std::filesystem::directory_entry const& entry, std::string const&)
                                      {
                                          std::error_code ignored;
                                          return entry.is_directory(ignored);
                                      });
            if (all.size() == 1) { return snapshots / all.front(); }
            throw file_error(all.empty() ? sentence(snapshots.string(), " holds no snapshot of a model")
                                         : sentence(snapshots.string(), " holds ", all.size(),
                                                    " snapshots: ", listed(all),
                                                    "; there is no refs/main, name the folder of one"));
        }

        inline model_location locate_in_folder(std::filesystem::path const& folder)
        {
            if (is_there(folder / "model.safetensors") || is_there(folder / "model.safetensors.index.json"))
            {
                return {model_kind::folder, folder};
            }
            if (auto const names = gguf_names(folder); !names.empty()) { return locate_gguf(folder, names); }
            if (is_there(folder / "config.json")) { return {model_kind::folder, folder}; }
            std::error_code ignored;
            if (std::filesystem::is_directory(folder / "snapshots", ignored))
            {
                return locate_in_folder(snapshot_of(folder));
            }
            auto const repositories =
                names_in(folder, [](std::filesystem::directory_entry const&, std::string const& name)
                         { return name.starts_with("models--"); });
            if (!repositories.empty())
            {
                throw file_error(sentence(folder.string(),
                                          " is a cache of Hugging Face models: name the folder of "
                                          "one of them: ",
                                          listed(repositories)));
            }
            return {model_kind::folder, folder};
        }
    }

    GEMMA4_CODE model_location locate_model(std::filesystem::path const& path)
    {
        std::error_code reason;
        auto const status = std::filesystem::status(path, reason);
        if (!std::filesystem::exists(status))
        {
            throw file_error(
                sentence(path.string(), " cannot be opened: ",
                         reason ? reason.message() : std::string("there is nothing of this name")));
        }
        if (std::filesystem::is_directory(status)) { return detail::locate_in_folder(path); }
        if (is_gguf_file(path)) { return {model_kind::gguf, path}; }
        if (is_packed_file(path)) { return {model_kind::packed, path}; }
        auto const head = file_beginning(path, 4096);
        auto const what = what_any_file_is(std::as_bytes(std::span(head)));
        refuse_other_file(path.string(), what,
                          what == "is a safetensors file" || what == "is a JSON document"
                              ? "the folder of a checkpoint, which such a file lies in"
                              : "a checkpoint folder, a GGUF file or a packed file");
        throw file_error(
            sentence(path.string(), " is no model: it begins neither as a GGUF file nor as a packed file"));
    }
}
