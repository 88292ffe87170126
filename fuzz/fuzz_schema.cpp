// Schemas and regular expressions from anywhere: an error that says why, or a mask that always allows
// something and that takes what it allows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guards.hpp"

#include <gemma4/chat/json_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/regular_expression.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace
{
    // A token for every byte and a few words.
    gemma4::tokenizer const& tokens()
    {
        static gemma4::tokenizer const all = []
        {
            gemma4::vocabulary words;
            for (unsigned byte = 0; byte != 256; ++byte)
            {
                words.add(gemma4::byte_token_name(static_cast<unsigned char>(byte)));
            }
            for (auto const* const word :
                 {"a", "b", "\"", "{\"", "\":", "\",", "ab", "12", "]}", "},", "tru", "\\u00"})
            {
                words.add(word);
            }
            return gemma4::tokenizer(std::move(words));
        }();
        return all;
    }

    // Numbers of more than three digits make large grammars, which take long and find nothing.
    bool has_long_number(std::string_view text)
    {
        std::size_t digits = 0;
        return std::ranges::any_of(text, [&](char c)
                                   { return (digits = c >= '0' && c <= '9' ? digits + 1 : 0) > 3; });
    }

    // Nothing may be thrown here.
    void walk(gemma4::grammar_mask mask, std::string_view choices)
    {
        for (std::size_t i = 0; i != 40 && !mask.must_stop(); ++i)
        {
            std::vector<float> logits(tokens().size(), 1.0f);
            mask.restrict(logits);
            std::vector<gemma4::token_id> allowed;
            for (std::size_t id = 0; id != logits.size(); ++id)
            {
                bool const may = logits[id] == 1.0f;
                require(mask.allows(gemma4::token_id(id)) == may);
                if (may) { allowed.push_back(gemma4::token_id(id)); }
            }
            require(!allowed.empty());
            if (auto const forced = mask.forced())
            {
                require(!forced->empty());
                for (auto const id : *forced) { mask.accept(id); }
                continue;
            }
            mask.accept(
                allowed[static_cast<unsigned char>(choices[i % choices.size()]) * 7u % allowed.size()]);
        }
    }

    std::optional<gemma4::grammar_mask> mask_of(std::string_view text)
    {
        static auto const trie = std::make_shared<gemma4::token_trie const>(tokens());
        try
        {
            auto const source = text.front() == '/'
                                    ? gemma4::regular_expression_grammar(text.substr(1))
                                    : gemma4::json_schema_grammar(gemma4::read_json_value(text, "schema"));
            return gemma4::grammar_mask(source, trie, {});
        }
        catch (gemma4::error const&)
        {
            return std::nullopt;
        }
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (text.empty() || size > 600 || has_long_number(text)) { return 0; }
    if (auto mask = mask_of(text)) { walk(std::move(*mask), text); }
    return 0;
}
