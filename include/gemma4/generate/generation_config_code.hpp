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
#include <gemma4/generate/sampling_fields.hpp>
#include <gemma4/io/json.hpp>

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

            bool boolean(std::string_view key, bool otherwise) const
            {
                return m_fields.boolean(key, otherwise);
            }

            // -1 is no token.
            std::optional<token_id> token(std::string_view key) const
            {
                auto const* value = m_fields.find(key);
                return value && *value != -1 ? std::optional(to_token(key, *value)) : std::nullopt;
            }

            // A token id, -1 for none, or a list of ids.
            std::vector<token_id> tokens(std::string_view key) const
            {
                std::vector<token_id> out;
                if (auto const* value = m_fields.find(key); value && *value == -1) { return out; }
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

            std::optional<field_value> value(std::string_view key) const
            {
                auto const* const found = m_fields.find(key);
                if (!found) { return std::nullopt; }
                field_value value;
                if (found->is_boolean()) { value.number = found->get<bool>(); }
                else if (found->is_number()) { value.number = found->get<double>(); }
                value.whole = found->is_number_integer();
                value.flag = found->is_boolean();
                value.empty = found->is_structured() && found->empty();
                if (found->is_string()) { value.word = found->get_ref<std::string const&>(); }
                value.shown = value.number && !value.flag ? found->dump() : std::string(kind_of(*found));
                return value;
            }

            // A whole number from 1; 0: absent.
            std::size_t length(std::string_view key) const
            {
                auto const n = m_fields.size(key, 0);
                if (n != 0 || !m_fields.find(key)) { return n; }
                throw file_error(sentence(m_fields.file(), ": ", key, " is 0, expected 1 or more"));
            }

            std::string name(std::string_view key) const { return sentence(m_fields.file(), ": ", key); }

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

            json_fields m_fields;
        };
    }

    namespace detail
    {
        inline generation_config read_fields(nlohmann::json const& root, std::string_view file)
        {
            generation_fields const fields(root, file);
            generation_config out;
            auto& sampling = out.sampling;
            sampling.do_sample = fields.boolean("do_sample", false);
            sampling.top_k = sampling.do_sample ? 50 : 0;
            read_sampling_fields(
                false, sampling, [&](std::string_view key) { return fields.value(key); },
                [&](std::string_view key) { return fields.name(key); },
                [&](std::string warning) { out.warnings.push_back(std::move(warning)); });
            sampling.suppress_tokens = fields.tokens("suppress_tokens");
            out.stop.tokens = fields.tokens("eos_token_id");
            out.stop.strings = fields.texts("stop_strings");
            out.stop.max_tokens = fields.length("max_new_tokens");
            out.max_length = fields.length("max_length");
            out.bos = fields.token("bos_token_id");
            out.pad = fields.token("pad_token_id");
            validate_of_file(sampling, file);
            return out;
        }
    }

    GEMMA4_CODE generation_config parse_generation_config(std::string_view text, std::string_view file)
    {
        return detail::read_fields(parse_json(text, file), file);
    }

    GEMMA4_CODE generation_config generation_config_of(nlohmann::json const& config, std::string_view file)
    {
        json_fields const top(config, file);
        json_document merged(top.find("text_config") ? top.fields("text_config").object()
                                                     : nlohmann::json::object());
        for (auto const& [key, value] : config.items())
        {
            if (!value.is_null()) { merged.set(key, value); }
        }
        return detail::read_fields(merged, file);
    }

    GEMMA4_CODE std::optional<generation_config> read_generation_config(std::filesystem::path const& folder)
    {
        auto const path = folder / "generation_config.json";
        if (!is_there(path)) { return std::nullopt; }
        return detail::read_fields(read_json(path), path.string());
    }
}
