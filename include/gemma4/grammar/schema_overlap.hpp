// Whether a value may fit two schemas, which oneOf forbids.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/chat/jinja_value.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/grammar/schema_keywords.hpp>

namespace gemma4::inline v0::detail
{
    // Schemas are those of a document that schema_compiler takes, so that keywords are well-formed.
    class schema_overlap : private schema_keywords
    {
    public:
        explicit schema_overlap(schema_references& references)
            : m_references(references)
        {}

        // No value that is written for one of them fits the other. False where that is not sure: types,
        // constants, enums and the members of objects tell schemas apart, other keywords are not looked at.
        bool apart(json_value const& a, json_value const& b)
        {
            return written_never_fits(a, b, 0) && written_never_fits(b, a, 0);
        }

        // There was too much to look at, so that nothing more is sure.
        bool gave_up() const noexcept { return m_steps > max_steps; }

    private:
        static constexpr std::size_t max_steps = std::size_t(1) << 22;    // of all questions
        static constexpr std::size_t max_depth = 32;

        bool goes_on(std::size_t steps = 1) { return (m_steps += steps) <= max_steps; }

        bool written_never_fits(json_value const& a, json_value const& b, std::size_t depth)
        {
            if (!goes_on() || depth > max_depth) { return false; }
            if (is_false(a) || is_false(b)) { return true; }
            if (!a.as_object() || !b.as_object()) { return false; }
            static json_value const null{json_value::object{{"type", "null"}}};
            if (is_nullable(a) && !written_never_fits(null, b, depth + 1)) { return false; }
            if (is_nullable(b) && !written_never_fits(a, null, depth + 1)) { return false; }
            if (auto const ways = ways_of(a); !ways.empty())
            {
                return std::ranges::all_of(ways, [&](json_value const* way)
                                           { return written_never_fits(*way, b, depth + 1); });
            }
            if (auto const ways = ways_of(b); !ways.empty())
            {
                return std::ranges::all_of(ways, [&](json_value const* way)
                                           { return written_never_fits(a, *way, depth + 1); });
            }
            // Without `type`, only values of the type that the keywords are about are written, but those of
            // other types fit too.
            auto const written = types_of(a, {});
            auto const fitting = b.find("type") ? types_of(b, {}) : std::vector<std::string>();
            if (auto const values = values_of(a))
            {
                return std::ranges::all_of(*values, [&](json_value const& v)
                                           { return !fits(v, written) || rejects(b, v, depth + 1); });
            }
            if (auto const values = values_of(b))
            {
                return std::ranges::all_of(*values, [&](json_value const& v)
                                           { return !fits(v, fitting) || rejects(a, v, depth + 1); });
            }
            for (auto const* const type : {"array", "string", "boolean", "null"})
            {
                if (has(written, type) && has(fitting, type)) { return false; }
            }
            auto const has_number = [](std::vector<std::string> const& types)
            { return has(types, "number") || has(types, "integer"); };
            if (has_number(written) && has_number(fitting)) { return false; }
            bool const objects = has(written, "object") && has(fitting, "object");
            return !objects || object_never_fits(a, b, depth);
        }

        // No types: any.
        static bool has(std::vector<std::string> const& types, std::string_view type)
        {
            return types.empty() || std::ranges::find(types, type) != types.end();
        }

        bool object_never_fits(json_value const& a, json_value const& b, std::size_t depth)
        {
            auto const* const declared = a.find("properties");
            if (!declared || !declared->as_object()) { return false; }    // any member may be written
            auto const is_required = [](json_value const& schema, json_value const& name)
            {
                auto const* const list = schema.find("required");
                return list && list->as_array()
                       && std::ranges::find(*list->as_array(), name) != list->as_array()->end();
            };
            // Undeclared members are not written.
            if (auto const* const names = b.find("required"); names && names->as_array())
            {
                for (auto const& name : *names->as_array())
                {
                    if (name.as_string() && !declared->find(*name.as_string())) { return true; }
                }
            }
            auto const* const others = b.find("properties");
            bool const closed =
                b.find("additionalProperties") && *b.find("additionalProperties") == json_value(false);
            for (auto const& [name, schema] : *declared->as_object())
            {
                if (!goes_on()) { return false; }
                auto const* const other = others ? others->find(name) : nullptr;
                if (!other)
                {
                    if (closed && is_required(a, json_value(name))) { return true; }
                    continue;
                }
                bool const present = is_required(a, json_value(name)) || is_required(b, json_value(name));
                if (present && written_never_fits(schema, *other, depth + 1)) { return true; }
            }
            return false;
        }

        // The value surely does not fit.
        bool rejects(json_value const& schema, json_value const& value, std::size_t depth)
        {
            if (!goes_on() || depth > max_depth) { return false; }
            if (is_false(schema)) { return true; }
            if (!schema.as_object() || (is_nullable(schema) && value.is_null())) { return false; }
            if (auto const ways = ways_of(schema); !ways.empty())
            {
                return std::ranges::all_of(ways, [&](json_value const* way)
                                           { return rejects(*way, value, depth + 1); });
            }
            if (schema.find("type") && !fits(value, types_of(schema, {}))) { return true; }
            if (auto const values = values_of(schema))
            {
                if (!goes_on(values->size())) { return false; }
                return std::ranges::none_of(*values,
                                            [&](json_value const& v) { return jinja::same(v, value); });
            }
            if (!value.as_object()) { return false; }
            if (auto const* const names = schema.find("required"); names && names->as_array())
            {
                for (auto const& name : *names->as_array())
                {
                    if (name.as_string() && !value.find(*name.as_string())) { return true; }
                }
            }
            auto const* const declared = schema.find("properties");
            return declared
                   && std::ranges::any_of(*value.as_object(),
                                          [&](json_member const& m)
                                          {
                                              auto const* const own = declared->find(m.name);
                                              return own && rejects(*own, m.value, depth + 1);
                                          });
        }

        static bool is_false(json_value const& schema) { return schema.as_bool() && !*schema.as_bool(); }

        static bool is_nullable(json_value const& schema)
        {
            auto const* const nullable = schema.find("nullable");
            return nullable && nullable->as_bool() && *nullable->as_bool();
        }

        // The schemas that this one is made of.
        std::vector<json_value const*> ways_of(json_value const& schema)
        {
            std::vector<json_value const*> out;
            if (auto const* const target = schema.find("$ref"); target && target->as_string())
            {
                out.push_back(&m_references.resolve(*target->as_string(), "$ref"));
            }
            for (auto const* const keyword : {"anyOf", "oneOf", "allOf"})
            {
                auto const* const list = schema.find(keyword);
                if (!list || !list->as_array()) { continue; }
                for (auto const& one : *list->as_array()) { out.push_back(&one); }
            }
            return out;
        }

        static std::optional<std::span<json_value const>> values_of(json_value const& schema)
        {
            if (auto const* const only = schema.find("const")) { return std::span(only, 1); }
            auto const* const list = schema.find("enum");
            if (!list || !list->as_array()) { return std::nullopt; }
            return std::span(*list->as_array());
        }

        schema_references& m_references;
        std::size_t m_steps = 0;
    };
}
