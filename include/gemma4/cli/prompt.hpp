// The prompts of the commands that run token ids.
#pragma once

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/json_lines.hpp>
#include <gemma4/cli/media.hpp>
#include <gemma4/cli/options.hpp>
#include <gemma4/cli/tokenize.hpp>

namespace gemma4::inline v0::cli
{
    // Known before a model is loaded: ids, or text that its tokenizer will encode.
    struct prompt
    {
        std::string where;    // for errors: "--tokens", "prompts.jsonl, line 3"
        std::optional<std::string> text;
        std::vector<token_id> tokens;
    };

    inline prompt prompt_of(std::optional<std::string> const& tokens, std::optional<std::string> const& text)
    {
        if (tokens) { return {"--tokens", std::nullopt, parse_tokens(*tokens, "--tokens")}; }
        return {"--prompt", text, {}};
    }

    // A prompt a line: "text", {"prompt": "text"}, {"tokens": [ids]} or [ids]; other members of an object are
    // passed over.
    inline std::vector<prompt> read_prompts(std::string const& path)
    {
        errno = 0;
        std::ifstream file(path, std::ios::binary);
        if (!file)
        {
            throw file_error(sentence(path, " cannot be opened: ", std::generic_category().message(errno)));
        }
        std::vector<prompt> prompts;
        for_each_json_line(
            file, path,
            [&](nlohmann::json const& value, std::string_view where)
            {
                prompt p{std::string(where), std::nullopt, {}};
                if (value.is_string()) { p.text = value.get<std::string>(); }
                else if (value.is_array()) { p.tokens = token_ids(value, where); }
                else if (value.is_object() && value.contains("prompt") != value.contains("tokens"))
                {
                    json_fields const fields(value, where);
                    if (value.contains("prompt")) { p.text = fields.text("prompt"); }
                    else { p.tokens = token_ids(fields.get("tokens"), where); }
                }
                else
                {
                    throw argument_error(sentence(
                        where,
                        ": expected a string, {\"prompt\": string}, {\"tokens\": [ids]} or a list of ids"));
                }
                prompts.push_back(std::move(p));
            });
        return prompts;
    }

    // Encodes text. Throws argument_error where there is no token, or one that the model does not have.
    inline std::vector<token_id> encode(prompt const& p, any_model const& model)
    {
        auto ids = p.text ? tokens_with_bos(model.tokens(), *p.text) : p.tokens;
        if (ids.empty()) { throw argument_error(sentence(p.where, ": the prompt has no token")); }
        for (std::size_t i = 0; i != ids.size(); ++i)
        {
            if (std::size_t(ids[i]) >= model.text().vocab)
            {
                throw argument_error(sentence(p.where, ": token ", i, " is ", ids[i],
                                              ", but the vocabulary of ", model.variant(), " ends at ",
                                              model.text().vocab - 1));
            }
        }
        return ids;
    }

    // <bos>, and text with placeholders for media, or media first. Throws argument_error where placeholders
    // and media are not as many.
    inline token_prompt encode(std::string_view text, std::span<medium const> media, any_model const& model)
    {
        auto const items = items_of(media);
        auto const segments = raw_prompt(text, items, model.tokens());
        return with_media(gemma4::encode(segments, items, model.tokens(), special_tokens::recognise), media);
    }

    // Ids take no media. Throws argument_error as both of the above.
    inline token_prompt encode(prompt const& p, media_options const& o, any_model const& model)
    {
        if (p.text)
        {
            auto made = encode(*p.text, encode_media(o, model), model);
            if (made.tokens.empty()) { throw argument_error(sentence(p.where, ": the prompt has no token")); }
            return made;
        }
        if (!o.empty()) { throw argument_error(sentence(p.where, " takes no media; use --prompt")); }
        return {encode(p, model)};
    }

    // Throws capacity_error before any work.
    inline void demand_room(prompt const& p, std::size_t positions, any_model const& model)
    {
        if (auto const context = model.options().context; positions > context)
        {
            throw capacity_error(sentence(p.where, ": ", positions,
                                          " positions are needed, but the context holds ", context,
                                          " (--context)"));
        }
    }
}
