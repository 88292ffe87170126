// Described types for the tests of C++ types.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/grammar/field.hpp>

namespace shop
{
    enum class currency
    {
        euro,
        dollar
    };
    constexpr auto names_of(std::type_identity<currency>)
    {
        return gemma4::names(gemma4::named("EUR", currency::euro), gemma4::named("USD", currency::dollar));
    }

    struct item
    {
        std::string name;
        double price = 0;
        std::int32_t count = 1;

        static constexpr auto fields = gemma4::fields(gemma4::field("name", &item::name, "what was bought"),
                                                      gemma4::field("price", &item::price),
                                                      gemma4::optional_field("count", &item::count));
        bool operator==(item const&) const = default;
    };

    struct invoice
    {
        std::string number;
        double total = 0;
        std::vector<item> items;
        std::optional<std::string> note;
        currency in = currency::dollar;

        static constexpr auto fields = gemma4::fields(
            gemma4::field("number", &invoice::number, "what it is"), gemma4::field("total", &invoice::total),
            gemma4::field("items", &invoice::items), gemma4::field("note", &invoice::note),
            gemma4::optional_field("currency", &invoice::in));
        bool operator==(invoice const&) const = default;
    };

    // Someone else's struct.
    struct place
    {
        float x = 0;
        float y = 0;
        bool operator==(place const&) const = default;
    };
    constexpr auto fields_of(std::type_identity<place>)
    {
        return gemma4::fields(gemma4::field("x", &place::x), gemma4::field("y", &place::y));
    }

    struct tree
    {
        std::uint8_t value = 0;
        std::vector<tree> children;

        static constexpr auto fields = gemma4::fields(gemma4::field("value", &tree::value),
                                                      gemma4::optional_field("children", &tree::children));
        bool operator==(tree const&) const = default;
    };

    struct everything
    {
        bool flag = false;
        std::uint64_t big = 0;
        std::int16_t small = 0;
        float single = 0;
        std::array<place, 2> corners{};
        std::map<std::string, std::vector<int>> lists;
        std::vector<std::optional<bool>> maybe;
        std::optional<tree> root;
        gemma4::json_value extra;

        static constexpr auto fields = gemma4::fields(
            gemma4::field("flag", &everything::flag), gemma4::field("big", &everything::big),
            gemma4::field("small", &everything::small), gemma4::field("single", &everything::single),
            gemma4::field("corners", &everything::corners), gemma4::field("lists", &everything::lists),
            gemma4::field("maybe", &everything::maybe), gemma4::field("root", &everything::root),
            gemma4::field("extra", &everything::extra));
        bool operator==(everything const&) const = default;
    };
}
