// Which C++ types stand for which JSON values.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/grammar/field.hpp>

namespace gemma4::inline v0::detail
{
    template <class T>
    inline constexpr bool is_optional = false;
    template <class T>
    inline constexpr bool is_optional<std::optional<T>> = true;

    template <class T>
    inline constexpr bool is_list = false;
    template <class T, class Allocator>
    inline constexpr bool is_list<std::vector<T, Allocator>> = true;

    template <class T>
    inline constexpr std::size_t fixed_size = 0;    // of an array type
    template <class T, std::size_t N>
    inline constexpr std::size_t fixed_size<std::array<T, N>> = N;
    template <class T>
    inline constexpr bool is_fixed_list = false;
    template <class T, std::size_t N>
    inline constexpr bool is_fixed_list<std::array<T, N>> = true;

    template <class T>
    inline constexpr bool is_map = false;
    template <class T, class... Rest>
    inline constexpr bool is_map<std::map<std::string, T, Rest...>> = true;
    template <class T, class... Rest>
    inline constexpr bool is_map<std::unordered_map<std::string, T, Rest...>> = true;

    template <class T>
    concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t>
                        || std::same_as<T, char16_t> || std::same_as<T, char32_t>;

    template <class T>
    concept integer_type = std::integral<T> && !std::same_as<T, bool> && !character<T>;

    template <class T>
    inline constexpr bool no_json_form = false;
}
