// The stop tokens that a model's own files state, before the usual ones are added.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/generation_config.hpp>
#include <gemma4/io/gguf_metadata.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    // Of a GGUF file: tokenizer.ggml.{eos,eot,eom}_token_id, and Ollama's list tokenizer.ggml.eos_token_ids.
    // file_error: a value of the wrong type, or no id of the vocabulary.
    inline std::vector<token_id> stated_stops(gguf_metadata const& metadata)
    {
        std::vector<token_id> stops;
        for (std::string_view const role : {"eos", "eot", "eom"})
        {
            if (auto const id = special_token_id(metadata, role)) { stops.push_back(*id); }
        }
        constexpr std::string_view key = "tokenizer.ggml.eos_token_ids";
        if (!metadata.find(key)) { return stops; }
        auto const* const tokens = metadata.find("tokenizer.ggml.tokens");
        auto const count = tokens && tokens->is_array ? tokens->count : 0;
        for (auto const id : metadata.sizes(key))
        {
            if (id >= count)
            {
                throw file_error(sentence(metadata.file(), ": metadata ", key, " holds ", id,
                                          ", expected less than the ", count, " tokens"));
            }
            stops.push_back(token_id(id));
        }
        return stops;
    }

    // The stop tokens that a checkpoint states: those of generation_config.json; without that file, the
    // eos_token of tokenizer_config.json.
    inline std::vector<token_id> stated_stops(checkpoint_texts const& texts, tokenizer const& tokens)
    {
        if (auto const text = texts.read("generation_config.json"))
        {
            return parse_generation_config(*text, sentence(texts.model, ": generation_config.json"))
                .stop.tokens;
        }
        auto const text = texts.read("tokenizer_config.json");
        if (!text) { return {}; }
        auto const document = parse_json(*text, sentence(texts.model, ": tokenizer_config.json"));
        auto const member = [](nlohmann::json const* of, char const* key)
        { return of && of->is_object() && of->contains(key) ? &(*of)[key] : nullptr; };
        auto const* eos = member(&document.root(), "eos_token");
        if (eos && eos->is_object()) { eos = member(eos, "content"); }
        auto const id = eos && eos->is_string() ? tokens.find(eos->get<std::string>()) : std::nullopt;
        return id ? std::vector{*id} : std::vector<token_id>();
    }
}
