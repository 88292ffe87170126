// What chat/tool_list.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/python_text.hpp>
#include <gemma4/chat/tool_list.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        class tool_list_reader
        {
            // What `parameters` are written in.
            enum class schema_words
            {
                json_schema,
                gemini,
                as_its_type    // Gemini's where the type is in capitals
            };

        public:
            explicit tool_list_reader(std::string_view where)
                : m_where(where)
            {}

            std::vector<tool_definition> read(json_value const& root)
            {
                read_list(root, "the list of tools");
                return std::move(m_tools);
            }

        private:
            template <class... Parts>
            [[noreturn]] void fail(Parts const&... parts) const
            {
                throw argument_error(sentence(m_where, ": ", parts...));
            }

            static bool one_of(std::string_view name, std::span<std::string_view const> names)
            {
                return std::ranges::find(names, name) != names.end();
            }

            // Whether a member says what is so without it.
            static bool says_nothing(json_value const& value) { return !jinja::truthy(&value); }

            // A list, or an object that holds one, or one tool.
            void read_list(json_value const& value, std::string_view what)
            {
                if (auto const* const items = value.as_array())
                {
                    for (auto const& item : *items) { read_item(item); }
                    return;
                }
                if (!value.as_object())
                {
                    fail(what, " is ", jinja::kind_of(&value), ", expected a list of tools or an object");
                }
                if (auto const* const result = value.find("result"); result && value.find("jsonrpc"))
                {
                    return read_list(*result, "result");
                }
                for (std::string_view const key : {"tools", "functions"})
                {
                    auto const* const inner = value.find(key);
                    if (!inner) { continue; }
                    refuse_more(value, key);
                    return read_list(*inner, key);
                }
                read_item(value);
            }

            // Members beside a list of tools that ask for something.
            void refuse_more(json_value const& value, std::string_view list) const
            {
                static constexpr std::array<std::string_view, 4> idle{"_meta", "$schema", "ttlMs",
                                                                      "cacheScope"};
                for (auto const& [key, member] : *value.as_object())
                {
                    if (key == list || one_of(key, idle) || says_nothing(member)) { continue; }
                    if (key == "nextCursor")
                    {
                        fail("is one page of a list, which nextCursor continues; expected all its tools");
                    }
                    bool const is_choice = key == "tool_choice" || key == "toolChoice";
                    if (is_choice && (jinja::equals(&member, "auto") || member.find("auto"))) { continue; }
                    fail("beside ", list, " stands ", key, ", which a list of tools cannot ask for");
                }
            }

            void read_item(json_value const& item)
            {
                if (!item.as_object())
                {
                    fail("tool ", m_tools.size(), " is ", jinja::kind_of(&item), ", expected an object");
                }
                refuse_vendor_tool(item);
                for (std::string_view const key : {"functionDeclarations", "function_declarations"})
                {
                    auto const* const functions = item.find(key);
                    if (!functions) { continue; }
                    for (auto const& [other, member] : *item.as_object())
                    {
                        if (other != key) { fail("beside ", key, " stands ", other, ", expected nothing"); }
                    }
                    if (!functions->as_array())
                    {
                        fail(key, " is ", jinja::kind_of(functions), ", expected a list");
                    }
                    for (auto const& function : *functions->as_array())
                    {
                        read_function(function, schema_words::gemini);
                    }
                    return;
                }
                if (auto const* const spec = item.find("toolSpec"))
                {
                    check_members(item, {"toolSpec"}, shown_name(*spec));
                    auto inner = *spec;
                    auto const* const schema = spec->find("inputSchema");
                    auto const* const json = schema ? schema->find("json") : nullptr;
                    if (!json) { fail("tool ", shown_name(*spec), " has no toolSpec.inputSchema.json"); }
                    inner.set("inputSchema", *json);
                    return read_function(inner, schema_words::json_schema);
                }
                auto const* const function = item.find("function");
                if (!function)
                {
                    return read_function(item, item.find("type") ? schema_words::json_schema
                                                                 : schema_words::as_its_type);
                }
                if (!function->as_object())
                {
                    fail("tool ", m_tools.size(), ": function is ", jinja::kind_of(function),
                         ", expected an object");
                }
                check_members(item, {"type", "function"}, shown_name(*function));
                read_function(*function, schema_words::json_schema);
            }

            // {"type": "web_search_20250305", ...}, {"googleSearch": {}}
            void refuse_vendor_tool(json_value const& item) const
            {
                static constexpr std::array<std::string_view, 9> geminis{
                    "googleSearch", "codeExecution", "urlContext", "googleSearchRetrieval",
                    "retrieval",    "computerUse",   "fileSearch", "enterpriseWebSearch",
                    "googleMaps"};
                for (auto const& [key, value] : *item.as_object())
                {
                    std::string camel;
                    for (std::size_t i = 0; i != key.size(); ++i)
                    {
                        if (key[i] == '_' && i + 1 != key.size())
                        {
                            camel += python::upper(key.substr(++i, 1));
                        }
                        else { camel += key[i]; }
                    }
                    if (one_of(camel, geminis))
                    {
                        fail("tool ", m_tools.size(), " is ", key,
                             ", which only Google's servers can run; expected a function");
                    }
                }
                auto const* const type = item.find("type");
                if (!type || type->is_null() || jinja::equals(type, "function")) { return; }
                if (!type->as_string())
                {
                    fail("tool ", shown_name(item), ": type is ", jinja::kind_of(type),
                         ", expected \"function\"");
                }
                auto const& word = *type->as_string();
                if (word == "custom" && item.find("input_schema")) { return; }
                if (word == "custom")
                {
                    fail("tool ", shown_name(item),
                         " is a custom tool, whose input is free text; expected a function with parameters");
                }
                if (python::lower(word) == "object")
                {
                    fail("tool ", m_tools.size(),
                         " is a JSON schema; expected a function with a name and parameters");
                }
                fail("tool ", shown_name(item), " is of type ", word,
                     ", which only its vendor can run; expected a function");
            }

            // For sentences, also of a tool that has no name.
            std::string shown_name(json_value const& function) const
            {
                auto const* const name = function.find("name");
                return jinja::is_string(name) && !name->as_string()->empty() ? *name->as_string()
                                                                             : std::to_string(m_tools.size());
            }

            void check_members(json_value const& tool, std::initializer_list<std::string_view> own,
                               std::string const& name) const
            {
                // Words about a tool that no template shows and that change nothing.
                static constexpr std::array<std::string_view, 20> idle{"strict",
                                                                       "cache_control",
                                                                       "title",
                                                                       "annotations",
                                                                       "icons",
                                                                       "_meta",
                                                                       "outputSchema",
                                                                       "output_schema",
                                                                       "return",
                                                                       "returns",
                                                                       "metadata",
                                                                       "version",
                                                                       "id",
                                                                       "tags",
                                                                       "input_examples",
                                                                       "examples",
                                                                       "eager_input_streaming",
                                                                       "$schema",
                                                                       "cachePoint",
                                                                       "deprecated"};
                for (auto const& [key, value] : *tool.as_object())
                {
                    bool const known = std::ranges::find(own, std::string_view(key)) != own.end();
                    if (known || one_of(key, idle) || key.starts_with("x-") || key.starts_with("_"))
                    {
                        continue;
                    }
                    if (value.is_null() || jinja::equals(&value, "BLOCKING")
                        || jinja::equals(&value, "UNSPECIFIED"))
                    {
                        continue;
                    }
                    if (key == "defer_loading" && says_nothing(value)) { continue; }
                    if (key == "allowed_callers" && to_json(value) == "[\"direct\"]") { continue; }
                    if (key == "execution" && !jinja::equals(value.find("taskSupport"), "required"))
                    {
                        continue;
                    }
                    fail("tool ", name, " has ", key, " (", to_json(value).substr(0, 60),
                         "), which is no member of a tool that can be read here");
                }
            }

            void read_function(json_value const& function, schema_words words)
            {
                if (!function.as_object())
                {
                    fail("tool ", m_tools.size(), " is ", jinja::kind_of(&function), ", expected an object");
                }
                auto const* const name = function.find("name");
                if (!jinja::is_string(name) || name->as_string()->empty())
                {
                    fail("tool ", m_tools.size(), " has no name: ", to_json(function).substr(0, 80));
                }
                auto const shown = *name->as_string();
                check_members(function,
                              {"type", "name", "description", "parameters", "input_schema", "inputSchema",
                               "parametersJsonSchema", "parameters_json_schema", "response",
                               "responseJsonSchema", "response_json_schema"},
                              shown);
                for (auto const& known : m_tools)
                {
                    if (known.name == shown) { fail("tool ", shown, " is declared twice"); }
                }
                json_value::object made{{"name", shown}};
                if (auto const* const text = function.find("description"))
                {
                    if (!text->is_null() && !text->as_string())
                    {
                        fail("tool ", shown, ": description is ", jinja::kind_of(text), ", expected text");
                    }
                    made.push_back({"description", *text});
                }
                if (auto schema = parameters_of(function, shown, words))
                {
                    made.push_back({"parameters", std::move(*schema)});
                }
                if (auto schema = response_of(function, words))
                {
                    made.push_back({"response", std::move(*schema)});
                }
                m_tools.push_back(
                    {shown, json_value::object{{"type", "function"}, {"function", std::move(made)}}, {}});
            }

            std::optional<json_value> parameters_of(json_value const& function, std::string const& name,
                                                    schema_words words) const
            {
                std::optional<json_value> schema;
                std::string_view from;
                for (auto const& [key, demanded] : parameters_keys)
                {
                    auto const* const found = function.find(key);
                    if (!found || (found->is_null() && !demanded)) { continue; }
                    if (schema) { fail("tool ", name, " has both ", from, " and ", key, ", expected one"); }
                    if (!found->as_object())
                    {
                        fail("tool ", name, ": ", key, " is ", jinja::kind_of(found),
                             ", expected a JSON schema");
                    }
                    from = key;
                    schema = *found;
                }
                if (!schema) { return schema; }
                auto const* const type = schema->find("type");
                bool const is_gemini =
                    words == schema_words::gemini || (words == schema_words::as_its_type && is_upper(type));
                if (from == "parameters" && is_gemini) { schema = json_schema_of(*schema); }
                type_is_object(*schema, name, from);
                return schema;
            }

            void type_is_object(json_value const& schema, std::string_view name, std::string_view key) const
            {
                auto const* const type = schema.find("type");
                if (!jinja::is_string(type) || python::lower(*type->as_string()) == "object") { return; }
                fail("tool ", name, ": ", key, " describe ", *type->as_string(), ", expected an object");
            }

            std::optional<json_value> response_of(json_value const& function, schema_words words) const
            {
                for (std::string_view const key : {"response", "responseJsonSchema", "response_json_schema"})
                {
                    auto const* const found = function.find(key);
                    if (!found) { continue; }
                    bool const is_gemini = words == schema_words::gemini && key == "response";
                    return is_gemini ? json_schema_of(*found) : *found;
                }
                return std::nullopt;
            }

            // Whether a type is written as Gemini does: OBJECT.
            static bool is_upper(json_value const* type)
            {
                return jinja::is_string(type) && !type->as_string()->empty()
                       && python::lower(*type->as_string()) != *type->as_string();
            }

            // Gemini's schema in JSON Schema's words: types in lower case, names in camelCase, sizes, which
            // its JSON writes as text, as numbers.
            static json_value json_schema_of(json_value const& schema)
            {
                if (!schema.as_object()) { return schema; }
                static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> names{
                    {{"any_of", "anyOf"},
                     {"max_items", "maxItems"},
                     {"min_items", "minItems"},
                     {"max_length", "maxLength"},
                     {"min_length", "minLength"},
                     {"max_properties", "maxProperties"},
                     {"min_properties", "minProperties"},
                     {"property_ordering", "propertyOrdering"},
                     {"additional_properties", "additionalProperties"},
                     {"defs", "$defs"},
                     {"ref", "$ref"}}};
                json_value::object out;
                for (auto const& [key, value] : *schema.as_object())
                {
                    auto const found = std::ranges::find(
                        names, std::string_view(key), &std::pair<std::string_view, std::string_view>::first);
                    std::string const name(found == names.end() ? std::string_view(key) : found->second);
                    out.push_back({name, json_schema_value(name, value)});
                }
                return out;
            }

            static json_value json_schema_value(std::string const& key, json_value const& value)
            {
                auto const* const text = value.as_string();
                if (key == "type" && text) { return python::lower(*text); }
                if ((key.starts_with("max") || key.starts_with("min")) && text)
                {
                    auto number = json_number(*text);
                    return number ? std::move(*number) : value;
                }
                if ((key == "items" || key == "additionalProperties") && value.as_object())
                {
                    return json_schema_of(value);
                }
                if (auto const* const list = value.as_array(); list && key == "anyOf")
                {
                    json_value::array out;
                    for (auto const& item : *list) { out.push_back(json_schema_of(item)); }
                    return out;
                }
                if (auto const* const members = value.as_object();
                    members && (key == "properties" || key == "$defs"))
                {
                    json_value::object out;
                    for (auto const& [name, schema] : *members)
                    {
                        out.push_back({name, json_schema_of(schema)});
                    }
                    return out;
                }
                return value;
            }

            std::string_view m_where;
            std::vector<tool_definition> m_tools;
        };
    }

    GEMMA4_CODE std::vector<tool_definition> read_tool_list(json_value const& list, std::string_view where)
    {
        return detail::tool_list_reader(where).read(list);
    }
}
