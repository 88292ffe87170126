// gemma4 tokenize, gemma4 detokenize
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/model_path.hpp>
#include <gemma4/chat/json_text.hpp>
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

    // answer(value, where) is the line of results for a line of standard input; an error of the line is
    // {"error": "..."}, as those of gemma4 render and gemma4 parse are, and the next line is read.
    template <class Answer>
    void answer_json_lines(console const& io, Answer&& answer)
    {
        for_each_line(io.in, "standard input",
                      [&](std::string_view line, std::size_t number)
                      {
                          std::string result;
                          try
                          {
                              auto const where = sentence("line ", number);
                              result = answer(parse_json(line, where), std::string_view(where));
                          }
                          catch (error const& e)
                          {
                              result = to_json(json_value::object{{"error", e.what()}});
                          }
                          io.out << result << '\n';
                          io.flush();
                      });
    }

    inline void tokenize(tokenize_options const& o, console const& io)
    {
        auto const tokens = open_tokenizer(o.model);
        if (o.bos && !tokens.find("<bos>"))
        {
            throw argument_error(sentence("--bos: the tokenizer of ", o.model, " has no token <bos>"));
        }
        answer_json_lines(
            io,
            [&](nlohmann::json const& value, std::string_view where)
            {
                if (!value.is_string())
                {
                    throw argument_error(
                        sentence(where, " is ", gemma4::detail::kind_of(value), ", expected a string"));
                }
                auto const& text = value.get_ref<std::string const&>();
                return nlohmann::json(o.bos ? tokens_with_bos(tokens, text) : tokens.encode(text)).dump();
            });
    }

    inline void detokenize(detokenize_options const& o, console const& io)
    {
        auto const tokens = open_tokenizer(o.model);
        answer_json_lines(io,
                          [&](nlohmann::json const& value, std::string_view where)
                          {
                              json_fields const fields(value, where);
                              auto const ids = token_ids(fields.get("ids"), where);
                              return json_text(
                                  tokens.decode(ids, fields.boolean("skip_special_tokens", false)));
                          });
    }
}
