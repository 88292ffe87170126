// What api/opened_checkpoint.hpp declares (core/separate.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gemma4/api/gguf_defaults.hpp>
#include <gemma4/api/model_path.hpp>
#include <gemma4/api/opened_checkpoint.hpp>
#include <gemma4/api/usual_stops.hpp>
#include <gemma4/io/checkpoint.hpp>
#include <gemma4/io/checkpoint_weights.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/io/gguf_config.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/io/gguf_weights.hpp>
#include <gemma4/io/packed_file.hpp>
#include <gemma4/io/tied_head.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The projector file of a GGUF model; null where none is named. file_error: no GGUF file;
        // mismatch_error: a GGUF file of something else.
        inline std::shared_ptr<gguf_file const> open_mmproj(open_options const& options)
        {
            auto const& path = options.mmproj;
            if (path.empty()) { return {}; }
            auto file = std::make_shared<gguf_file const>(path, options.access, options.memory);
            if (auto const word = file->metadata().text("general.architecture"); word != "clip")
            {
                throw mismatch_error(sentence(path.string(), ": metadata general.architecture is ",
                                              detail::printable(word),
                                              ", expected \"clip\", a projector file"));
            }
            return file;
        }

        inline void refuse_mmproj(open_options const& options, std::filesystem::path const& path)
        {
            if (options.mmproj.empty()) { return; }
            throw argument_error(sentence(options.mmproj.string(), " goes with a GGUF file only, but ",
                                          path.string(), " is none"));
        }
    }

    namespace detail
    {
        // The chat template of what was opened, whose tokenizer is there already; `from` is a GGUF file's
        // metadata or the small files of a checkpoint.
        template <class From>
        void choose_chat(opened_checkpoint& opened, From const& from, open_options const& options,
                         text_config const& compiled)
        {
            auto const stops = [&]
            {
                if constexpr (std::is_same_v<From, gguf_metadata>) { return stated_stops(from); }
                else { return stated_stops(from, *opened.tokens); }
            };
            opened.chat = choose_chat_format(find_chat_templates(from), options.chat_template,
                                             [&]() -> chat_template const*
                                             {
                                                 if (!opened.tokens) { return nullptr; }
                                                 return template_of_turns(*opened.tokens, stops(),
                                                                          compiled.per_layer_input != 0);
                                             });
            opened.warnings.insert(opened.warnings.end(), opened.chat.warnings.begin(),
                                   opened.chat.warnings.end());
        }

        inline void say_defaults(opened_checkpoint& opened)
        {
            auto const& said = opened.defaults.warnings;
            opened.warnings.insert(opened.warnings.end(), said.begin(), said.end());
        }
    }

    GEMMA4_CODE opened_checkpoint open_checkpoint(std::filesystem::path const& folder,
                                                  text_config const& compiled, std::string_view variant,
                                                  open_options const& options)
    {
        detail::refuse_mmproj(options, folder);
        opened_checkpoint opened{
            .folder = folder,
            .file = std::make_shared<checkpoint const>(folder, options.access, options.memory),
            .gguf = {},
            .weights = {},
            .placeholders = {},
            .tokens = {},
            .defaults = {},
            .warnings = {}};
        auto const& config = opened.file->config();
        auto const config_path = opened.file->config_path().string();
        check_text_config(compiled, variant, config, config_path);
        opened.weights = std::make_shared<checkpoint_weights>(opened.file);
        opened.max_positions = positions_of(config, config_path);
        opened.placeholders = read_placeholder_tokens(config, config_path, compiled);
        opened.tied =
            is_tied(*opened.weights, json_fields(config, config_path).boolean("tie_word_embeddings", true),
                    compiled.vocab, compiled.hidden);
        auto said = read_generation_config(folder);
        opened.defaults = said ? *std::move(said) : generation_config_of(config, config_path);
        detail::say_defaults(opened);
        auto const path = folder / "tokenizer.json";
        if (is_there(path)) { opened.tokens.emplace(tokenizer::from_file(path)); }
        detail::choose_chat(opened, texts_of(folder), options, compiled);
        if (!opened.tokens) { return opened; }
        if (opened.tokens->size() > compiled.vocab)
        {
            throw mismatch_error(sentence(path.string(), " has ", opened.tokens->size(), " tokens, but ",
                                          variant, " has a vocabulary of ", compiled.vocab));
        }
        if (!said || opened.defaults.stop.tokens.empty())
        {
            add_usual_stops(opened.defaults.stop.tokens, *opened.tokens);
        }
        return opened;
    }

    GEMMA4_CODE opened_checkpoint open_gguf(std::shared_ptr<gguf_file const> file,
                                            text_config const& compiled, std::string_view variant,
                                            open_options const& options)
    {
        auto const& metadata = file->metadata();
        check_text_config(compiled, variant, *file);
        opened_checkpoint opened{.folder = file->path(),
                                 .file = {},
                                 .gguf = file,
                                 .weights =
                                     std::make_shared<gguf_weights>(file, detail::open_mmproj(options)),
                                 .max_positions = positions_of(*file),
                                 .placeholders = {},
                                 .tokens = {},
                                 .defaults = {},
                                 .warnings = {}};
        opened.tied = is_tied(*opened.weights, true, compiled.vocab, compiled.hidden);
        if (!metadata.find("tokenizer.ggml.model")) { opened.defaults.sampling = read_sampling(metadata); }
        if (metadata.find("tokenizer.ggml.model")) { opened.tokens.emplace(read_tokenizer(metadata)); }
        detail::choose_chat(opened, metadata, options, compiled);
        if (!opened.tokens) { return opened; }
        if (opened.tokens->size() > compiled.vocab)
        {
            throw mismatch_error(sentence(metadata.file(), " has ", opened.tokens->size(), " tokens, but ",
                                          variant, " has a vocabulary of ", compiled.vocab));
        }
        opened.defaults = read_generation_config(metadata, *opened.tokens);
        if (auto const bos = opened.tokens->find("<bos>"); bos && opened.defaults.bos.value_or(*bos) != *bos)
        {
            throw mismatch_error(sentence(metadata.file(), ": metadata tokenizer.ggml.bos_token_id is ",
                                          *opened.defaults.bos, ", only ", *bos,
                                          ", the id of <bos>, is supported"));
        }
        return opened;
    }

    GEMMA4_CODE opened_checkpoint open_packed(std::shared_ptr<packed_file const> file,
                                              text_config const& compiled, std::string_view variant,
                                              open_options const& options)
    {
        detail::refuse_mmproj(options, file->path());
        file->check(compiled, variant);
        auto const head = gguf_metadata_of(*file);
        opened_checkpoint opened{.folder = file->path(),
                                 .file = {},
                                 .gguf = {},
                                 .weights = std::make_shared<packed_weights>(file),
                                 .tied = file->tied(),
                                 .max_positions = file->max_positions(),
                                 .placeholders = {},
                                 .tokens = {},
                                 .defaults = {},
                                 .warnings = {}};
        if (auto const text = file->text("config.json"))
        {
            auto const name = sentence(file->name(), ": config.json");
            opened.placeholders = read_placeholder_tokens(parse_json(*text, name), name, compiled);
        }
        opened.tokens = read_tokenizer(*file, head);
        if (head) { detail::choose_chat(opened, head->metadata, options, compiled); }
        else { detail::choose_chat(opened, texts_of(*file), options, compiled); }
        auto const read = [&](char const* name, auto const& parse)
        {
            auto const text = file->text(name);
            return text ? std::optional(parse(*text, sentence(file->name(), ": ", name))) : std::nullopt;
        };
        if (head)
        {
            if (opened.tokens) { opened.defaults = read_generation_config(head->metadata, *opened.tokens); }
            else { opened.defaults.sampling = read_sampling(head->metadata); }
            return opened;
        }
        auto said = read("generation_config.json", [](std::string_view text, std::string const& name)
                         { return parse_generation_config(text, name); });
        if (said) { opened.defaults = *said; }
        else if (auto of_config = read("config.json", [](std::string_view text, std::string const& name)
                                       { return generation_config_of(parse_json(text, name), name); }))
        {
            opened.defaults = *std::move(of_config);
        }
        detail::say_defaults(opened);
        if (opened.tokens && (!said || opened.defaults.stop.tokens.empty()))
        {
            add_usual_stops(opened.defaults.stop.tokens, *opened.tokens);
        }
        return opened;
    }

    GEMMA4_CODE opened_checkpoint open_model(std::filesystem::path const& path, text_config const& compiled,
                                             std::string_view variant, open_options const& options)
    {
        auto const location = locate_model(path);
        auto const to = with_projector(options, location);
        auto opened = [&]
        {
            if (location.kind == model_kind::gguf)
            {
                auto file = std::make_shared<gguf_file const>(location.path, options.access, options.memory);
                return open_gguf(std::move(file), compiled, variant, to);
            }
            if (location.kind == model_kind::packed)
            {
                auto file =
                    std::make_shared<packed_file const>(location.path, options.access, options.memory);
                return open_packed(std::move(file), compiled, variant, to);
            }
            return open_checkpoint(location.path, compiled, variant, to);
        }();
        say_located(opened, options, location);
        return opened;
    }

    GEMMA4_CODE open_options with_projector(open_options options, model_location const& location)
    {
        if (options.mmproj.empty()) { options.mmproj = location.mmproj; }
        return options;
    }

    GEMMA4_CODE void say_located(opened_checkpoint& opened, open_options const& options,
                                 model_location const& location)
    {
        if (!options.mmproj.empty()) { return; }
        opened.warnings.insert(opened.warnings.end(), location.warnings.begin(), location.warnings.end());
    }

    GEMMA4_CODE tokenizer const& tokenizer_of(opened_checkpoint const& opened)
    {
        if (opened.tokens) { return *opened.tokens; }
        throw file_error(sentence(opened.folder.string(), " holds no tokenizer",
                                  is_gguf_file(opened.folder) ? "" : ".json", ", which text needs"));
    }

    GEMMA4_CODE std::string unknown_tensors_warning(opened_checkpoint const& opened,
                                                    std::span<std::string const> unknown,
                                                    std::string_view variant)
    {
        return sentence(opened.folder.string(), ": ", unknown.size(), " tensors are not of variant ", variant,
                        " and were passed over, the first is ", unknown.front());
    }
}
