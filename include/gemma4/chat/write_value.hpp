// Values as the model reads them: in calls, responses, and the odd corners of a schema.
#pragma once

#include <string_view>

#include <gemma4/chat/chat_segment.hpp>
#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_value.hpp>

namespace gemma4::inline v0
{
    enum class value_keys
    {
        bare,
        quoted
    };

    // The template's format_argument. Undefined counts as an empty list, as it does for Jinja.
    inline void write_value(segment_writer& out, json_value const* value, value_keys keys,
                            std::string_view null_word)
    {
        if (value && value->is_null()) { out.fixed(null_word); }
        else if (jinja::is_string(value)) { out.quoted(*value->as_string()); }
        else if (value && value->as_bool()) { out.fixed(*value->as_bool() ? "true" : "false"); }
        else if (jinja::is_object(value))
        {
            std::string_view separator = "{";
            for (auto const* const member : jinja::dictsort(value, "a value"))
            {
                out.fixed(separator);
                separator = ",";
                if (keys == value_keys::quoted) { out.quoted(member->name); }
                else { out.content(member->name); }
                out.fixed(":");
                write_value(out, &member->value, keys, null_word);
            }
            out.fixed(separator == "{" ? "{}" : "}");
        }
        else if (jinja::is_sequence(value))
        {
            out.fixed("[");
            std::string_view separator;
            if (value)
            {
                for (auto const& item : *value->as_array())
                {
                    out.fixed(separator);
                    separator = ",";
                    write_value(out, &item, keys, null_word);
                }
            }
            out.fixed("]");
        }
        else { out.fixed(jinja::printed(value)); }
    }

    // k:v,k:v in the order of dictsort.
    inline void write_members(segment_writer& out, json_value const* object, std::string_view null_word)
    {
        std::string_view separator;
        for (auto const* const member : jinja::dictsort(object, "a value"))
        {
            out.fixed(separator);
            separator = ",";
            out.content(member->name);
            out.fixed(":");
            write_value(out, &member->value, value_keys::bare, null_word);
        }
    }
}
