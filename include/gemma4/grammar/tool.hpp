// A tool from a C++ function: its declaration, its arguments and its result follow from the types.
//
//     double convert(double amount, currency to);
//     auto const t = gemma4::tool("convert", "Converts euros", &convert,
//                                 gemma4::parameter("amount", "in euros"), gemma4::parameter("to",
//                                 "target"));
//
//     auto const u = gemma4::tool("book", "Books a table", [](booking const& b) { ... });    // a struct of
//     fields
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/tool.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/field.hpp>
#include <gemma4/grammar/type_schema.hpp>
#include <gemma4/grammar/type_value.hpp>
#include <gemma4/grammar/value_type.hpp>

namespace gemma4::inline v0
{
    // What a function's parameter is called. With a default the model may leave it out; a std::optional
    // parameter may be left out without one.
    struct tool_parameter
    {
        std::string name;
        std::string description;
        std::optional<json_value> fallback;
    };

    inline tool_parameter parameter(std::string name, std::string description = {})
    {
        return {std::move(name), std::move(description), std::nullopt};
    }

    template <class Value>
    tool_parameter parameter(std::string name, std::string description, Value const& fallback)
    {
        return {std::move(name), std::move(description), value_from(fallback)};
    }

    namespace detail
    {
        // What holds an argument until the call.
        template <class Parameter>
        using argument_of =
            std::conditional_t<std::is_same_v<std::remove_cvref_t<Parameter>, std::string_view>, std::string,
                               std::remove_cvref_t<Parameter>>;

        // The declaration that chat templates take.
        inline json_value tool_declaration(std::string_view name, std::string_view what,
                                           json_value parameters)
        {
            return json_value::object{
                {"type", "function"},
                {"function", json_value::object{{"name", name},
                                                {"description", what},
                                                {"parameters", std::move(parameters)}}}};
        }

        template <class Argument>
        Argument argument(json_value const& arguments, tool_parameter const& parameter)
        {
            auto const* found = arguments.find(parameter.name);
            auto const path = "arguments." + parameter.name;
            if ((!found || found->is_null()) && parameter.fallback) { found = &*parameter.fallback; }
            if (found) { return value_to<Argument>(*found, path); }
            if constexpr (is_optional<Argument>) { return std::nullopt; }
            else { throw argument_error(sentence(path, ": expected a value, found none")); }
        }

        inline void check_arguments(json_value const& arguments,
                                    std::vector<tool_parameter> const& parameters)
        {
            if (!arguments.as_object()) { wrong_value("arguments", "an object", arguments); }
            for (auto const& member : *arguments.as_object())
            {
                bool known = false;
                for (auto const& parameter : parameters) { known |= parameter.name == member.name; }
                if (!known) { wrong_value("arguments." + member.name, "no such argument", member.value); }
            }
        }

        template <class Call>
        json_value result_of(Call&& call)
        {
            if constexpr (std::is_void_v<decltype(call())>)
            {
                call();
                return json_value();
            }
            else { return value_from<std::remove_cvref_t<decltype(call())>>(call()); }
        }

        template <class Result, class... Parameters>
        tool_definition tool_of(std::string name, std::string_view what,
                                std::function<Result(Parameters...)> function,
                                std::vector<tool_parameter> parameters)
        {
            schema_writer writer(schema_use::declaration);
            json_value::object properties;
            json_value::array required;
            [[maybe_unused]] std::size_t at = 0;
            [[maybe_unused]] auto const declare = [&]<class Argument>(std::type_identity<Argument>)
            {
                auto const& parameter = parameters[at++];
                properties.push_back(
                    {parameter.name, writer.template member<Argument>(parameter.description, std::nullopt)});
                if constexpr (!is_optional<Argument>)
                {
                    if (!parameter.fallback) { required.emplace_back(parameter.name); }
                    // A default of the wrong type is found now, not when the model calls.
                    else { value_to<Argument>(*parameter.fallback, "default of " + parameter.name); }
                }
            };
            (declare(std::type_identity<argument_of<Parameters>>{}), ...);
            auto schema = schema_writer::of_type("object");
            schema.set("properties", std::move(properties));
            if (!required.empty()) { schema.set("required", std::move(required)); }

            auto declaration = tool_declaration(name, what, std::move(schema));
            return {
                std::move(name), std::move(declaration),
                [function = std::move(function), parameters = std::move(parameters)](json_value const& given)
                {
                    check_arguments(given, parameters);
                    return [&]<std::size_t... I>(std::index_sequence<I...>)
                    {
                        std::tuple<argument_of<Parameters>...> values(
                            argument<argument_of<Parameters>>(given, parameters[I])...);
                        return result_of([&] { return std::apply(function, std::move(values)); });
                    }(std::index_sequence_for<Parameters...>{});
                }};
        }

        template <class Result, class Struct>
        tool_definition tool_of_struct(std::string name, std::string_view what,
                                       std::function<Result(Struct)> function)
        {
            using argument = std::remove_cvref_t<Struct>;
            auto declaration = tool_declaration(name, what, schema_of<argument>(schema_use::declaration));
            return {std::move(name), std::move(declaration),
                    [function = std::move(function)](json_value const& given)
                    { return result_of([&] { return function(value_to<argument>(given, "arguments")); }); }};
        }

        template <class Function>
        inline constexpr bool takes_struct = false;
        template <class Result, class Struct>
        inline constexpr bool takes_struct<std::function<Result(Struct)>> =
            described_struct<std::remove_cvref_t<Struct>>;

        template <class Function>
        inline constexpr std::size_t arity = 0;
        template <class Result, class... Parameters>
        inline constexpr std::size_t arity<std::function<Result(Parameters...)>> = sizeof...(Parameters);
    }

    // A function pointer or an object with one operator(), by value or const& parameters. With parameter(...)
    // for each of them, in order; or with none for a function of one struct of fields. What the call throws
    // passes through; arguments that do not fit are an argument_error naming them.
    template <class Function, class... Named>
    tool_definition tool(std::string name, std::string_view what, Function function, Named... parameters)
    {
        std::function call = std::move(function);
        if constexpr (detail::takes_struct<decltype(call)> && sizeof...(Named) == 0)
        {
            return detail::tool_of_struct(std::move(name), what, std::move(call));
        }
        else
        {
            static_assert(detail::arity<decltype(call)> == sizeof...(Named),
                          "gemma4::tool: one gemma4::parameter(...) for each parameter of the function");
            return detail::tool_of(std::move(name), what, std::move(call),
                                   std::vector<tool_parameter>{std::move(parameters)...});
        }
    }
}
