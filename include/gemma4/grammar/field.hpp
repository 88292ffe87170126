// How a program says what a type looks like to a model: one line per field.
//
//     struct item
//     {
//         std::string name;
//         double price = 0;
//         int count = 1;
//
//         static constexpr auto fields =
//             gemma4::fields(gemma4::field("name", &item::name, "what was bought"),
//                            gemma4::field("price", &item::price, "of one piece, in euros"),
//                            gemma4::optional_field("count", &item::count));    // left out: 1
//     };
//
//     enum class unit { celsius, fahrenheit };
//     constexpr auto names_of(std::type_identity<unit>)
//     {
//         return gemma4::names(gemma4::named("celsius", unit::celsius),
//                              gemma4::named("fahrenheit", unit::fahrenheit));
//     }
//
// For a struct of someone else: constexpr auto fields_of(std::type_identity<theirs>), in its namespace.
// Field types: bool, integers, float, double, std::string, such enums and structs, std::optional,
// std::vector, std::array, std::map and std::unordered_map with string keys, json_value (anything).
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace gemma4::inline v0
{
    template <class Owner, class Member>
    struct field_of_type
    {
        using owner = Owner;
        using type = Member;

        std::string_view name;
        Member Owner::*member;
        std::string_view description;
        bool may_be_absent;    // then the member keeps what Owner{} has
    };

    template <class Owner, class Member>
    constexpr auto field(std::string_view name, Member Owner::*member, std::string_view description = {})
    {
        return field_of_type<Owner, Member>{name, member, description, false};
    }

    // A field that may be left out: it has the value that the struct's initialiser gives it.
    template <class Owner, class Member>
    constexpr auto optional_field(std::string_view name, Member Owner::*member,
                                  std::string_view description = {})
    {
        return field_of_type<Owner, Member>{name, member, description, true};
    }

    template <class... Fields>
    constexpr auto fields(Fields... each)
    {
        return std::tuple<Fields...>(each...);
    }

    template <class Enum>
    struct named_value
    {
        std::string_view name;
        Enum value;
    };

    template <class Enum>
        requires std::is_enum_v<Enum>
    constexpr auto named(std::string_view name, Enum value)
    {
        return named_value<Enum>{name, value};
    }

    template <class Enum, class... Others>
    constexpr auto names(named_value<Enum> first, Others... others)
    {
        return std::array<named_value<Enum>, 1 + sizeof...(Others)>{first, others...};
    }

    namespace detail
    {
        template <class T>
        concept has_own_fields = requires { T::fields; };
        template <class T>
        concept has_outer_fields = requires { fields_of(std::type_identity<T>{}); };

        template <class T>
        constexpr auto described_fields()
        {
            if constexpr (has_own_fields<T>) { return T::fields; }
            else { return fields_of(std::type_identity<T>{}); }
        }

        template <class T>
        constexpr auto enum_names()
        {
            return names_of(std::type_identity<T>{});
        }
    }

    // A struct with a list of fields.
    template <class T>
    concept described_struct =
        std::is_class_v<T> && (detail::has_own_fields<T> || detail::has_outer_fields<T>);

    // An enum whose values have names.
    template <class T>
    concept named_enum = std::is_enum_v<T> && requires { names_of(std::type_identity<T>{}); };

    // Calls visit(field) for each field of T.
    template <described_struct T, class Visit>
    constexpr void for_each_field(Visit&& visit)
    {
        std::apply([&](auto const&... each) { (visit(each), ...); }, detail::described_fields<T>());
    }
}
