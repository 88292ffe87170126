// C++ type -> JSON Schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/grammar/field.hpp>
#include <gemma4/grammar/type_value.hpp>
#include <gemma4/grammar/value_type.hpp>

namespace gemma4::inline v0
{
    enum class schema_use
    {
        grammar,       // also the bounds of integer types
        declaration    // as tools are declared to the model: no more than it should read
    };

    namespace detail
    {
        template <class T>
        inline constexpr char type_key = 0;    // its address stands for T

        class schema_writer
        {
        public:
            explicit schema_writer(schema_use use)
                : m_use(use)
            {}

            template <class T>
            json_value document()
            {
                auto schema = write<T>();
                if (m_definitions.empty()) { return schema; }
                schema.set("$defs", json_value(std::move(m_definitions)));
                return schema;
            }

            template <class T>
            json_value write()
            {
                if constexpr (std::same_as<T, json_value>) { return json_value::object{}; }
                else if constexpr (std::same_as<T, bool>) { return of_type("boolean"); }
                else if constexpr (integer_type<T>) { return integer<T>(); }
                else if constexpr (std::floating_point<T>) { return of_type("number"); }
                else if constexpr (std::same_as<T, std::string>) { return of_type("string"); }
                else if constexpr (named_enum<T>)
                {
                    json_value::array values;
                    for (auto const& each : enum_names<T>()) { values.emplace_back(each.name); }
                    auto out = of_type("string");
                    out.set("enum", std::move(values));
                    return out;
                }
                else if constexpr (is_optional<T>)
                {
                    auto out = write<typename T::value_type>();
                    if (out.find("$ref"))
                    {
                        return json_value::object{{"anyOf", json_value::array{out, of_type("null")}}};
                    }
                    if (!out.as_object()->empty()) { out.set("nullable", true); }
                    return out;
                }
                else if constexpr (is_list<T> || is_fixed_list<T>)
                {
                    auto out = of_type("array");
                    out.set("items", write<typename T::value_type>());
                    if constexpr (is_fixed_list<T>)
                    {
                        out.set("minItems", std::int64_t(fixed_size<T>));
                        out.set("maxItems", std::int64_t(fixed_size<T>));
                    }
                    return out;
                }
                else if constexpr (is_map<T>)
                {
                    auto out = of_type("object");
                    out.set("additionalProperties", write<typename T::mapped_type>());
                    return out;
                }
                else if constexpr (described_struct<T>) { return structure<T>(); }
                else
                {
                    static_assert(no_json_form<T>,
                                  "gemma4: a type without a JSON form: describe it with gemma4::fields or "
                                  "gemma4::names (grammar/field.hpp)");
                }
            }

            // The schema of a member or parameter, with its description and default.
            template <class T>
            json_value member(std::string_view description, std::optional<json_value> const& fallback)
            {
                auto out = [&]
                {
                    if constexpr (is_optional<T>) { return write<typename T::value_type>(); }
                    else { return write<T>(); }
                }();
                if (!description.empty()) { out.set("description", description); }
                if (fallback && m_use == schema_use::grammar) { out.set("default", *fallback); }
                return out;
            }

            static json_value of_type(std::string_view name) { return json_value::object{{"type", name}}; }

        private:
            template <class T>
            json_value integer() const
            {
                auto out = of_type("integer");
                if (m_use == schema_use::declaration) { return out; }
                if constexpr (std::is_unsigned_v<T>) { out.set("minimum", 0); }
                if constexpr (sizeof(T) < sizeof(std::int64_t))
                {
                    if constexpr (std::is_signed_v<T>)
                    {
                        out.set("minimum", std::int64_t(std::numeric_limits<T>::min()));
                    }
                    out.set("maximum", std::int64_t(std::numeric_limits<T>::max()));
                }
                return out;
            }

            // A struct that holds itself is written once, in $defs.
            template <class T>
            json_value structure()
            {
                for (auto& open : m_open)
                {
                    if (open.key != &type_key<T>) { continue; }
                    if (open.name.empty()) { open.name = "type_" + std::to_string(++m_named); }
                    return json_value::object{{"$ref", "#/$defs/" + open.name}};
                }
                for (auto const& [key, name] : m_closed)
                {
                    if (key == &type_key<T>) { return json_value::object{{"$ref", "#/$defs/" + name}}; }
                }
                m_open.push_back({&type_key<T>, {}});
                auto schema = plain_structure<T>();
                auto const name = std::move(m_open.back().name);
                m_open.pop_back();
                if (name.empty()) { return schema; }
                m_closed.push_back({&type_key<T>, name});
                m_definitions.push_back({name, std::move(schema)});
                return json_value::object{{"$ref", "#/$defs/" + name}};
            }

            template <class T>
            json_value plain_structure()
            {
                json_value::object properties;
                json_value::array required;
                for_each_field<T>(
                    [&]<class Field>(Field const& field)
                    {
                        using type = typename Field::type;
                        std::optional<json_value> fallback;
                        if constexpr (!is_optional<type>)
                        {
                            if (field.may_be_absent) { fallback = value_from(T{}.*field.member); }
                            else { required.emplace_back(field.name); }
                        }
                        properties.push_back({std::string(field.name),
                                              this->template member<type>(field.description, fallback)});
                    });
                auto out = of_type("object");
                out.set("properties", std::move(properties));
                if (!required.empty()) { out.set("required", std::move(required)); }
                return out;
            }

            struct known_type
            {
                char const* key;
                std::string name;
            };

            schema_use m_use;
            std::size_t m_named = 0;
            std::vector<known_type> m_open;      // structs around what is being written
            std::vector<known_type> m_closed;    // structs in m_definitions
            json_value::object m_definitions;
        };
    }

    // Members in the order of the fields; those that may be absent are not required.
    template <class T>
    json_value schema_of(schema_use use = schema_use::grammar)
    {
        return detail::schema_writer(use).document<T>();
    }
}
