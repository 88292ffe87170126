// What a checkpoint folder holds whatever its variant: opened once, outside of every variant's machine code.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/generate/generation_config.hpp>
#include <gemma4/io/checkpoint.hpp>
#include <gemma4/io/checkpoint_weights.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    struct opened_checkpoint
    {
        std::filesystem::path folder;
        std::shared_ptr<checkpoint const> file;    // null: random weights
        std::shared_ptr<weight_source> weights;
        bool tied = true;                          // tie_word_embeddings
        std::optional<tokenizer> tokens;           // none: no tokenizer.json
        generation_config defaults;
        std::optional<chat_format> chat;    // none: no chat template, a base model
    };

    // Opens a folder and checks its config.json and tokenizer.json against a variant. Throws file_error,
    // mismatch_error.
    inline opened_checkpoint open_checkpoint(std::filesystem::path const& folder, text_config const& compiled,
                                             std::string_view variant)
    {
        opened_checkpoint opened{.folder = folder,
                                 .file = std::make_shared<checkpoint const>(folder),
                                 .weights = {},
                                 .tokens = {},
                                 .defaults = read_generation_config(folder),
                                 .chat = read_chat_format(folder)};
        opened.weights = std::make_shared<checkpoint_weights>(opened.file);
        check_text_config(compiled, variant, opened.file->config(), opened.file->config_path().string());
        auto const& config = opened.file->config();
        auto const& text = config.contains("text_config") ? config["text_config"] : config;
        opened.tied = config.value("tie_word_embeddings", text.value("tie_word_embeddings", true));
        auto const path = folder / "tokenizer.json";
        if (!std::filesystem::exists(path)) { return opened; }
        opened.tokens.emplace(tokenizer::from_file(path));
        if (opened.tokens->size() > compiled.vocab)
        {
            throw mismatch_error(sentence(path.string(), " has ", opened.tokens->size(), " tokens, but ",
                                          variant, " has a vocabulary of ", compiled.vocab));
        }
        if (opened.defaults.stop.tokens
                .empty())    // what ends a text where generation_config.json does not say
        {
            for (auto const* const name : {"<eos>", "<turn|>"})
            {
                if (auto const id = opened.tokens->find(name)) { opened.defaults.stop.tokens.push_back(*id); }
            }
        }
        return opened;
    }

    inline std::string unknown_tensors_warning(opened_checkpoint const& opened,
                                               std::span<std::string const> unknown, std::string_view variant)
    {
        return sentence(opened.folder.string(), ": ", unknown.size(), " tensors are not of variant ", variant,
                        " and were passed over, the first is ", unknown.front());
    }
}
