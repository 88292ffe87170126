// The key-value pairs of a GGUF file: values stay where they are in the mapping and are read with a type on
// demand.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    static_assert(std::endian::native == std::endian::little,
                  "gemma4: GGUF files are read on little-endian machines");

    // The ids of the file.
    enum class gguf_kind : std::uint32_t
    {
        u8,
        i8,
        u16,
        i16,
        u32,
        i32,
        f32,
        boolean,
        string,
        array,
        u64,
        i64,
        f64
    };

    namespace detail
    {
        inline constexpr std::uint32_t gguf_kinds = 13;

        constexpr char const* word_of(gguf_kind kind) noexcept
        {
            constexpr char const* words[gguf_kinds] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                       "bool", "string", "array", "u64", "i64", "f64"};
            return words[std::uint32_t(kind)];
        }

        // Bytes of one value; 0 for strings and arrays.
        constexpr std::size_t bytes_of(gguf_kind kind) noexcept
        {
            constexpr std::size_t sizes[gguf_kinds] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
            return sizes[std::uint32_t(kind)];
        }

        template <class T>
        T read_as(std::byte const* bytes) noexcept
        {
            T value;
            std::memcpy(&value, bytes, sizeof value);
            return value;
        }

        // Text from a file, fit for a sentence: at most 80 characters of printable ASCII, others as '?'.
        inline std::string shown(std::string_view text)
        {
            std::string out;
            for (char const c : text.substr(0, 80)) { out += c < ' ' || c > '~' ? '?' : c; }
            return out += text.size() > 80 ? "..." : "";
        }

        // The same in quotes.
        inline std::string printable(std::string_view text) { return sentence("\"", shown(text), "\""); }
    }

    // One value, or the elements of an array, checked to lie within the file.
    struct gguf_value
    {
        gguf_kind kind;    // of the elements where is_array
        bool is_array;
        std::size_t count;         // 1 where not is_array
        std::byte const* bytes;    // the first element; a string is its length (u64) and its bytes
    };

    // Values by key. Getters throw file_error naming the file and the key where it is missing (unless a
    // fallback is given) or has another type. Views are valid as long as the mapping.
    class gguf_metadata
    {
    public:
        explicit gguf_metadata(std::string file)
            : m_file(std::move(file))
        {}

        // False, and nothing is changed, if the key is there already.
        bool add(std::string_view key, gguf_value value) { return m_values.emplace(key, value).second; }

        gguf_value const* find(std::string_view key) const
        {
            auto const place = m_values.find(key);
            return place == m_values.end() ? nullptr : &place->second;
        }

        std::string const& file() const noexcept { return m_file; }
        std::map<std::string_view, gguf_value> const& values() const noexcept { return m_values; }

        // A non-negative value of any integer type.
        std::size_t size(std::string_view key) const { return size_at(key, scalar(key, "an integer"), 0); }

        std::size_t size(std::string_view key, std::size_t fallback) const
        {
            return find(key) ? size(key) : fallback;
        }

        // A finite float or an integer.
        float number(std::string_view key) const { return number_at(key, scalar(key, "a number"), 0); }

        float number(std::string_view key, float fallback) const
        {
            return find(key) ? number(key) : fallback;
        }

        bool boolean(std::string_view key) const { return boolean_at(key, scalar(key, "a bool"), 0); }

        bool boolean(std::string_view key, bool fallback) const
        {
            return find(key) ? boolean(key) : fallback;
        }

        std::string_view text(std::string_view key) const
        {
            auto const& value = scalar(key, "a string");
            if (value.kind != gguf_kind::string) { wrong(key, "a string", value); }
            return string_at(value.bytes);
        }

        std::string_view text(std::string_view key, std::string_view fallback) const
        {
            return find(key) ? text(key) : fallback;
        }

        std::vector<std::size_t> sizes(std::string_view key) const
        {
            return list<std::size_t>(key, "an array of integers", &gguf_metadata::size_at);
        }

        std::vector<float> numbers(std::string_view key) const
        {
            return list<float>(key, "an array of numbers", &gguf_metadata::number_at);
        }

        std::vector<bool> flags(std::string_view key) const
        {
            return list<bool>(key, "an array of bool", &gguf_metadata::boolean_at);
        }

        std::vector<std::string_view> strings(std::string_view key) const
        {
            auto const& value = array(key, "an array of strings");
            if (value.kind != gguf_kind::string) { wrong(key, "an array of strings", value); }
            std::vector<std::string_view> all(value.count);
            auto const* at = value.bytes;
            for (auto& one : all)
            {
                one = string_at(at);
                at += 8 + one.size();
            }
            return all;
        }

        bool is_array(std::string_view key) const
        {
            auto const* value = find(key);
            return value && value->is_array;
        }

    private:
        static std::string_view string_at(std::byte const* bytes) noexcept
        {
            return {reinterpret_cast<char const*>(bytes + 8),
                    std::size_t(detail::read_as<std::uint64_t>(bytes))};
        }

        gguf_value const& get(std::string_view key, std::string_view expected) const
        {
            auto const* value = find(key);
            if (!value)
            {
                throw file_error(sentence(m_file, ": metadata ", key, " is missing, expected ", expected));
            }
            return *value;
        }

        gguf_value const& scalar(std::string_view key, std::string_view expected) const
        {
            auto const& value = get(key, expected);
            if (value.is_array) { wrong(key, expected, value); }
            return value;
        }

        gguf_value const& array(std::string_view key, std::string_view expected) const
        {
            auto const& value = get(key, expected);
            if (!value.is_array) { wrong(key, expected, value); }
            return value;
        }

        template <class T>
        std::vector<T> list(std::string_view key, char const* expected,
                            T (gguf_metadata::*element)(std::string_view, gguf_value const&, std::size_t)
                                const) const
        {
            auto const& value = array(key, expected);
            std::vector<T> all(value.count);
            for (std::size_t i = 0; i != value.count; ++i) { all[i] = (this->*element)(key, value, i); }
            return all;
        }

        std::size_t size_at(std::string_view key, gguf_value const& value, std::size_t i) const
        {
            auto const [magnitude, negative] = integer_at(key, value, i, "an integer");
            if (negative)
            {
                throw file_error(
                    sentence(m_file, ": metadata ", key, " is -", magnitude, ", expected 0 or more"));
            }
            return std::size_t(magnitude);
        }

        struct signed_magnitude
        {
            std::uint64_t magnitude;
            bool negative;
        };

        signed_magnitude integer_at(std::string_view key, gguf_value const& value, std::size_t i,
                                    char const* expected) const
        {
            auto const* const at = value.bytes + i * detail::bytes_of(value.kind);
            auto const from = [](std::int64_t n) -> signed_magnitude {
                return {n < 0 ? std::uint64_t(0) - std::uint64_t(n) : std::uint64_t(n), n < 0};
            };
            switch (value.kind)
            {
            case gguf_kind::u8: return {detail::read_as<std::uint8_t>(at), false};
            case gguf_kind::u16: return {detail::read_as<std::uint16_t>(at), false};
            case gguf_kind::u32: return {detail::read_as<std::uint32_t>(at), false};
            case gguf_kind::u64: return {detail::read_as<std::uint64_t>(at), false};
            case gguf_kind::i8: return from(detail::read_as<std::int8_t>(at));
            case gguf_kind::i16: return from(detail::read_as<std::int16_t>(at));
            case gguf_kind::i32: return from(detail::read_as<std::int32_t>(at));
            case gguf_kind::i64: return from(detail::read_as<std::int64_t>(at));
            default: wrong(key, expected, value);
            }
        }

        float number_at(std::string_view key, gguf_value const& value, std::size_t i) const
        {
            auto const* const at = value.bytes + i * detail::bytes_of(value.kind);
            double number = 0;
            if (value.kind == gguf_kind::f32) { number = double(detail::read_as<float>(at)); }
            else if (value.kind == gguf_kind::f64) { number = detail::read_as<double>(at); }
            else
            {
                auto const [magnitude, negative] = integer_at(key, value, i, "a number");
                number = negative ? -double(magnitude) : double(magnitude);
            }
            if (!(std::abs(number) <= double(std::numeric_limits<float>::max())))
            {
                throw file_error(
                    sentence(m_file, ": metadata ", key, " is ", number, ", expected a finite float"));
            }
            return float(number);
        }

        bool boolean_at(std::string_view key, gguf_value const& value, std::size_t i) const
        {
            if (value.kind != gguf_kind::boolean)
            {
                wrong(key, value.is_array ? "an array of bool" : "a bool", value);
            }
            return detail::read_as<std::uint8_t>(value.bytes + i) != 0;
        }

        [[noreturn]] void wrong(std::string_view key, std::string_view expected,
                                gguf_value const& value) const
        {
            throw file_error(sentence(m_file, ": metadata ", key, " is of type ",
                                      value.is_array ? "array of " : "", detail::word_of(value.kind),
                                      ", expected ", expected));
        }

        std::string m_file;
        std::map<std::string_view, gguf_value> m_values;
    };
}
