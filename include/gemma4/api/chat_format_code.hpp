// What api/chat_format.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <utility>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/gguf_metadata.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/names_in.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        using template_map = std::map<std::string, found_templates::text>;

        inline constexpr std::string_view more_templates = "additional_chat_templates/";
        inline constexpr std::string_view how_to_choose =
            "choose one with --template NAME or FILE, or none (load_options::chat_template; gemma4 templates "
            "lists the names)";

        inline std::string text_of_file(std::filesystem::path const& path)
        {
            return std::string(file_bytes(path).text());
        }

        // chat_template of a JSON file: text, a list of {name, template}, or {name: template}.
        inline template_map templates_in(checkpoint_texts const& texts, std::string const& name)
        {
            template_map out;
            auto const text = texts.read(name);
            if (!text) { return out; }
            auto const where = sentence(texts.model, ": ", name);
            auto const document = parse_json(*text, where);
            auto const& root = document.root();
            auto const found = root.is_object() ? root.find("chat_template") : root.end();
            if (found == root.end() || found->is_null()) { return out; }
            auto const add = [&](std::string const& key, nlohmann::json const& value)
            {
                if (!value.is_string())
                {
                    throw file_error(
                        sentence(where, ": chat_template ", key, " is ", kind_of(value), ", expected text"));
                }
                out[key] = {name, value.get<std::string>()};
            };
            if (found->is_string()) { add("default", *found); }
            else if (found->is_object())
            {
                for (auto const& [key, value] : found->items()) { add(key, value); }
            }
            else if (found->is_array())
            {
                for (auto const& item : *found)
                {
                    bool const is_pair = item.is_object() && item.contains("name")
                                         && item.contains("template") && item["name"].is_string();
                    if (!is_pair)
                    {
                        throw file_error(sentence(
                            where, ": chat_template holds ", kind_of(item),
                            " that is no {\"name\": text, \"template\": text}, as each of its list must be"));
                    }
                    add(item["name"].get<std::string>(), item["template"]);
                }
            }
            else
            {
                throw file_error(sentence(where, ": chat_template is ", kind_of(*found),
                                          ", expected text or a list of {name, template}"));
            }
            return out;
        }

        inline template_map templates_in_files(checkpoint_texts const& texts)
        {
            template_map out;
            if (auto text = texts.read("chat_template.jinja"))
            {
                out["default"] = {"chat_template.jinja", std::move(*text)};
            }
            for (auto const& name : texts.names)
            {
                if (!name.starts_with(more_templates) || !name.ends_with(".jinja")) { continue; }
                auto const key = name.substr(more_templates.size(), name.size() - more_templates.size() - 6);
                out[key] = {name, texts.read(name).value_or("")};
            }
            return out;
        }

        // An empty text is no template.
        inline void drop_empty(template_map& map)
        {
            std::erase_if(map, [](auto const& entry) { return entry.second.text.empty(); });
        }

        inline bool same_template(std::string_view a, std::string_view b)
        {
            if (a == b) { return true; }
            auto const known = recognise_chat_template(a).form;
            return known && known == recognise_chat_template(b).form;
        }

        inline chat_choice choice_of(std::string_view model, std::string_view name,
                                     found_templates::text const& from)
        {
            auto const what = name == "default" ? from.source : sentence(from.source, " (", name, ")");
            auto found = recognise_chat_template(from.text);
            if (found.form)
            {
                return {found.form, from.source,
                        sentence(what, " is ", found.form->name, ", ", found.form->used_by)};
            }
            return {
                nullptr, from.source,
                sentence(model, ": the chat template in ", what, ' ', found.difference, "; ", how_to_choose)};
        }
    }

    GEMMA4_CODE checkpoint_texts texts_of(std::filesystem::path const& folder)
    {
        checkpoint_texts texts{folder.string(),
                               [folder](std::string const& name) -> std::optional<std::string>
                               {
                                   if (!is_there(folder / name)) { return std::nullopt; }
                                   return detail::text_of_file(folder / name);
                               }};
        auto const more = folder / detail::more_templates;
        if (!is_there(more)) { return texts; }
        auto const all = [](auto const&...) { return true; };
        for (auto const& name : detail::names_in(more, all))
        {
            texts.names.push_back(std::string(detail::more_templates) + name);
        }
        return texts;
    }

    GEMMA4_CODE found_templates find_chat_templates(checkpoint_texts const& texts)
    {
        auto tokenizers = detail::templates_in_files(texts);
        auto processors = detail::templates_in(texts, "processor_config.json");
        if (processors.empty()) { processors = detail::templates_in(texts, "chat_template.json"); }
        if (tokenizers.empty()) { tokenizers = detail::templates_in(texts, "tokenizer_config.json"); }
        detail::drop_empty(tokenizers);
        detail::drop_empty(processors);
        if (tokenizers.empty()) { return {texts.model, std::move(processors)}; }
        found_templates found{texts.model, std::move(tokenizers)};
        auto const ours = found.named.find("default");
        auto const theirs = processors.find("default");
        if (ours != found.named.end() && theirs != processors.end()
            && !detail::same_template(ours->second.text, theirs->second.text))
        {
            found.warnings.push_back(sentence(texts.model, ": ", theirs->second.source,
                                              " holds another chat template than ", ours->second.source,
                                              ", which is used, as transformers' tokenizer does"));
        }
        return found;
    }

    GEMMA4_CODE found_templates find_chat_templates(gguf_metadata const& metadata)
    {
        constexpr std::string_view key = "tokenizer.chat_template";
        found_templates found{metadata.file(), {}};
        for (auto const& [name, value] : metadata.values())
        {
            if (name == key)
            {
                found.named["default"] = {std::string(key), std::string(metadata.text(name))};
            }
            else if (name.starts_with(key) && name[key.size()] == '.')
            {
                found.named[std::string(name.substr(key.size() + 1))] = {std::string(name),
                                                                         std::string(metadata.text(name))};
            }
        }
        detail::drop_empty(found.named);
        // As llama.cpp does.
        auto const of_tools = found.named.find("tool_use");
        if (of_tools != found.named.end()) { found.named.try_emplace("default", of_tools->second); }
        return found;
    }

    GEMMA4_CODE chat_format choose_chat_format(found_templates const& found, std::string const& wanted,
                                               std::function<chat_template const*()> const& of_turns)
    {
        auto const chosen = [](chat_choice choice) { return chat_format{std::move(choice), {}, false}; };
        if (wanted == "none")
        {
            return {
                {nullptr, "--template", "the chat template is switched off by --template none"}, {}, true};
        }
        if (auto const* const known = find_chat_template(wanted))
        {
            return chosen({known, "--template", sentence("--template names ", known->name)});
        }
        if (auto const own = found.named.find(wanted); own != found.named.end())
        {
            return chosen(detail::choice_of(found.model, wanted, own->second));
        }
        if (!wanted.empty())
        {
            if (std::error_code ignored; !std::filesystem::is_regular_file(wanted, ignored))
            {
                throw argument_error(sentence("chat template: ", wanted, " is neither a file nor one of ",
                                              chat_template_names(), ", none"));
            }
            auto const read = recognise_chat_template(detail::text_of_file(wanted));
            if (!read.form)
            {
                throw mismatch_error(sentence(wanted, ": this chat template ", read.difference));
            }
            return chosen({read.form, wanted, sentence("--template: ", wanted, " is ", read.form->name)});
        }
        if (found.named.empty())
        {
            if (auto const* const current = of_turns())
            {
                auto format = chosen(
                    {current, "stop tokens",
                     sentence("there is no chat template, but the stop tokens name <turn|>, the end of "
                              "a turn: ",
                              current->name, " is used, ", current->used_by)});
                format.warnings.push_back(
                    sentence(found.model, ": ", format.usual.reason, "; ", detail::how_to_choose));
                return format;
            }
            return {{nullptr, "",
                     "there is no chat template, and the stop tokens do not name <turn|>, the end of a turn"},
                    {},
                    true};
        }
        chat_format format{{}, {}, false, found.warnings};
        if (auto const usual = found.named.find("default"); usual != found.named.end())
        {
            format.usual = detail::choice_of(found.model, "default", usual->second);
        }
        else
        {
            std::string names;
            for (auto const& [name, text] : found.named) { (names += names.empty() ? "" : ", ") += name; }
            format.usual = {nullptr, found.named.begin()->second.source,
                            sentence(found.model, ": none of its chat templates (", names,
                                     ") is named default; ", detail::how_to_choose)};
        }
        if (auto const tools = found.named.find("tool_use"); tools != found.named.end())
        {
            format.with_tools = detail::choice_of(found.model, "tool_use", tools->second);
        }
        return format;
    }

    GEMMA4_CODE chat_template const& demand_template(chat_format const& format, bool has_tools,
                                                     std::string_view model)
    {
        auto const& choice = format.of(has_tools);
        if (choice.form) { return *choice.form; }
        if (!format.base) { throw mismatch_error(choice.reason); }
        throw mismatch_error(sentence(model,
                                      " has no chat template: it is a base model, which continues text "
                                      "(complete) and cannot be asked; ",
                                      detail::how_to_choose));
    }
}
