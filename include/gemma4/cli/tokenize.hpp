// gemma4 tokenize, gemma4 detokenize
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/model_path.hpp>
#include <gemma4/cli/console.hpp>
#include <gemma4/cli/json_lines.hpp>
#include <gemma4/cli/options.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0::cli
{
    // The ids of raw text with <bos> in front unless it is there, or the tokenizer has none.
    inline std::vector<token_id> tokens_with_bos(tokenizer const& tokens, std::string_view text)
    {
        auto ids = tokens.encode(text);
        auto const bos = tokens.find("<bos>");
        if (bos && (ids.empty() || ids.front() != *bos)) { ids.insert(ids.begin(), *bos); }
        return ids;
    }

    inline void tokenize(tokenize_options const& o, console const& io)
    {
        auto const tokens = open_tokenizer(o.model);
        for_each_json_line(
            io.in, "standard input",
            [&](nlohmann::json const& value, std::string_view where)
            {
                if (!value.is_string())
                {
                    throw argument_error(
                        sentence(where, " is ", gemma4::detail::kind_of(value), ", expected a string"));
                }
                auto const& text = value.get_ref<std::string const&>();
                io.out << nlohmann::json(o.bos ? tokens_with_bos(tokens, text) : tokens.encode(text)).dump()
                       << std::endl;
            });
    }

    inline void detokenize(detokenize_options const& o, console const& io)
    {
        auto const tokens = open_tokenizer(o.model);
        for_each_json_line(io.in, "standard input",
                           [&](nlohmann::json const& value, std::string_view where)
                           {
                               json_fields const fields(value, where);
                               auto const ids = token_ids(fields.get("ids"), where);
                               io.out << json_text(
                                   tokens.decode(ids, fields.boolean("skip_special_tokens", false)))
                                      << std::endl;
                           });
    }
}
