// JSON Schema -> grammar of the documents that a model may write for it.
//
// Supported: type (also a list), properties, required, additionalProperties, items, prefixItems, minItems,
// maxItems, minLength, maxLength, pattern, format (date, time, date-time, uuid), minimum, maximum,
// exclusiveMinimum, exclusiveMaximum (whole bounds), enum, const, anyOf, oneOf, allOf of one, $ref into the
// document (recursive too), nullable, and annotations. Any other keyword is an argument_error that names it,
// and so is one that stands where it would not be looked at.
//
// No value is written that the schema forbids: the schemas of oneOf must exclude each other (by types,
// constants or members; grammar/schema_overlap.hpp). The grammar is narrower than the schema where that costs
// nothing: members come in the order of `properties`, undeclared members are not written where `properties`
// has any (additionalProperties alone makes a map), values of enum, const and pattern have one form, numbers
// have the digits of grammar/decimal.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/decimal.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/regular_expression.hpp>
#include <gemma4/grammar/schema_keywords.hpp>
#include <gemma4/grammar/schema_overlap.hpp>
#include <gemma4/grammar/value_notation.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    class schema_compiler : private detail::schema_keywords
    {
    public:
        // document: what $ref looks into; it must outlive the compiler
        schema_compiler(value_notation& notation, json_value const& document)
            : m_notation(notation)
            , m_grammar(notation.target())
            , m_document(document)
            , m_targets(document)
        {}

        // The values that fit the schema, found at `path` of the document. Throws argument_error naming the
        // path, the keyword, what was expected and what was found.
        grammar::part value(json_value const& schema, std::string const& path)
        {
            if (auto const* const all = schema.as_bool())
            {
                return *all ? m_notation.any() : m_grammar.never();
            }
            if (!schema.as_object()) { fail(path, "expected an object or a boolean", schema); }
            if (++m_depth > max_depth) { fail(path, sentence("nested deeper than ", max_depth, " levels")); }
            for (auto const& member : *schema.as_object()) { check_keyword(member.name, path); }
            bool const embedded = is_embedded(schema);
            m_embedded += embedded;
            auto const out = unguarded(schema, path);
            m_embedded -= embedded;
            --m_depth;
            return out;
        }

        // The values of a schema that must be one of objects, or a reference to one.
        grammar::part object_at(json_value const& schema, std::string const& path, std::size_t steps = 0)
        {
            if (!schema.as_object()) { fail(path, "expected an object", schema); }
            if (auto const* const target = schema.find("$ref"))
            {
                check_alone(schema, "$ref", path);
                auto const* const text = target->as_string();
                if (!is_place(text) || steps == max_depth)
                {
                    fail(path + ".$ref", "expected a place in this document, such as #/$defs/name", *target);
                }
                return object_at(m_targets.resolve(*text, path), beginning_of(*text), steps + 1);
            }
            for (auto const& member : *schema.as_object()) { check_keyword(member.name, path); }
            for (auto const* const keyword : {"anyOf", "oneOf", "allOf", "enum", "const"})
            {
                if (schema.find(keyword))
                {
                    fail(path, sentence("the keyword ", keyword, " is not supported"));
                }
            }
            auto const types = types_of(schema, path);
            if (!types.empty() && types != std::vector<std::string>{"object"})
            {
                fail(path, "expected the type object", schema);
            }
            return object(schema, path);
        }

        // The members of an object schema from after { up to and including }.
        grammar::part members(json_value const& schema, std::string const& path)
        {
            static json_value const none{json_value::object{}};
            auto const* properties = schema.find("properties");
            if (!properties) { properties = &none; }
            if (!properties->as_object()) { fail(path + ".properties", "expected an object", *properties); }
            auto const listed = m_notation.ordered(*properties);
            auto const required = required_names(schema, listed, path);

            // after[i]: what may follow once a member has been written, from member i on
            auto next = m_grammar.add_rule(m_grammar.byte('}'));
            std::vector<grammar::part> first;    // what may come first, the last member's way first
            bool empty_allowed = true;
            for (std::size_t i = listed.size(); i-- != 0;)
            {
                auto const& [name, schema_of_member] = *listed[i];
                auto const member = m_grammar.add_rule(m_grammar.sequence(
                    {m_notation.key(name), value(schema_of_member, member_path(path, name))}));
                bool const optional = !required.contains(name);
                if (!optional)
                {
                    first.clear();
                    empty_allowed = false;
                }
                first.push_back(m_grammar.sequence({m_grammar.call(member), m_grammar.call(next)}));
                std::vector<grammar::part> ways{
                    m_grammar.sequence({m_notation.comma(), m_grammar.call(member), m_grammar.call(next)})};
                if (optional) { ways.push_back(m_grammar.call(next)); }
                next = m_grammar.add_rule(m_grammar.choice(std::move(ways)));
            }
            if (empty_allowed) { first.push_back(m_grammar.byte('}')); }
            return m_grammar.choice(std::move(first));
        }

    private:
        static constexpr std::size_t max_depth = 128;

        grammar::part unguarded(json_value const& schema, std::string const& path)
        {
            std::vector<grammar::part> ways;
            if (auto const* const nullable = schema.find("nullable"))
            {
                if (!nullable->as_bool()) { fail(path + ".nullable", "expected a boolean", *nullable); }
                if (*nullable->as_bool()) { ways.push_back(m_notation.null()); }
            }
            add_ways(schema, path, ways);
            return ways.size() == 1 ? ways.front() : m_grammar.choice(std::move(ways));
        }

        void add_ways(json_value const& schema, std::string const& path, std::vector<grammar::part>& ways)
        {
            if (auto const* const target = schema.find("$ref"))
            {
                check_alone(schema, "$ref", path);
                return ways.push_back(reference(*target, path + ".$ref"));
            }
            for (auto const* const keyword : {"anyOf", "oneOf", "allOf"})
            {
                auto const* const list = schema.find(keyword);
                if (!list) { continue; }
                check_alone(schema, keyword, path);
                auto const place = path + "." + keyword;
                if (!list->as_array() || list->as_array()->empty())
                {
                    fail(place, "expected a list of schemas", *list);
                }
                auto const& schemas = *list->as_array();
                if (std::string_view(keyword) == "allOf" && schemas.size() != 1)
                {
                    fail(place, sentence("expected one schema, found ", schemas.size()));
                }
                for (std::size_t i = 0; i != schemas.size(); ++i)
                {
                    ways.push_back(value(schemas[i], sentence(place, "[", i, "]")));
                }
                if (std::string_view(keyword) == "oneOf") { check_one_of(schemas, place); }
                return;
            }
            auto const types = types_of(schema, path);
            if (auto const* const only = schema.find("const"))
            {
                check_beside_values(schema, "const", path);
                if (fits(*only, types)) { ways.push_back(m_notation.fixed(*only)); }
                return;
            }
            if (auto const* const values = schema.find("enum"))
            {
                check_beside_values(schema, "enum", path);
                if (!values->as_array()) { fail(path + ".enum", "expected a list", *values); }
                std::vector<json_value const*> fitting;
                for (auto const& one : *values->as_array())
                {
                    if (fits(one, types)) { fitting.push_back(&one); }
                }
                return ways.push_back(m_notation.one_of(fitting));
            }
            if (types.empty()) { return ways.push_back(m_notation.any()); }
            for (auto const& type : types) { ways.push_back(of_type(type, schema, path)); }
        }

        void check_one_of(json_value::array const& schemas, std::string const& place)
        {
            detail::schema_overlap overlap(m_targets);
            for (std::size_t i = 0; i != schemas.size(); ++i)
            {
                for (std::size_t j = 0; j != i; ++j)
                {
                    if (overlap.apart(schemas[j], schemas[i])) { continue; }
                    if (overlap.gave_up())
                    {
                        fail(place, "expected schemas that are seen to exclude each other, found too many");
                    }
                    fail(place, sentence("a value may fit both ", j, " and ", i,
                                         ", which oneOf forbids and anyOf allows: expected schemas that "
                                         "exclude each other"));
                }
            }
        }

        grammar::part of_type(std::string const& type, json_value const& schema, std::string const& path)
        {
            if (type == "object") { return object(schema, path); }
            if (type == "array") { return array(schema, path); }
            if (type == "string") { return string(schema, path); }
            if (type == "boolean") { return m_notation.boolean(); }
            if (type == "null") { return m_notation.null(); }
            auto const limits = bounds(schema, path, type == "integer");
            if (type == "integer")
            {
                if (!limits.any()) { return m_notation.integer(); }
                return m_grammar.call(m_grammar.add_rule(integer_between(m_grammar, limits)));
            }
            if (!limits.any()) { return m_notation.number(); }
            return m_grammar.call(m_grammar.add_rule(number_between(m_grammar, limits)));
        }

        grammar::part object(json_value const& schema, std::string const& path)
        {
            auto const* const additional = schema.find("additionalProperties");
            auto const* const listed = schema.find("properties");
            bool const none_listed = listed && listed->as_object() && listed->as_object()->empty();
            if (!listed || (none_listed && additional && *additional != json_value(false)))
            {
                if (auto const* const names = schema.find("required");
                    names && (!names->as_array() || !names->as_array()->empty()))
                {
                    fail(path + ".required", "expected names that are in properties", *names);
                }
                auto const* const none = additional ? additional->as_bool() : nullptr;
                if (none && !*none) { return m_grammar.literal("{}"); }
                auto const of_any = !additional || none ? m_notation.any()
                                                        : value(*additional, path + ".additionalProperties");
                return m_notation.map(of_any);
            }
            return m_grammar.call(
                m_grammar.add_rule(m_grammar.sequence({m_grammar.byte('{'), members(schema, path)})));
        }

        grammar::part array(json_value const& schema, std::string const& path)
        {
            if (auto const* const unique = schema.find("uniqueItems"); unique && *unique != json_value(false))
            {
                fail(path, "the keyword uniqueItems is not supported");
            }
            auto const min = count(schema, "minItems", path).value_or(0);
            auto const max = count(schema, "maxItems", path).value_or(grammar::unbounded);
            if (min > max) { fail(path, "minItems is above maxItems"); }
            auto const* const items = schema.find("items");
            auto const* const prefix = schema.find("prefixItems");
            auto const rule_of = [&](json_value const* item, std::string const& place)
            { return m_grammar.call(m_grammar.add_rule(item ? value(*item, place) : m_notation.any())); };
            if (!prefix) { return m_notation.array(rule_of(items, path + ".items"), min, max); }

            if (!prefix->as_array()) { fail(path + ".prefixItems", "expected a list", *prefix); }
            auto const& first = *prefix->as_array();
            // From the end: what may follow the first i items.
            std::vector<grammar::part> ways;
            auto const close = m_grammar.byte(']');
            auto rest = close;
            bool const closed = items && items->as_bool() && !*items->as_bool();
            if (max > first.size() && !closed)
            {
                auto const item = rule_of(items, path + ".items");
                auto const more = max == grammar::unbounded ? max : max - first.size();
                auto const least = min > first.size() ? min - first.size() : 0;
                auto const one = first.empty() ? item : m_grammar.sequence({m_notation.comma(), item});
                auto const others = m_grammar.sequence({m_notation.comma(), item});
                auto const filled =
                    m_grammar.sequence({one,
                                        m_grammar.repeat(others, least == 0 ? 0 : least - 1,
                                                         more == grammar::unbounded ? more : more - 1),
                                        close});
                rest = least == 0 ? m_grammar.choice({filled, close}) : filled;
            }
            else if (min > first.size()) { rest = m_grammar.never(); }
            for (std::size_t i = std::min(first.size(), max); i-- != 0;)
            {
                auto const item = rule_of(&first[i], sentence(path, ".prefixItems[", i, "]"));
                std::vector<grammar::part> parts;
                if (i != 0) { parts.push_back(m_notation.comma()); }
                parts.push_back(item);
                parts.push_back(rest);
                rest = m_grammar.sequence(std::move(parts));
                if (i >= min) { rest = m_grammar.choice({rest, close}); }
                rest = m_grammar.call(m_grammar.add_rule(rest));
            }
            return m_grammar.sequence({m_grammar.byte('['), rest});
        }

        grammar::part string(json_value const& schema, std::string const& path)
        {
            auto const min = count(schema, "minLength", path);
            auto const max = count(schema, "maxLength", path);
            auto const* const pattern = schema.find("pattern");
            auto const* const format = schema.find("format");
            if ((pattern && format) || ((pattern || format) && (min || max)))
            {
                fail(path, sentence("the keyword ", pattern ? "pattern" : "format", " beside ",
                                    min   ? "minLength"
                                    : max ? "maxLength"
                                          : "format",
                                    " is not supported"));
            }
            if (pattern)
            {
                if (!pattern->as_string()) { fail(path + ".pattern", "expected a string", *pattern); }
                return text_of(*pattern->as_string(), pattern_match::anywhere);
            }
            if (format) { return of_format(*format, path + ".format"); }
            if (!min && !max) { return m_notation.string(); }
            if (min && max && *min > *max) { fail(path, "minLength is above maxLength"); }
            return m_notation.string(min.value_or(0), max.value_or(grammar::unbounded));
        }

        grammar::part text_of(std::string_view pattern, pattern_match match)
        {
            detail::regular_expression_reader reader(m_grammar, pattern, match,
                                                     [&](code_point_set const& set)
                                                     { return m_notation.character(set); });
            return m_grammar.call(m_grammar.add_rule(m_notation.quoted(reader.read())));
        }

        grammar::part of_format(json_value const& format, std::string const& path)
        {
            struct known_format
            {
                std::string_view name;
                std::string_view pattern;
            };
            // RFC 3339 (without leap seconds and the year 0) and RFC 9562
            static std::string const date =
                R"(((\d{3}[1-9]|\d\d[1-9]0|\d[1-9]00|[1-9]000)-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|)"
                R"((0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))|)"
                R"((\d\d(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29))";
            static std::string const time =
                R"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))";
            static std::string const date_time = date + "T" + time;
            static std::array<known_format, 4> const known{
                {{"date", date},
                 {"time", time},
                 {"date-time", date_time},
                 {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"}}};
            for (auto const& [name, pattern] : known)
            {
                if (format == json_value(name)) { return text_of(pattern, pattern_match::whole); }
            }
            fail(path, "expected date, time, date-time or uuid", format);
        }

        grammar::part reference(json_value const& target, std::string const& path)
        {
            auto const* const text = target.as_string();
            if (!is_place(text))
            {
                fail(path, "expected a place in this document, such as #/$defs/name", target);
            }
            if (m_embedded != 0)
            {
                fail(path, "the keyword $ref inside a schema with an $id of its own is not supported");
            }
            if (auto const known = m_references.find(*text); known != m_references.end())
            {
                return m_grammar.call(known->second);
            }
            auto const& schema = m_targets.resolve(*text, path);
            auto const rule = m_grammar.declare();
            m_references.emplace(*text, rule);
            m_grammar.define(rule, value(schema, beginning_of(*text)));
            return m_grammar.call(rule);
        }

        static bool is_place(std::string const* reference)
        {
            return reference && reference->starts_with('#')
                   && (reference->size() == 1 || (*reference)[1] == '/');
        }

        // A document of its own inside the document: its references begin there.
        bool is_embedded(json_value const& schema) const
        {
            auto const* const id = &schema == &m_document ? nullptr : schema.find("$id");
            return id && id->as_string() && !id->as_string()->starts_with('#');
        }

        value_notation& m_notation;
        grammar& m_grammar;
        json_value const& m_document;
        detail::schema_references m_targets;
        std::map<std::string, grammar::rule> m_references;
        std::size_t m_depth = 0;
        std::size_t m_embedded = 0;    // schemas with an $id of their own, around this one
    };

    // JSON documents that fit the schema. argument_error names the place, the keyword, what was expected and
    // what was found, or the limit that it is beyond.
    inline grammar json_schema_grammar(json_value const& schema, json_space space = json_space::one,
                                       grammar_limits const& limits = {})
    {
        grammar out(limits);
        auto notation = value_notation::json(out, space);
        schema_compiler compiler(notation, schema);
        out.set_root(compiler.value(schema, "$"));
        return out;
    }
}
