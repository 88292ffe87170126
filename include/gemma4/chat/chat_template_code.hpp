// What chat/chat_template.hpp declares (core/separate.hpp).
#pragma once

#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/sha256.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE chat_template const& chat_template_named(std::string_view name)
    {
        if (auto const* const known = find_chat_template(name)) { return *known; }
        std::string names;
        for (auto const& known : known_chat_templates) { (names += names.empty() ? "" : ", ") += known.name; }
        throw argument_error(sentence("chat template: ", name, " is not known, expected one of ", names));
    }

    GEMMA4_CODE recognised_template recognise_chat_template(std::string_view text)
    {
        std::string plain;
        for (std::size_t i = 0; i != text.size(); ++i)
        {
            if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') { plain += text[i]; }
        }
        if (plain.ends_with('\n')) { plain.pop_back(); }
        auto const without = sha256(plain);
        auto const with = sha256(plain + '\n');
        for (auto const& known : known_chat_templates)
        {
            if (known.sha256 == without || known.sha256 == with) { return {&known, true, {}}; }
        }

        auto const* nearest = known_chat_templates.data();
        std::size_t fewest = detail::template_features.size() + 1;
        for (auto const& known : known_chat_templates)
        {
            std::size_t differences = 0;
            for (std::size_t i = 0; i != detail::template_features.size(); ++i)
            {
                bool const has = plain.find(detail::template_features[i]) != plain.npos;
                differences += has != (known.features[i] == '1');
            }
            if (differences < fewest)
            {
                fewest = differences;
                nearest = &known;
            }
        }
        auto const what =
            plain.find("<|turn>") == plain.npos ? "is not one of Gemma 4" : "is none of the known ones";
        return {nearest, false,
                sentence("chat template with sha256 ", sha256(text), " ", what, ": rendered as ",
                         nearest->name, ", which shares ", detail::template_features.size() - fewest, " of ",
                         detail::template_features.size(), " features with it")};
    }
}
