// The fields of a model's files that say how a token is chosen: one table for generation_config.json and for
// general.sampling.* of GGUF files.
//
// What a field means in generation_config.json is what transformers 5.24 does with it
// (GenerationMixin._get_logits_processor), in a GGUF file what llama.cpp's common_sampler does. Not here:
// tokens, texts and lengths, which their readers know themselves; and fields that cannot change what one
// greedy or drawn sequence of a decoder is (beams' length_penalty and early_stopping, caches, encoder_*,
// assistants and prompt_lookup, which speculate), which are passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <gemma4/core/error.hpp>
#include <gemma4/generate/sampling_options.hpp>

namespace gemma4::inline v0
{
    // Which values switch a field off, null and absence aside.
    enum class field_off
    {
        never,    // there is no such value
        zero,     // or false
        zero_or_less,
        one,
        one_or_more,
        outside_0_1,     // 0 or less, 1 or more
        not_quantized    // a word other than "quantized"
    };

    enum class field_use
    {
        applied,
        refused,            // unless it is off
        refused_drawing,    // the same; without effect where tokens are not drawn
        refused_greedy,     // the same; without effect where tokens are drawn
        foreign             // no field of transformers: without effect there, said in a warning
    };

    struct sampling_field
    {
        std::string_view json;    // empty: there is none
        std::string_view gguf;    // after general.sampling.; empty: there is none
        field_use use;
        field_off json_off;
        field_off gguf_off = field_off::never;
        double sampling_options::*number = nullptr;    // where it is applied to
        std::size_t sampling_options::*count = nullptr;
        double neutral = 0;    // what is put there where it is off
    };

    inline constexpr sampling_field sampling_fields[] = {
        // llama.cpp: a temperature of 0 or less is greedy; so is 0 here.
        {"temperature", "temp", field_use::applied, field_off::zero, field_off::zero_or_less,
         &sampling_options::temperature, nullptr, 0},
        // transformers refuses what is below 0 when it samples; others write it for "off".
        {"top_k", "top_k", field_use::applied, field_off::zero_or_less, field_off::zero_or_less, nullptr,
         &sampling_options::top_k, 0},
        {"top_p", "top_p", field_use::applied, field_off::one_or_more, field_off::one_or_more,
         &sampling_options::top_p, nullptr, 1},
        {"min_p", "min_p", field_use::applied, field_off::zero_or_less, field_off::zero_or_less,
         &sampling_options::min_p, nullptr, 0},
        {"repetition_penalty", "penalty_repeat", field_use::applied, field_off::one, field_off::one,
         &sampling_options::repetition_penalty, nullptr, 1},
        // Its values mean other things than off: read_generation_config of GGUF metadata.
        {"", "penalty_last_n", field_use::applied, field_off::never},
        {"", "sequence", field_use::applied, field_off::never},
        {"", "xtc_probability", field_use::refused, field_off::never, field_off::zero_or_less},
        {"", "mirostat", field_use::refused, field_off::never, field_off::zero_or_less},
        {"typical_p", "", field_use::refused_drawing, field_off::one_or_more},
        {"epsilon_cutoff", "", field_use::refused_drawing, field_off::outside_0_1},
        {"eta_cutoff", "", field_use::refused_drawing, field_off::outside_0_1},
        {"top_h", "", field_use::refused_drawing, field_off::never},
        {"penalty_alpha", "", field_use::refused_greedy, field_off::zero_or_less},
        {"num_beams", "", field_use::refused, field_off::one},
        {"num_beam_groups", "", field_use::refused, field_off::one},
        {"num_return_sequences", "", field_use::refused, field_off::one},
        {"guidance_scale", "", field_use::refused, field_off::one},
        {"no_repeat_ngram_size", "", field_use::refused, field_off::zero_or_less},
        {"min_length", "", field_use::refused, field_off::zero_or_less},
        {"min_new_tokens", "", field_use::refused, field_off::zero_or_less},
        {"token_healing", "", field_use::refused, field_off::zero},
        {"max_time", "", field_use::refused, field_off::never},
        {"cache_implementation", "", field_use::refused, field_off::not_quantized},
        // Lists and objects: empty ones are off.
        {"bad_words_ids", "", field_use::refused, field_off::never},
        {"sequence_bias", "", field_use::refused, field_off::never},
        {"forced_bos_token_id", "", field_use::refused, field_off::never},
        {"forced_eos_token_id", "", field_use::refused, field_off::never},
        {"begin_suppress_tokens", "", field_use::refused, field_off::never},
        {"exponential_decay_length_penalty", "", field_use::refused, field_off::never},
        {"watermarking_config", "", field_use::refused, field_off::never},
        {"constraints", "", field_use::refused, field_off::never},
        {"force_words_ids", "", field_use::refused, field_off::never},
        {"dola_layers", "", field_use::refused, field_off::never},
        {"frequency_penalty", "", field_use::foreign, field_off::zero},
        {"presence_penalty", "", field_use::foreign, field_off::zero},
        // Of what is refused above: without effect where that is off.
        {"", "xtc_threshold", field_use::applied, field_off::never},
        {"", "mirostat_tau", field_use::applied, field_off::never},
        {"", "mirostat_eta", field_use::applied, field_off::never},
    };

    // A field's value as a file has it.
    struct field_value
    {
        std::optional<double> number{};    // a flag is 0 or 1
        bool whole = false;
        bool flag = false;
        bool empty = false;    // an empty list or object
        std::string_view word{};
        std::string shown{};    // for errors
    };

    namespace detail
    {
        inline bool is_off(field_off rule, field_value const& value)
        {
            if (value.empty) { return true; }
            if (rule == field_off::not_quantized) { return value.word != "quantized"; }
            if (!value.number) { return false; }
            auto const x = *value.number;
            switch (rule)
            {
            case field_off::never:
            case field_off::not_quantized: return false;
            case field_off::zero: return x == 0;
            case field_off::zero_or_less: return x <= 0;
            case field_off::one: return x == 1;
            case field_off::one_or_more: return x >= 1;
            case field_off::outside_0_1: return x <= 0 || x >= 1;
            }
            return false;
        }

        constexpr std::string_view off_text(field_off rule)
        {
            switch (rule)
            {
            case field_off::never: return "";
            case field_off::zero: return " or 0";
            case field_off::zero_or_less: return ", 0 or less";
            case field_off::one: return " or 1";
            case field_off::one_or_more: return ", 1 or more";
            case field_off::outside_0_1: return ", 0 or 1";
            case field_off::not_quantized: return " or another than \"quantized\"";
            }
            return "";
        }
    }

    // Goes through the table for one file. find(word): optional<field_value>; `name(word)`: the field in a
    // sentence; warn(sentence). Sets what is applied. mismatch_error: a field that is refused; file_error: a
    // value of the wrong type or out of range.
    template <class Find, class Name, class Warn>
    void read_sampling_fields(bool gguf, sampling_options& to, Find&& find, Name&& name, Warn&& warn)
    {
        for (auto const& field : sampling_fields)
        {
            auto const word = gguf ? field.gguf : field.json;
            auto const rule = gguf ? field.gguf_off : field.json_off;
            if (word.empty()) { continue; }
            std::optional<field_value> const value = find(word);
            if (!value) { continue; }
            bool const off = detail::is_off(rule, *value);
            if (field.use == field_use::applied)
            {
                if (!field.number && !field.count) { continue; }
                if (!value->number || value->flag || (field.count && !value->whole))
                {
                    throw file_error(sentence(name(word), " is ", value->shown, ", expected ",
                                              field.count ? "a whole number" : "a number"));
                }
                auto const x = off ? field.neutral : *value->number;
                if (field.number) { to.*field.number = x; }
                else if (x > std::numeric_limits<std::int32_t>::max())
                {
                    throw file_error(sentence(name(word), " is ", value->shown, ", expected at most ",
                                              std::numeric_limits<std::int32_t>::max()));
                }
                else { to.*field.count = std::size_t(x); }
                continue;
            }
            bool const without_effect = (field.use == field_use::refused_drawing && to.greedy())
                                        || (field.use == field_use::refused_greedy && !to.greedy());
            if (off || without_effect) { continue; }
            if (field.use == field_use::foreign)
            {
                warn(sentence(name(word), " is ", value->shown,
                              ", which is no field of transformers and has no effect"));
                continue;
            }
            throw mismatch_error(sentence(
                name(word), " changes what is generated and is not supported: ", "expected it absent",
                gguf ? "" : ", null", detail::off_text(rule), ", found ", value->shown));
        }
    }
}
