// An independent reading of JSON Schema on nlohmann's values, with std::regex for patterns.
#pragma once

#include <cmath>
#include <cstddef>
#include <regex>
#include <string>

#include <nlohmann/json.hpp>

namespace gemma4_test
{
    using json = nlohmann::ordered_json;

    inline std::size_t code_points(std::string const& text)
    {
        std::size_t n = 0;
        for (char const c : text) { n += (static_cast<unsigned char>(c) & 0xc0) != 0x80; }
        return n;
    }

    inline json const& resolve(json const& root, std::string const& ref)
    {
        return ref == "#" ? root : root.at(json::json_pointer(ref.substr(1)));
    }

    inline bool has_type(json const& value, std::string const& type)
    {
        if (type == "object") { return value.is_object(); }
        if (type == "array") { return value.is_array(); }
        if (type == "string") { return value.is_string(); }
        if (type == "boolean") { return value.is_boolean(); }
        if (type == "null") { return value.is_null(); }
        if (type == "integer")
        {
            return value.is_number_integer()
                   || (value.is_number() && std::floor(value.get<double>()) == value.get<double>());
        }
        return value.is_number();
    }

    // Undeclared members are refused where there are properties.
    inline bool valid(json const& schema, json const& value, json const& root)
    {
        if (schema.is_boolean()) { return schema.get<bool>(); }
        if (schema.value("nullable", false) && value.is_null()) { return true; }
        if (schema.contains("$ref")) { return valid(resolve(root, schema["$ref"]), value, root); }
        for (auto const* const key : {"anyOf", "oneOf"})
        {
            if (!schema.contains(key)) { continue; }
            std::size_t fitting = 0;
            for (auto const& one : schema[key]) { fitting += valid(one, value, root); }
            if (fitting == 0 || (fitting != 1 && key == std::string("oneOf"))) { return false; }
        }
        if (schema.contains("allOf"))
        {
            for (auto const& one : schema["allOf"])
            {
                if (!valid(one, value, root)) { return false; }
            }
        }
        if (schema.contains("const") && schema["const"] != value) { return false; }
        if (schema.contains("enum"))
        {
            bool any = false;
            for (auto const& one : schema["enum"]) { any = any || one == value; }
            if (!any) { return false; }
        }
        if (schema.contains("type"))
        {
            bool any = false;
            if (schema["type"].is_array())
            {
                for (auto const& t : schema["type"]) { any = any || has_type(value, t); }
            }
            else { any = has_type(value, schema["type"]); }
            if (!any) { return false; }
        }
        if (value.is_object())
        {
            for (auto const& name : schema.value("required", json::array()))
            {
                if (!value.contains(name)) { return false; }
            }
            for (auto const& [name, member] : value.items())
            {
                if (schema.contains("properties") && !schema["properties"].empty())
                {
                    if (!schema["properties"].contains(name)) { return false; }
                    if (!valid(schema["properties"][name], member, root)) { return false; }
                }
                else if (schema.contains("additionalProperties"))
                {
                    if (!valid(schema["additionalProperties"], member, root)) { return false; }
                }
            }
        }
        if (value.is_array())
        {
            if (value.size() < schema.value("minItems", std::size_t(0))) { return false; }
            if (value.size() > schema.value("maxItems", std::size_t(-1))) { return false; }
            auto const prefix = schema.value("prefixItems", json::array());
            for (std::size_t i = 0; i != value.size(); ++i)
            {
                if (i < prefix.size())
                {
                    if (!valid(prefix[i], value[i], root)) { return false; }
                }
                else if (schema.contains("items") && !valid(schema["items"], value[i], root))
                {
                    return false;
                }
            }
        }
        if (value.is_string())
        {
            auto const text = value.get<std::string>();
            if (code_points(text) < schema.value("minLength", std::size_t(0))) { return false; }
            if (code_points(text) > schema.value("maxLength", std::size_t(-1))) { return false; }
            if (schema.contains("pattern")
                && !std::regex_search(text, std::regex(schema["pattern"].get<std::string>())))
            {
                return false;
            }
        }
        if (value.is_number())
        {
            auto const x = value.get<double>();
            if (schema.contains("minimum") && x < schema["minimum"].get<double>()) { return false; }
            if (schema.contains("maximum") && x > schema["maximum"].get<double>()) { return false; }
            if (schema.contains("exclusiveMinimum") && x <= schema["exclusiveMinimum"].get<double>())
            {
                return false;
            }
            if (schema.contains("exclusiveMaximum") && x >= schema["exclusiveMaximum"].get<double>())
            {
                return false;
            }
        }
        return true;
    }
}
