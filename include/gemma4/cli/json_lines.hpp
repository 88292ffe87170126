// Text with a JSON value a line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/io/json.hpp>

namespace gemma4::inline v0::cli
{
    // use(line, number) for every line that is not blank. Throws file_error where the text cannot be read.
    template <class Use>
    void for_each_line(std::istream& in, std::string_view name, Use&& use)
    {
        std::string line;
        for (std::size_t number = 1; std::getline(in, line); ++number)
        {
            if (line.find_first_not_of(" \t\r") != line.npos) { use(std::string_view(line), number); }
        }
        if (in.bad()) { throw file_error(sentence(name, " cannot be read")); }
    }

    // use(value, where) for every such line, `where` naming the text and the line. Throws file_error where a
    // line is no JSON value.
    template <class Use>
    void for_each_json_line(std::istream& in, std::string_view name, Use&& use)
    {
        for_each_line(in, name,
                      [&](std::string_view line, std::size_t number)
                      {
                          auto const where = sentence(name, ", line ", number);
                          use(parse_json(line, where), std::string_view(where));
                      });
    }

    inline std::vector<token_id> token_ids(nlohmann::json const& list, std::string_view where)
    {
        if (!list.is_array())
        {
            throw argument_error(sentence(where, ": the ids are ", gemma4::detail::kind_of(list),
                                          ", expected a list of token ids"));
        }
        std::vector<token_id> ids;
        for (auto const& item : list)
        {
            constexpr std::uint64_t most = std::numeric_limits<token_id>::max();
            if (!item.is_number_unsigned() || item.get<std::uint64_t>() > most)
            {
                throw argument_error(
                    sentence(where, ": id ", ids.size(), " is ",
                             item.is_number() ? item.dump() : std::string(gemma4::detail::kind_of(item)),
                             ", expected a whole number from 0 to ", most));
            }
            ids.push_back(token_id(item.get<std::uint64_t>()));
        }
        return ids;
    }

    inline std::string json_text(std::string const& text)
    {
        return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
}
