// How the metadata of a GGUF file says to choose tokens and when to stop.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/stated_stops.hpp>
#include <gemma4/api/usual_stops.hpp>
#include <gemma4/generate/generation_config.hpp>
#include <gemma4/generate/sampling_fields.hpp>
#include <gemma4/io/gguf_options.hpp>
#include <gemma4/text/gguf_tokenizer.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline constexpr std::string_view gguf_sampling = "general.sampling.";

        inline std::optional<field_value> gguf_field(gguf_metadata const& metadata, std::string_view word)
        {
            auto const key = sentence(gguf_sampling, word);
            auto const* const found = metadata.find(key);
            if (!found) { return std::nullopt; }
            field_value value;
            value.shown = gguf_text(metadata, key);
            value.flag = found->kind == gguf_kind::boolean;
            value.whole = found->kind != gguf_kind::f32 && found->kind != gguf_kind::f64;
            if (!found->is_array && found->kind != gguf_kind::string && !value.flag)
            {
                value.number = double(metadata.number(key));
            }
            return value;
        }

        // general.sampling.sequence: the names of llama.cpp's samplers in the order in which they run, with
        // ';' between them. One that is not named does not run. mismatch_error: an order of those at work
        // that is not the one of generate/sampler.hpp.
        inline void read_sampling_sequence(gguf_metadata const& metadata, sampling_options& s)
        {
            constexpr std::string_view key = "general.sampling.sequence";
            if (!metadata.find(key)) { return; }
            auto const text = metadata.text(key);
            constexpr std::array<std::string_view, 5> ours{"penalties", "temperature", "top_k", "top_p",
                                                           "min_p"};
            std::vector<std::size_t> order;
            for (std::size_t at = 0; at <= text.size();)
            {
                auto const end = std::min(text.find(';', at), text.size());
                std::string name(text.substr(at, end - at));
                std::ranges::replace(name, '-', '_');
                if (name == "temp") { name = "temperature"; }
                if (name == "nucleus") { name = "top_p"; }
                if (auto const place = std::ranges::find(ours, name); place != ours.end())
                {
                    order.push_back(std::size_t(place - ours.begin()));
                }
                at = end + 1;
            }
            auto const named = [&](std::size_t i) { return std::ranges::find(order, i) != order.end(); };
            if (!named(0)) { s.repetition_penalty = 1; }
            if (!named(1)) { s.temperature = 1; }
            if (!named(2)) { s.top_k = 0; }
            if (!named(3)) { s.top_p = 1; }
            if (!named(4)) { s.min_p = 0; }
            std::array<bool, 5> const at_work{s.repetition_penalty != 1, !s.greedy() && s.temperature != 1,
                                              !s.greedy() && s.top_k != 0, !s.greedy() && s.top_p != 1,
                                              !s.greedy() && s.min_p != 0};
            std::erase_if(order, [&](std::size_t i) { return !at_work[i]; });
            if (std::ranges::is_sorted(order)) { return; }
            throw mismatch_error(sentence(metadata.file(), ": metadata ", key, " is ", printable(text),
                                          ", only an order in which those at work stand as in ",
                                          "\"penalties;temperature;top_k;top_p;min_p\" is supported"));
        }
    }

    // general.sampling.*: temp, top_k, top_p and min_p switch sampling on; without them: greedy.
    // penalty_repeat looks at the last penalty_last_n tokens, 64 where that is absent, all for -1. A key that
    // is not of generate/sampling_fields.hpp, or a sampler that is not here and not off, is a mismatch_error.
    inline sampling_options read_sampling(gguf_metadata const& metadata)
    {
        using detail::gguf_sampling;
        sampling_options s;
        for (auto const& [key, value] : metadata.values())
        {
            if (!key.starts_with(gguf_sampling)) { continue; }
            auto const word = key.substr(gguf_sampling.size());
            if (std::ranges::find(sampling_fields, word, &sampling_field::gguf) != std::end(sampling_fields))
            {
                s.do_sample =
                    s.do_sample || word == "temp" || word == "top_k" || word == "top_p" || word == "min_p";
                continue;
            }
            throw mismatch_error(sentence(metadata.file(), ": metadata ", detail::shown(key), " is ",
                                          detail::gguf_text(metadata, key),
                                          ", but this library does not know the key"));
        }
        read_sampling_fields(
            true, s, [&](std::string_view word) { return detail::gguf_field(metadata, word); },
            [&](std::string_view word)
            { return sentence(metadata.file(), ": metadata ", gguf_sampling, word); },
            [](std::string const&) {});
        if (s.repetition_penalty != 1)
        {
            constexpr std::size_t usual = 64;
            constexpr std::string_view word = "penalty_last_n";
            auto const last = detail::gguf_field(metadata, word);
            auto const n = last ? last->number.value_or(NAN) : double(usual);
            if (!(n >= -1) || n != std::floor(n))
            {
                throw file_error(sentence(metadata.file(), ": metadata ", gguf_sampling, word, " is ",
                                          last->shown, ", expected a whole number from -1"));
            }
            if (n == 0) { s.repetition_penalty = 1; }
            s.repetition_window = n > 0 ? std::size_t(n) : 0;
        }
        detail::read_sampling_sequence(metadata, s);
        validate_of_file(s, sentence(metadata.file(), ": metadata general.sampling"));
        return s;
    }

    // Sampling as above. Stop tokens are those that the file states and, whatever it says, the usual ones.
    // tokenizer.ggml.suppress_tokens are never made. file_error: a value of the wrong type, or no id of the
    // vocabulary.
    inline generation_config read_generation_config(gguf_metadata const& metadata, tokenizer const& tokens)
    {
        generation_config config;
        config.sampling = read_sampling(metadata);
        config.bos = special_token_id(metadata, "bos");
        config.pad = special_token_id(metadata, "padding");
        for (auto const id : stated_stops(metadata)) { add_stop(config.stop.tokens, id); }
        add_usual_stops(config.stop.tokens, tokens);
        constexpr std::string_view key = "tokenizer.ggml.suppress_tokens";
        if (!metadata.find(key)) { return config; }
        for (auto const id : metadata.sizes(key))
        {
            if (id >= tokens.size())
            {
                throw file_error(sentence(metadata.file(), ": metadata ", key, " holds ", id,
                                          ", expected less than the ", tokens.size(), " tokens"));
            }
            config.sampling.suppress_tokens.push_back(token_id(id));
        }
        return config;
    }
}
