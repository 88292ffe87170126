// The chat template of a model: where it is found, which one is used, and why.
//
// Of a folder, as transformers 5.24 has it. The tokenizer's: chat_template.jinja is `default` and each
// additional_chat_templates/NAME.jinja is NAME; where there are none of these, chat_template in
// tokenizer_config.json, a text (`default`) or a list of {name, template}. Where the tokenizer has none, the
// processor's: chat_template in processor_config.json, or else the one in chat_template.json.
// Of a GGUF file, as llama.cpp writes it: tokenizer.chat_template is `default`, tokenizer.chat_template.NAME
// is NAME. `tool_use`, where there is one, is for conversations with tools, `default` for all others.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/chat/chat_template.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    class gguf_metadata;

    // The templates that a model comes with.
    struct found_templates
    {
        struct text
        {
            std::string source;    // file or key
            std::string text;
        };

        std::string model;    // for sentences
        std::map<std::string, text> named;
        std::vector<std::string> warnings{};    // one sentence each
    };

    // The small files of a checkpoint, which lie in its folder or in a packed file.
    struct checkpoint_texts
    {
        std::string model;    // for sentences
        std::function<std::optional<std::string>(std::string const& name)>
            read;                            // none: there is no such file
        std::vector<std::string> names{};    // of all in additional_chat_templates, with the folder's
    };

    GEMMA4_CODE checkpoint_texts texts_of(std::filesystem::path const& folder);

    // file_error: a file is no JSON, or a template no text.
    GEMMA4_CODE found_templates find_chat_templates(checkpoint_texts const& texts);
    GEMMA4_CODE found_templates find_chat_templates(gguf_metadata const& metadata);

    struct chat_choice
    {
        chat_template const* form = nullptr;    // null: none can be used; `reason` says why
        std::string source{};                   // file, key, option or "stop tokens"; empty: nowhere
        std::string reason{};                   // one sentence
    };

    struct chat_format
    {
        chat_choice usual{};
        std::optional<chat_choice> with_tools{};    // none: the usual one
        bool base = true;    // no template, not even one that cannot be used: the model continues text
        std::vector<std::string> warnings{};    // one sentence each

        chat_choice const& of(bool has_tools) const noexcept
        {
            return has_tools && with_tools ? *with_tools : usual;
        }
    };

    // Which one is used. `wanted` is empty, the name of a published template or of one of the model's own, a
    // file that holds a published one, or "none". `of_turns` is asked where nothing is wanted and nothing was
    // found: the template of a model whose own stop tokens name the end of a turn, null for any other.
    // argument_error: what is wanted is not known; mismatch_error: a wanted file holds none of the published
    // ones.
    GEMMA4_CODE chat_format choose_chat_format(found_templates const& found, std::string const& wanted,
                                               std::function<chat_template const*()> const& of_turns);

    // Throws mismatch_error, with what the user can do, where prompts cannot be rendered.
    GEMMA4_CODE chat_template const& demand_template(chat_format const& format, bool has_tools,
                                                     std::string_view model);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/chat_format_code.hpp>
#endif
