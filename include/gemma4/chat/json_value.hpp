// A JSON value that keeps what a chat template can see: whether a number was written as an integer or as a
// float, integers of any size, and the order of members.
//
// Whatever follows a value down, its destructor too, needs stack for each level, so levels are limited.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    struct json_member;

    // Levels of arrays and objects in one another. Text that is read may have half of them
    // (chat/json_text.hpp), so that what is read can be put into messages and declarations.
    inline constexpr std::size_t max_json_value_levels = 512;

    // argument_error from whatever makes an array or an object: more levels.
    class json_value
    {
    public:
        using array = std::vector<json_value>;
        using object = std::vector<json_member>;    // unique names, in the order of their first appearance

        // Decimal digits with an optional leading '-': no leading zeros, no "-0".
        struct integer
        {
            std::string digits;
            bool operator==(integer const&) const = default;
        };

        // Defined below, where json_member is complete.
        json_value() noexcept;    // null
        json_value(json_value const&);
        json_value(json_value&&) noexcept;
        json_value& operator=(json_value const&);
        json_value& operator=(json_value&&) noexcept;
        ~json_value();

        json_value(bool value);
        json_value(double value);
        json_value(int value);
        json_value(std::int64_t value);
        json_value(integer value);
        json_value(std::string value);
        json_value(std::string_view value);
        json_value(char const* value);
        json_value(array value);
        json_value(
            object value);    // of members with the same name the last value stays, at the first's place

        bool is_null() const noexcept { return std::holds_alternative<std::monostate>(m_value); }

        // nullptr: of another kind
        bool const* as_bool() const noexcept { return std::get_if<bool>(&m_value); }
        double const* as_float() const noexcept { return std::get_if<double>(&m_value); }
        integer const* as_integer() const noexcept { return std::get_if<integer>(&m_value); }
        std::string const* as_string() const noexcept { return std::get_if<std::string>(&m_value); }
        array const* as_array() const noexcept { return std::get_if<array>(&m_value); }
        object const* as_object() const noexcept { return std::get_if<object>(&m_value); }

        // The member of an object; nullptr: none, or not an object.
        json_value const* find(std::string_view name) const noexcept;

        // Sets or appends a member; null becomes an empty object first, any other kind too.
        void set(std::string_view name, json_value value);

        // 0: neither an array nor an object; else one more than the most of what is inside.
        std::size_t levels() const noexcept { return m_levels; }

        // Same kind, same value; members in the same order.
        friend bool operator==(json_value const&, json_value const&) noexcept;

    private:
        void stand_on(std::size_t levels);

        std::variant<std::monostate, bool, integer, double, std::string, array, object> m_value;
        std::uint16_t m_levels = 0;
    };

    struct json_member
    {
        std::string name;
        json_value value;

        bool operator==(json_member const&) const = default;
    };

    inline json_value::json_value() noexcept = default;
    inline json_value::json_value(json_value const&) = default;
    inline json_value::json_value(json_value&&) noexcept = default;
    inline json_value& json_value::operator=(json_value const&) = default;
    inline json_value& json_value::operator=(json_value&&) noexcept = default;
    inline json_value::~json_value() = default;

    inline json_value::json_value(bool value)
        : m_value(value)
    {}
    inline json_value::json_value(double value)
        : m_value(value)
    {}
    inline json_value::json_value(int value)
        : json_value(std::int64_t(value))
    {}
    inline json_value::json_value(std::int64_t value)
        : m_value(integer{std::to_string(value)})
    {}
    inline json_value::json_value(integer value)
        : m_value(std::move(value))
    {}
    inline json_value::json_value(std::string value)
        : m_value(std::move(value))
    {}
    inline json_value::json_value(std::string_view value)
        : m_value(std::string(value))
    {}
    inline json_value::json_value(char const* value)
        : m_value(std::string(value))
    {}
    inline json_value::json_value(array value)
    {
        std::size_t inside = 0;
        for (auto const& item : value) { inside = std::max(inside, item.levels()); }
        stand_on(inside);
        m_value = std::move(value);
    }

    inline json_value::json_value(object value)
    {
        std::unordered_map<std::string_view, std::size_t> places;
        object unique;
        unique.reserve(value.size());    // the names in `places` must not move
        for (auto& member : value)
        {
            if (auto const known = places.find(member.name); known != places.end())
            {
                unique[known->second].value = std::move(member.value);
                continue;
            }
            unique.push_back(std::move(member));
            places.emplace(unique.back().name, unique.size() - 1);
        }
        std::size_t inside = 0;
        for (auto const& member : unique) { inside = std::max(inside, member.value.levels()); }
        stand_on(inside);
        m_value = std::move(unique);
    }

    // This is an array or an object of values of at most so many levels.
    inline void json_value::stand_on(std::size_t levels)
    {
        if (levels >= max_json_value_levels)
        {
            throw argument_error(
                sentence("JSON value: expected at most ", max_json_value_levels, " levels, found more"));
        }
        m_levels = std::uint16_t(levels + 1);
    }

    inline json_value const* json_value::find(std::string_view name) const noexcept
    {
        if (auto const* const members = as_object())
        {
            for (auto const& member : *members)
            {
                if (member.name == name) { return &member.value; }
            }
        }
        return nullptr;
    }

    inline void json_value::set(std::string_view name, json_value value)
    {
        auto const inside = value.levels();
        if (inside + 1 > m_levels || !as_object()) { stand_on(inside); }
        if (!as_object()) { m_value = object{}; }
        auto& members = std::get<object>(m_value);
        for (auto& member : members)
        {
            if (member.name == name)
            {
                member.value = std::move(value);
                return;
            }
        }
        members.push_back({std::string(name), std::move(value)});
    }

    inline bool operator==(json_value const& a, json_value const& b) noexcept
    {
        return a.m_value == b.m_value;
    }
}
