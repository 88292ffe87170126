// C++ values <-> JSON values.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/grammar/field.hpp>
#include <gemma4/grammar/value_type.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        [[noreturn]] inline void wrong_value(std::string_view path, std::string_view expected,
                                             json_value const& found)
        {
            throw argument_error(
                sentence(path, ": expected ", expected, ", found ", beginning_of(to_json(found))));
        }

        template <class T>
        std::string range_of_type()
        {
            return sentence("an integer from ", std::numeric_limits<T>::min(), " to ",
                            std::numeric_limits<T>::max());
        }

        template <class T>
        T integer_from(json_value const& value, std::string_view path)
        {
            if (auto const* const integer = value.as_integer())
            {
                T out{};
                auto const* const end = integer->digits.data() + integer->digits.size();
                auto const result = std::from_chars(integer->digits.data(), end, out);
                if (result.ec == std::errc() && result.ptr == end) { return out; }
            }
            // A model may write 3.0 for 3.
            else if (auto const* const number = value.as_float(); number && *number == std::floor(*number)
                                                                  && std::abs(*number) < 9e15
                                                                  && std::in_range<T>(std::int64_t(*number)))
            {
                return T(std::int64_t(*number));
            }
            wrong_value(path, range_of_type<T>(), value);
        }

        template <class T>
        T float_from(json_value const& value, std::string_view path)
        {
            double out = 0;
            if (auto const* const number = value.as_float()) { out = *number; }
            else if (auto const* const integer = value.as_integer())
            {
                auto const& digits = integer->digits;
                auto const result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
                if (result.ec != std::errc()) { wrong_value(path, "a number", value); }
            }
            else { wrong_value(path, "a number", value); }
            auto const narrow = T(out);
            if (!std::isfinite(narrow)) { wrong_value(path, "a number in the range of the type", value); }
            return narrow;
        }
    }

    // The C++ value of a JSON value. argument_error names the path inside the value, what was expected and
    // what was found. Accepted besides what schema_of says: null for an absent member, 3.0 for an integer.
    template <class T>
    T value_to(json_value const& value, std::string const& path = "$")
    {
        using namespace detail;
        if constexpr (std::same_as<T, json_value>) { return value; }
        else if constexpr (std::same_as<T, bool>)
        {
            if (!value.as_bool()) { wrong_value(path, "true or false", value); }
            return *value.as_bool();
        }
        else if constexpr (integer_type<T>) { return integer_from<T>(value, path); }
        else if constexpr (std::floating_point<T>) { return float_from<T>(value, path); }
        else if constexpr (std::same_as<T, std::string>)
        {
            if (!value.as_string()) { wrong_value(path, "a string", value); }
            return *value.as_string();
        }
        else if constexpr (named_enum<T>)
        {
            std::string known;
            for (auto const& each : enum_names<T>())
            {
                if (value.as_string() && *value.as_string() == each.name) { return each.value; }
                known += (known.empty() ? "" : ", ") + std::string(each.name);
            }
            wrong_value(path, "one of " + known, value);
        }
        else if constexpr (is_optional<T>)
        {
            if (value.is_null()) { return std::nullopt; }
            return value_to<typename T::value_type>(value, path);
        }
        else if constexpr (is_list<T> || is_fixed_list<T>)
        {
            auto const* const items = value.as_array();
            if (!items) { wrong_value(path, "an array", value); }
            T out{};
            if constexpr (is_fixed_list<T>)
            {
                if (items->size() != out.size())
                {
                    wrong_value(path, sentence("an array of ", out.size()), value);
                }
            }
            for (std::size_t i = 0; i != items->size(); ++i)
            {
                auto one = value_to<typename T::value_type>((*items)[i], sentence(path, "[", i, "]"));
                if constexpr (is_list<T>) { out.push_back(std::move(one)); }
                else { out[i] = std::move(one); }
            }
            return out;
        }
        else if constexpr (is_map<T>)
        {
            if (!value.as_object()) { wrong_value(path, "an object", value); }
            T out;
            for (auto const& [name, one] : *value.as_object())
            {
                out.emplace(name, value_to<typename T::mapped_type>(one, path + "." + name));
            }
            return out;
        }
        else if constexpr (described_struct<T>)
        {
            if (!value.as_object()) { wrong_value(path, "an object", value); }
            T out{};
            std::size_t known = 0;
            for_each_field<T>(
                [&]<class Field>(Field const& field)
                {
                    using type = typename Field::type;
                    auto const* const found = value.find(field.name);
                    auto const place = sentence(path, ".", field.name);
                    known += found != nullptr;
                    if (found && !(found->is_null() && field.may_be_absent))
                    {
                        out.*field.member = value_to<type>(*found, place);
                    }
                    else if (!found && !field.may_be_absent && !is_optional<type>)
                    {
                        throw argument_error(sentence(place, ": expected a value, found none"));
                    }
                });
            if (known != value.as_object()->size())
            {
                for (auto const& member : *value.as_object())
                {
                    bool is_field = false;
                    for_each_field<T>([&](auto const& field) { is_field |= field.name == member.name; });
                    if (!is_field) { wrong_value(path + "." + member.name, "no such member", member.value); }
                }
            }
            return out;
        }
        else { static_assert(no_json_form<T>, "gemma4: a type without a JSON form (grammar/field.hpp)"); }
    }

    // The JSON value of a C++ value. Optionals without a value are left out of objects; argument_error: an
    // enum value that has no name.
    template <class T>
    json_value value_from(T const& value)
    {
        using namespace detail;
        if constexpr (std::same_as<T, json_value> || std::same_as<T, bool> || std::same_as<T, std::string>)
        {
            return json_value(value);
        }
        else if constexpr (std::convertible_to<T const&, std::string_view>)
        {
            return json_value(std::string_view(value));
        }
        else if constexpr (integer_type<T>) { return json_value(json_value::integer{std::to_string(value)}); }
        else if constexpr (std::floating_point<T>)
        {
            if constexpr (sizeof(T) >= sizeof(double)) { return json_value(double(value)); }
            else
            {
                // The double with the fewest digits that is this float: 0.1f is 0.1.
                char digits[64];
                auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
                double out = value;
                std::from_chars(digits, end, out);
                return json_value(out);
            }
        }
        else if constexpr (named_enum<T>)
        {
            for (auto const& each : enum_names<T>())
            {
                if (each.value == value) { return json_value(each.name); }
            }
            throw argument_error("an enum value: expected one that has a name");
        }
        else if constexpr (is_optional<T>) { return value ? value_from(*value) : json_value(); }
        else if constexpr (is_list<T> || is_fixed_list<T>)
        {
            json_value::array out;
            for (auto const& one : value) { out.push_back(value_from<typename T::value_type>(one)); }
            return out;
        }
        else if constexpr (is_map<T>)
        {
            json_value::object out;
            for (auto const& [name, one] : value) { out.push_back({name, value_from(one)}); }
            return out;
        }
        else if constexpr (described_struct<T>)
        {
            json_value::object out;
            for_each_field<T>(
                [&]<class Field>(Field const& field)
                {
                    auto const& member = value.*field.member;
                    if constexpr (is_optional<typename Field::type>)
                    {
                        if (!member) { return; }
                    }
                    out.push_back({std::string(field.name), value_from(member)});
                });
            return out;
        }
        else { static_assert(no_json_form<T>, "gemma4: a type without a JSON form (grammar/field.hpp)"); }
    }
}
