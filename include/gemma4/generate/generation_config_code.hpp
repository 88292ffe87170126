// What generate/generation_config.hpp declares (core/separate.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include <gemma4/core/error.hpp>
#include <gemma4/generate/generation_config.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/file_bytes.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // The fields of one generation_config.json that are read here.
        class generation_fields
        {
        public:
            generation_fields(nlohmann::json const& root, std::string_view file)
                : m_fields(root, file)
            {}

            double number(std::string_view key, double otherwise) const
            {
                auto const* value = m_fields.find(key);
                if (!value) { return otherwise; }
                if (!value->is_number()) { m_fields.wrong(key, "a number", *value); }
                return value->get<double>();
            }

            std::size_t size(std::string_view key, std::size_t otherwise) const
            {
                return m_fields.size(key, otherwise);
            }
            bool boolean(std::string_view key, bool otherwise) const
            {
                return m_fields.boolean(key, otherwise);
            }

            std::optional<token_id> token(std::string_view key) const
            {
                auto const* value = m_fields.find(key);
                return value ? std::optional(to_token(key, *value)) : std::nullopt;
            }

            // A token id or a list of them.
            std::vector<token_id> tokens(std::string_view key) const
            {
                std::vector<token_id> out;
                each(key, [&](nlohmann::json const& value) { out.push_back(to_token(key, value)); });
                return out;
            }

            // A string or a list of them.
            std::vector<std::string> texts(std::string_view key) const
            {
                std::vector<std::string> out;
                each(key,
                     [&](nlohmann::json const& value)
                     {
                         if (!value.is_string())
                         {
                             m_fields.wrong(key, "a string or a list of strings", value);
                         }
                         out.push_back(value.get<std::string>());
                         if (out.back().empty())
                         {
                             throw file_error(sentence(m_fields.file(), ": ", key,
                                                       " holds an empty string, expected text"));
                         }
                     });
                return out;
            }

            // Refuses a field that is present with another value than those that switch it off.
            void must_be(std::string_view key, double off) const
            {
                auto const* value = m_fields.find(key);
                if (!value || (value->is_number() && value->get<double>() == off)) { return; }
                if (value->is_boolean() && value->get<bool>() == (off != 0)) { return; }
                unsupported(key, sentence("absent, null or ", off));
            }

            void must_be_absent(std::string_view key) const
            {
                if (auto const* value = m_fields.find(key);
                    value && !(value->is_structured() && value->empty()))
                {
                    unsupported(key, "absent or null");
                }
            }

        private:
            template <class F>
            void each(std::string_view key, F&& use) const
            {
                auto const* value = m_fields.find(key);
                if (!value) { return; }
                if (!value->is_array()) { return use(*value); }
                for (auto const& item : *value) { use(item); }
            }

            token_id to_token(std::string_view key, nlohmann::json const& value) const
            {
                constexpr std::uint64_t most = std::numeric_limits<token_id>::max();
                if (!value.is_number_integer()) { m_fields.wrong(key, "a token id", value); }
                auto const id = value.get<std::uint64_t>();    // a negative number wraps beyond `most`
                if (id > most)
                {
                    throw file_error(sentence(m_fields.file(), ": ", key, " holds ", value.dump(),
                                              ", expected token ids from 0 to ", most));
                }
                return static_cast<token_id>(id);
            }

            [[noreturn]] void unsupported(std::string_view key, std::string_view expected) const
            {
                auto const found = m_fields.find(key)->dump(-1, ' ', true);
                throw mismatch_error(sentence(m_fields.file(), ": ", key,
                                              " changes what is generated and is not supported: ",
                                              "expected it ", expected, ", found ", found.substr(0, 80)));
            }

            json_fields m_fields;
        };
    }

    GEMMA4_CODE generation_config parse_generation_config(std::string_view text, std::string_view file)
    {
        auto const root = parse_json(text, file);
        detail::generation_fields const fields(root, file);

        for (auto const* key : {"num_beams", "num_return_sequences", "num_beam_groups", "guidance_scale",
                                "typical_p", "encoder_repetition_penalty"})
        {
            fields.must_be(key, 1);
        }
        for (auto const* key :
             {"penalty_alpha", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "min_length",
              "min_new_tokens", "epsilon_cutoff", "eta_cutoff", "token_healing"})
        {
            fields.must_be(key, 0);
        }
        for (auto const* key :
             {"top_h", "bad_words_ids", "sequence_bias", "forced_bos_token_id", "forced_eos_token_id",
              "begin_suppress_tokens", "exponential_decay_length_penalty", "watermarking_config",
              "constraints", "force_words_ids", "dola_layers", "max_time"})
        {
            fields.must_be_absent(key);
        }

        generation_config out;
        out.sampling.do_sample = fields.boolean("do_sample", false);
        out.sampling.temperature = fields.number("temperature", 1);
        out.sampling.top_k = fields.size("top_k", out.sampling.do_sample ? 50 : 0);
        out.sampling.top_p = fields.number("top_p", 1);
        out.sampling.min_p = fields.number("min_p", 0);
        out.sampling.repetition_penalty = fields.number("repetition_penalty", 1);
        out.sampling.suppress_tokens = fields.tokens("suppress_tokens");
        out.stop.tokens = fields.tokens("eos_token_id");
        out.stop.strings = fields.texts("stop_strings");
        out.stop.max_tokens = fields.size("max_new_tokens", 0);
        out.max_length = fields.size("max_length", 0);
        out.bos = fields.token("bos_token_id");
        out.pad = fields.token("pad_token_id");
        try
        {
            validate(out.sampling);
        }
        catch (argument_error const& failure)
        {
            throw argument_error(sentence(file, ": ", failure.what()));
        }
        return out;
    }

    GEMMA4_CODE generation_config read_generation_config(std::filesystem::path const& folder)
    {
        auto const path = folder / "generation_config.json";
        if (!is_there(path)) { return {}; }
        return parse_generation_config(file_bytes(path).text(), path.string());
    }
}
