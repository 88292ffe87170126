// What those read of a model who need no weights.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/api/model_location.hpp>
#include <gemma4/api/stated_stops.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/io/gguf_config.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/packed_file.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    // The metadata of the GGUF file that a packed model was made of; none: of a checkpoint folder.
    inline std::optional<gguf_contents> gguf_metadata_of(packed_file const& file)
    {
        auto const head = file.text("metadata.gguf");
        if (!head) { return std::nullopt; }
        return parse_gguf(std::as_bytes(std::span(head->data(), head->size())), file.name());
    }

    // None: a model without a tokenizer. `head`: gguf_metadata_of(file).
    inline std::optional<tokenizer> read_tokenizer(packed_file const& file,
                                                   std::optional<gguf_contents> const& head)
    {
        if (head)
        {
            if (!head->metadata.find("tokenizer.ggml.model")) { return std::nullopt; }
            return read_tokenizer(head->metadata);
        }
        auto const text = file.text("tokenizer.json");
        if (!text) { return std::nullopt; }
        return tokenizer::from_json(*text, sentence(file.name(), ": tokenizer.json"));
    }

    // `path` as locate_model takes it. Throws file_error, mismatch_error.
    inline tokenizer open_tokenizer(std::filesystem::path const& path)
    {
        auto const [kind, model, mmproj, warnings] = locate_model(path);
        if (kind == model_kind::packed)
        {
            packed_file const file(model);
            if (auto tokens = read_tokenizer(file, gguf_metadata_of(file))) { return std::move(*tokens); }
            throw file_error(sentence(model.string(), " holds no tokenizer, which text needs"));
        }
        if (kind == model_kind::folder) { return tokenizer::from_file(model / "tokenizer.json"); }
        return read_tokenizer(gguf_file(model).metadata());
    }

    // The small files that a packed model keeps of a checkpoint's folder.
    inline checkpoint_texts texts_of(packed_file const& file)
    {
        checkpoint_texts texts{file.name(),
                               [&file](std::string const& name) -> std::optional<std::string>
                               {
                                   auto const text = file.text(name);
                                   return text ? std::optional(std::string(*text)) : std::nullopt;
                               }};
        for (auto const& [name, text] : file.texts()) { texts.names.push_back(name); }
        return texts;
    }

    // What prompts of a model without a chat template are rendered with: where its stop tokens name the end
    // of a turn, the current template of models like it; else nullptr.
    inline chat_template const* template_of_turns(tokenizer const& tokens, std::span<token_id const> stops,
                                                  bool per_layer_embeddings)
    {
        auto const turn = tokens.find("<turn|>");
        if (!turn || std::ranges::find(stops, *turn) == stops.end()) { return nullptr; }
        return &current_chat_template(per_layer_embeddings);
    }

    // `path` as locate_model takes it; `wanted`: open_options::chat_template. Throws as choose_chat_format,
    // file_error.
    inline chat_format open_chat_format(std::filesystem::path const& path, std::string const& wanted)
    {
        auto const location = locate_model(path);
        auto const& model = location.path;
        auto const of_gguf = [&](gguf_metadata const& metadata, auto const& per_layer)
        {
            return choose_chat_format(find_chat_templates(metadata), wanted,
                                      [&]() -> chat_template const*
                                      {
                                          if (!metadata.find("tokenizer.ggml.model")) { return nullptr; }
                                          return template_of_turns(read_tokenizer(metadata),
                                                                   stated_stops(metadata), per_layer());
                                      });
        };
        if (location.kind == model_kind::gguf)
        {
            gguf_file const file(model);
            return of_gguf(file.metadata(), [&] { return read_text_config(file).per_layer_input != 0; });
        }
        auto const of_texts = [&](checkpoint_texts const& texts, auto const& tokens, auto const& per_layer)
        {
            return choose_chat_format(find_chat_templates(texts), wanted,
                                      [&]() -> chat_template const*
                                      {
                                          auto const known = tokens();
                                          if (!known) { return nullptr; }
                                          return template_of_turns(*known, stated_stops(texts, *known),
                                                                   per_layer());
                                      });
        };
        if (location.kind == model_kind::packed)
        {
            packed_file const file(model);
            auto const per_layer = [&]
            {
                auto const& fields = file.text_fields();
                auto const found = fields.find("per_layer_input");
                return found != fields.end() && *found != 0;
            };
            if (auto const head = gguf_metadata_of(file)) { return of_gguf(head->metadata, per_layer); }
            return of_texts(
                texts_of(file), [&] { return read_tokenizer(file, std::nullopt); }, per_layer);
        }
        auto const vocabulary = model / "tokenizer.json";
        auto const config = model / "config.json";
        return of_texts(
            texts_of(model),
            [&]
            {
                bool const known = is_there(vocabulary);
                return known ? std::optional(tokenizer::from_file(vocabulary)) : std::nullopt;
            },
            [&] { return read_text_config(read_json(config), config.string()).per_layer_input != 0; });
    }
}
