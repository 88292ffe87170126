// What a path to a model may be, for those who need no weights: a checkpoint folder or a GGUF file.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/io/gguf_file.hpp>
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

    // Throws file_error, mismatch_error.
    inline tokenizer open_tokenizer(std::filesystem::path const& model)
    {
        if (is_packed_file(model))
        {
            packed_file const file(model);
            if (auto tokens = read_tokenizer(file, gguf_metadata_of(file))) { return std::move(*tokens); }
            throw file_error(sentence(model.string(), " holds no tokenizer, which text needs"));
        }
        if (!is_gguf_file(model)) { return tokenizer::from_file(model / "tokenizer.json"); }
        return read_tokenizer(gguf_file(model).metadata());
    }

    // Empty: a base model.
    inline std::string read_chat_template(gguf_metadata const& metadata)
    {
        return std::string(metadata.text("tokenizer.chat_template", ""));
    }

    inline std::string read_chat_template(packed_file const& file, std::optional<gguf_contents> const& head)
    {
        if (head) { return read_chat_template(head->metadata); }
        if (auto const text = file.text("chat_template.jinja")) { return std::string(*text); }
        auto const config = file.text("tokenizer_config.json");
        if (!config) { return {}; }
        auto const root = parse_json(*config, sentence(file.name(), ": tokenizer_config.json"));
        bool const has =
            root.is_object() && root.contains("chat_template") && root["chat_template"].is_string();
        return has ? root["chat_template"].get<std::string>() : std::string();
    }

    inline std::string open_chat_template(std::filesystem::path const& model)
    {
        if (is_packed_file(model))
        {
            packed_file const file(model);
            return read_chat_template(file, gguf_metadata_of(file));
        }
        return is_gguf_file(model) ? read_chat_template(gguf_file(model).metadata())
                                   : read_chat_template(model);
    }
}
