// What the keywords of a JSON Schema say, read and checked one by one.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/decimal.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0::detail
{
    // `path` is the place of the schema in its document. All throw argument_error naming it, the keyword,
    // what was expected and what was found.
    struct schema_keywords
    {
        static constexpr std::size_t max_count = 100'000;

        [[noreturn]] static void fail(std::string_view path, std::string_view what)
        {
            throw argument_error(sentence("schema: ", path, ": ", what));
        }

        [[noreturn]] static void fail(std::string_view path, std::string_view expected,
                                      json_value const& found)
        {
            throw argument_error(
                sentence("schema: ", path, ": ", expected, ", found ", beginning_of(to_json(found))));
        }

        static bool is_annotation(std::string_view keyword)
        {
            static constexpr std::array<std::string_view, 14> known{
                "title",    "description", "default",  "example",   "examples", "$schema",     "$id",
                "$comment", "deprecated",  "readOnly", "writeOnly", "$defs",    "definitions", "$anchor"};
            return std::ranges::find(known, keyword) != known.end();
        }

        static void check_keyword(std::string_view keyword, std::string_view path)
        {
            static constexpr std::array<std::string_view, 24> known{"type",
                                                                    "properties",
                                                                    "required",
                                                                    "additionalProperties",
                                                                    "items",
                                                                    "minItems",
                                                                    "maxItems",
                                                                    "minLength",
                                                                    "maxLength",
                                                                    "pattern",
                                                                    "format",
                                                                    "minimum",
                                                                    "maximum",
                                                                    "exclusiveMinimum",
                                                                    "exclusiveMaximum",
                                                                    "enum",
                                                                    "const",
                                                                    "anyOf",
                                                                    "oneOf",
                                                                    "allOf",
                                                                    "$ref",
                                                                    "nullable",
                                                                    "prefixItems",
                                                                    "uniqueItems"};
            if (is_annotation(keyword) || std::ranges::find(known, keyword) != known.end()) { return; }
            fail(path, sentence("the keyword ", beginning_of(keyword), " is not supported"));
        }

        // `keyword` decides alone; nullable may stand beside it.
        static void check_alone(json_value const& schema, std::string_view keyword, std::string_view path)
        {
            for (auto const& member : *schema.as_object())
            {
                if (member.name == keyword || member.name == "nullable" || is_annotation(member.name))
                {
                    continue;
                }
                fail(path, sentence("the keyword ", member.name, " beside ", keyword, " is not supported"));
            }
        }

        // enum and const say which values there are; a type may select among them. Google's APIs have the
        // format "enum" beside it, which says nothing more.
        static void check_beside_values(json_value const& schema, std::string_view keyword,
                                        std::string_view path)
        {
            for (auto const& [name, value] : *schema.as_object())
            {
                bool const fits = name == keyword || name == "type" || name == "nullable"
                                  || is_annotation(name) || (name == "format" && value == json_value("enum"));
                if (!fits)
                {
                    fail(path, sentence("the keyword ", name, " beside ", keyword, " is not supported"));
                }
            }
        }

        static std::string member_path(std::string const& path, std::string_view name)
        {
            return sentence(path, ".", beginning_of(name));
        }

        // Without `type`, the type that the keywords are about; none: any.
        static std::vector<std::string> types_of(json_value const& schema, std::string const& path)
        {
            auto const* const type = schema.find("type");
            std::vector<std::string> out;
            if (!type)
            {
                struct hint
                {
                    std::string_view keyword;
                    std::string_view type;
                };
                static constexpr std::array<hint, 16> hints{{{"properties", "object"},
                                                             {"required", "object"},
                                                             {"additionalProperties", "object"},
                                                             {"items", "array"},
                                                             {"prefixItems", "array"},
                                                             {"minItems", "array"},
                                                             {"maxItems", "array"},
                                                             {"uniqueItems", "array"},
                                                             {"minLength", "string"},
                                                             {"maxLength", "string"},
                                                             {"pattern", "string"},
                                                             {"format", "string"},
                                                             {"minimum", "number"},
                                                             {"maximum", "number"},
                                                             {"exclusiveMinimum", "number"},
                                                             {"exclusiveMaximum", "number"}}};
                if (schema.find("enum") || schema.find("const")) { return out; }
                for (auto const& [keyword, implied] : hints)
                {
                    if (schema.find(keyword)) { return {std::string(implied)}; }
                }
                return out;
            }
            static constexpr std::array<std::string_view, 7> known{"object",  "array",   "string", "number",
                                                                   "integer", "boolean", "null"};
            auto const add = [&](json_value const& one)
            {
                // Declarations of tools often have them in capitals.
                auto name = one.as_string() ? *one.as_string() : std::string();
                for (auto& c : name) { c = 'A' <= c && c <= 'Z' ? char(c - 'A' + 'a') : c; }
                if (std::ranges::find(known, name) == known.end())
                {
                    fail(path + ".type", "expected a type of JSON Schema", one);
                }
                out.push_back(std::move(name));
            };
            if (auto const* const list = type->as_array())
            {
                if (list->empty()) { fail(path + ".type", "expected a type of JSON Schema", *type); }
                std::ranges::for_each(*list, add);
            }
            else { add(*type); }
            return out;
        }

        static bool fits(json_value const& value, std::vector<std::string> const& types)
        {
            auto const is = [&](std::string_view type)
            { return std::ranges::find(types, type) != types.end(); };
            if (types.empty()) { return true; }
            if (value.is_null()) { return is("null"); }
            if (value.as_bool()) { return is("boolean"); }
            if (value.as_string()) { return is("string"); }
            if (value.as_array()) { return is("array"); }
            if (value.as_object()) { return is("object"); }
            if (auto const* const number = value.as_float())
            {
                return is("number") || (is("integer") && *number == std::floor(*number));
            }
            return is("number") || is("integer");
        }

        // Views of the schema.
        static std::set<std::string_view> required_names(json_value const& schema,
                                                         std::span<json_member const* const> listed,
                                                         std::string const& path)
        {
            std::set<std::string_view> out;
            auto const* const required = schema.find("required");
            if (!required) { return out; }
            auto const place = path + ".required";
            if (!required->as_array()) { fail(place, "expected a list of names", *required); }
            std::set<std::string_view> known;
            for (auto const* const member : listed) { known.insert(member->name); }
            for (auto const& name : *required->as_array())
            {
                if (!name.as_string() || !known.contains(*name.as_string()))
                {
                    fail(place, "expected names that are in properties", name);
                }
                out.insert(*name.as_string());
            }
            return out;
        }

        static std::optional<std::size_t> count(json_value const& schema, std::string_view keyword,
                                                std::string const& path)
        {
            auto const* const found = schema.find(keyword);
            if (!found) { return std::nullopt; }
            auto const value = whole(*found);
            if (!value || *value < 0 || *value > std::int64_t(max_count))
            {
                fail(sentence(path, ".", keyword), sentence("expected a whole number up to ", max_count),
                     *found);
            }
            return std::size_t(*value);
        }

        // A number without a fraction that 64 bits hold.
        static std::optional<std::int64_t> whole(json_value const& value)
        {
            if (auto const* const integer = value.as_integer())
            {
                std::int64_t out = 0;
                auto const& digits = integer->digits;
                auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
                if (error != std::errc() || end != digits.data() + digits.size()) { return std::nullopt; }
                return out;
            }
            auto const* const number = value.as_float();
            if (!number || *number != std::floor(*number) || std::abs(*number) > 9e15)
            {
                return std::nullopt;
            }
            return std::int64_t(*number);
        }

        // Bounds of an integer may have a fraction: they are moved to the next integer inside.
        static number_bounds bounds(json_value const& schema, std::string const& path, bool integer)
        {
            number_bounds out;
            auto const read = [&](std::string_view keyword, bool up) -> std::optional<std::int64_t>
            {
                auto const* const found = schema.find(keyword);
                if (!found) { return std::nullopt; }
                if (auto const value = whole(*found)) { return value; }
                if (auto const* const number = found->as_float();
                    integer && number && std::abs(*number) < 9e15)
                {
                    return std::int64_t(up ? std::ceil(*number) : std::floor(*number));
                }
                fail(sentence(path, ".", keyword), "expected a whole number of 64 bits", *found);
            };
            // A fraction moved inside is no longer excluded.
            auto const is_whole = [&](std::string_view keyword)
            {
                auto const* const found = schema.find(keyword);
                return found && whole(*found).has_value();
            };
            out.low = read("minimum", true);
            out.high = read("maximum", false);
            if (auto const low = read("exclusiveMinimum", true); low && (!out.low || *low >= *out.low))
            {
                out.low = low;
                out.above_low = is_whole("exclusiveMinimum");
            }
            if (auto const high = read("exclusiveMaximum", false); high && (!out.high || *high <= *out.high))
            {
                out.high = high;
                out.below_high = is_whole("exclusiveMaximum");
            }
            return out;
        }
    };

    // What the references of one document point to. The document must outlive it.
    class schema_references
    {
    public:
        explicit schema_references(json_value const& document)
            : m_document(document)
        {}

        // A JSON pointer (RFC 6901) behind #. `path` is where it stands.
        json_value const& resolve(std::string const& text, std::string const& path)
        {
            auto const* at = &m_document;
            for (std::size_t begin = 1; begin < text.size();)
            {
                auto const end = std::min(text.find('/', begin + 1), text.size());
                std::string name;
                for (auto i = begin + 1; i < end; ++i)
                {
                    bool const escape =
                        text[i] == '~' && i + 1 < end && (text[i + 1] == '0' || text[i + 1] == '1');
                    name += !escape ? text[i] : text[++i] == '0' ? '~' : '/';
                }
                begin = end;
                if (auto const* const list = at->as_array())
                {
                    std::size_t index = list->size();
                    auto const last = name.data() + name.size();
                    auto const [stop, status] = std::from_chars(name.data(), last, index);
                    bool const is_index = status == std::errc() && stop == last && index < list->size();
                    at = is_index ? &(*list)[index] : nullptr;
                }
                else { at = member(*at, name); }
                if (!at) { schema_keywords::fail(path, sentence("nothing is at ", beginning_of(text))); }
            }
            return *at;
        }

    private:
        // Documents may have thousands of definitions, and thousands of references to them.
        json_value const* member(json_value const& object, std::string_view name)
        {
            constexpr std::size_t few = 16;
            auto const* const members = object.as_object();
            if (!members || members->size() <= few) { return object.find(name); }
            auto& index = m_members[&object];
            if (index.empty())
            {
                for (auto const& one : *members) { index.emplace(one.name, &one.value); }
            }
            auto const place = index.find(name);
            return place == index.end() ? nullptr : place->second;
        }

        json_value const& m_document;
        std::map<json_value const*, std::unordered_map<std::string_view, json_value const*>> m_members;
    };
}
