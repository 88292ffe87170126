// The declaration of a tool: <|tool>declaration:NAME{description:...,parameters:{...}}<tool|>
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <gemma4/chat/chat_segment.hpp>
#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/write_value.hpp>

namespace gemma4::inline v0
{
    class tool_writer
    {
    public:
        tool_writer(segment_writer& out, template_rules const& rules)
            : m_out(out)
            , m_rules(rules)
        {}

        // tool: {"type": "function", "function": {name, description, parameters, response}}
        void write(json_value const& tool)
        {
            auto const* const function = jinja::item(&tool, "function", "a tool");
            m_out.fixed("<|tool>declaration:");
            m_out.content(jinja::printed(jinja::item(function, "name", "a tool's function")));
            m_out.fixed("{description:");
            m_out.quoted(jinja::printed(function->find("description")));
            if (auto const* const parameters = function->find("parameters"); jinja::truthy(parameters))
            {
                m_out.fixed(",parameters:{");
                if (auto const* const properties = parameters->find("properties"); jinja::truthy(properties))
                {
                    m_out.fixed("properties:{");
                    write_properties(properties, !m_rules.all_property_names);
                    m_out.fixed("},");
                }
                if (auto const* const required = parameters->find("required"); jinja::truthy(required))
                {
                    write_required(required);
                    m_out.fixed(",");
                }
                if (auto const* const type = parameters->find("type"); jinja::truthy(type))
                {
                    write_type(type);
                }
            }
            if (has_response(*function)) { write_response(function->find("response")); }
            m_out.fixed("}<tool|>");
        }

    private:
        static std::string upper(json_value const* value) { return python::upper(jinja::printed(value)); }

        // Python's `'response' in function`.
        static bool has_response(json_value const& function)
        {
            if (function.as_object()) { return function.find("response") != nullptr; }
            if (auto const* const text = function.as_string())
            {
                return text->find("response") != text->npos;
            }
            auto const* const list = function.as_array();
            if (!list) { jinja::refuse("a tool's function", "an object", &function); }
            return std::ranges::any_of(*list,
                                       [](auto const& item) { return jinja::equals(&item, "response"); });
        }

        void write_response(json_value const* response)
        {
            m_out.fixed(",response:{");
            if (auto const* const text = jinja::item(response, "description", "a tool's response");
                jinja::truthy(text))
            {
                m_out.fixed("description:");
                m_out.quoted(jinja::printed(text));
                m_out.fixed(",");
            }
            // The template closes the brace only here.
            if (auto const* const type = response->find("type"); upper(type) == "OBJECT")
            {
                write_type(type);
            }
        }

        void write_type(json_value const* type)
        {
            m_out.fixed("type:");
            m_out.quoted(upper(type));
            m_out.fixed("}");
        }

        void write_required(json_value const* names)
        {
            m_out.fixed("required:[");
            std::string_view separator;
            for (auto const& name : jinja::items(names, "required"))
            {
                m_out.fixed(separator);
                separator = ",";
                m_out.quoted(jinja::printed(&name));
            }
            m_out.fixed("]");
        }

        void write_properties(json_value const* properties, bool skip_schema_words)
        {
            static constexpr std::array<std::string_view, 5> schema_words{"description", "type", "properties",
                                                                          "required", "nullable"};
            std::string_view separator;
            for (auto const* const member : jinja::dictsort(properties, "properties"))
            {
                if (skip_schema_words && std::ranges::find(schema_words, member->name) != schema_words.end())
                {
                    continue;
                }
                m_out.fixed(separator);
                separator = ",";
                m_out.content(member->name);
                m_out.fixed(":{");
                write_schema(member->value);
            }
        }

        // From after the opening brace to the closing one.
        void write_schema(json_value const& schema)
        {
            bool comma = false;
            auto const part = [&](std::string_view text)
            {
                if (comma) { m_out.fixed(","); }
                comma = true;
                m_out.fixed(text);
            };
            auto const block = [&](std::string_view text)
            {
                if (!m_rules.comma_before_block) { return part(text); }
                m_out.fixed(",");
                m_out.fixed(text);
            };
            auto const nullable = [&]
            {
                if (jinja::truthy(schema.find("nullable"))) { part("nullable:true"); }
            };
            auto const type = upper(schema.find("type"));

            if (auto const* const text = schema.find("description"); jinja::truthy(text))
            {
                part("description:");
                m_out.quoted(jinja::printed(text));
            }
            if (m_rules.nullable_first) { nullable(); }
            if (auto const* const choices = schema.find("enum"); type == "STRING" && jinja::truthy(choices))
            {
                part("enum:");
                write_value(m_out, choices, value_keys::quoted, m_rules.null_word);
            }
            if (auto const* const items = schema.find("items");
                type == "ARRAY" && jinja::is_object(items) && jinja::truthy(items))
            {
                block("items:{");
                write_items(*items);
                m_out.fixed("}");
            }
            if (!m_rules.nullable_first) { nullable(); }
            if (type == "OBJECT")
            {
                auto const* const properties = schema.find("properties");
                block("properties:{");
                // Without properties the schema's own other keys stand for them.
                if (jinja::is_object(properties))
                {
                    write_properties(properties, !m_rules.all_property_names);
                }
                else { write_properties(&schema, true); }
                m_out.fixed("}");
                if (auto const* const required = schema.find("required"); jinja::truthy(required))
                {
                    block("");
                    write_required(required);
                }
            }
            part("");
            write_type(schema.find("type"));
        }

        void write_items(json_value const& items)
        {
            std::string_view separator;
            for (auto const* const member : jinja::dictsort(&items, "items"))
            {
                auto const& [name, value] = *member;
                if (value.is_null()) { continue; }
                m_out.fixed(separator);
                separator = ",";
                if (name == "properties")
                {
                    m_out.fixed("properties:{");
                    if (value.as_object()) { write_properties(&value, !m_rules.all_property_names); }
                    m_out.fixed("}");
                }
                else if (name == "required") { write_required(&value); }
                else if (name == "type")
                {
                    m_out.fixed("type:");
                    auto const type = item_type(value);
                    write_value(m_out, &type, value_keys::quoted, m_rules.null_word);
                }
                else
                {
                    m_out.content(name);
                    m_out.fixed(":");
                    write_value(m_out, &value, value_keys::quoted, m_rules.null_word);
                }
            }
        }

        // value | upper, or of several types a list of them.
        static json_value item_type(json_value const& type)
        {
            if (type.as_string()) { return upper(&type); }
            json_value::array types;
            if (jinja::truthy(&type))
            {
                for (auto const& one : jinja::items(&type, "the type of items"))
                {
                    types.emplace_back(upper(&one));
                }
            }
            return types;
        }

        segment_writer& m_out;
        template_rules const& m_rules;
    };
}
