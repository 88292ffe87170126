// How the metadata of a GGUF file says to choose tokens and when to stop.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <gemma4/generate/generation_config.hpp>
#include <gemma4/io/gguf_metadata.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>

namespace gemma4::inline v0
{
    // general.sampling.{temp,top_k,top_p,min_p} switch sampling on; without them: greedy. Stop tokens are
    // those of the keys tokenizer.ggml.{eos,eot,eom}_token_id and, whatever these say, the ends of Gemma's
    // texts and turns that the vocabulary has. tokenizer.ggml.suppress_tokens are never made. file_error: a
    // value of the wrong type, or no id of the vocabulary.
    inline generation_config read_generation_config(gguf_metadata const& metadata, tokenizer const& tokens)
    {
        generation_config config;
        auto& s = config.sampling;
        auto const given = [&](std::string_view key) { return metadata.find(key) != nullptr; };
        auto const number = [&](std::string_view key, double& to)
        {
            if (!given(key)) { return; }
            s.do_sample = true;
            to = double(metadata.number(key));
        };
        number("general.sampling.temp", s.temperature);
        number("general.sampling.top_p", s.top_p);
        number("general.sampling.min_p", s.min_p);
        if (constexpr std::string_view key = "general.sampling.top_k"; given(key))
        {
            s.do_sample = true;
            s.top_k = metadata.size(key);
        }
        try
        {
            validate(s);
        }
        catch (argument_error const& wrong)
        {
            throw file_error(sentence(metadata.file(), ": metadata general.sampling: ", wrong.what()));
        }
        config.bos = special_token_id(metadata, "bos");
        config.pad = special_token_id(metadata, "padding");
        auto& stop = config.stop.tokens;
        auto const add = [&](std::optional<token_id> id)
        {
            if (id && std::ranges::find(stop, *id) == stop.end()) { stop.push_back(*id); }
        };
        for (std::string_view const role : {"eos", "eot", "eom"}) { add(special_token_id(metadata, role)); }
        for (std::string_view const name : {"<eos>", "<turn|>", "<|tool_response>", "<end_of_turn>"})
        {
            add(tokens.find(name));
        }
        if (constexpr std::string_view key = "tokenizer.ggml.suppress_tokens"; given(key))
        {
            for (auto const id : metadata.sizes(key))
            {
                if (id >= tokens.size())
                {
                    throw file_error(sentence(metadata.file(), ": metadata ", key, " holds ", id,
                                              ", expected less than the ", tokens.size(), " tokens"));
                }
                s.suppress_tokens.push_back(token_id(id));
            }
        }
        return config;
    }
}
