// JSON files through nlohmann/json: strict, with bounded depth, and errors that name the file and the place.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <gemma4/core/byte_order_mark.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/file_kind.hpp>
#include <gemma4/io/json_document.hpp>

namespace gemma4::inline v0
{
    inline constexpr std::size_t max_json_depth = 64;

    namespace detail
    {
        // Text from a file in quotes, fit for a sentence: at most 80 bytes, whole UTF-8 characters, no
        // control characters.
        inline std::string in_quotes(std::string_view text)
        {
            std::string out = "\"";
            auto end = std::min<std::size_t>(text.size(), 80);
            while (end != 0 && end != text.size() && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u)
            {
                --end;
            }
            for (char const c : text.substr(0, end))
            {
                out += static_cast<unsigned char>(c) < 0x20u || c == '\x7f' ? '?' : c;
            }
            out += end == text.size() ? "\"" : "...\"";
            return out;
        }

        inline std::string line_and_column(std::string_view text, std::size_t position)
        {
            auto const before = text.substr(0, std::min(position, text.size()));
            auto const lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
            auto const start = before.rfind('\n');
            auto const column = start == before.npos ? before.size() : before.size() - start - 1;
            return sentence("line ", lines + 1, ", column ", std::max<std::size_t>(column, 1));
        }

        // Builds the document; refuses what nlohmann's own builder lets pass: duplicate keys and unbounded
        // depth.
        class json_builder
        {
        public:
            using json = nlohmann::json;

            json_builder(json& root, std::string_view text, std::string_view file)
                : m_root(root)
                , m_text(text)
                , m_file(file)
            {}

            bool null() { return add(json(nullptr)); }
            bool boolean(bool value) { return add(json(value)); }
            bool number_integer(json::number_integer_t value) { return add(json(value)); }
            bool number_unsigned(json::number_unsigned_t value) { return add(json(value)); }
            bool number_float(json::number_float_t value, json::string_t const&) { return add(json(value)); }
            bool string(json::string_t& value) { return add(json(std::move(value))); }
            bool binary(json::binary_t& value) { return add(json(std::move(value))); }
            bool start_object(std::size_t) { return open(json::object()); }
            bool start_array(std::size_t) { return open(json::array()); }
            bool end_object() { return close(); }
            bool end_array() { return close(); }

            bool key(json::string_t& name)
            {
                auto const [place, is_new] =
                    m_open.back()->get_ref<json::object_t&>().emplace(std::move(name), nullptr);
                if (!is_new)
                {
                    throw file_error(sentence(m_file, ": duplicate key ", in_quotes(place->first)));
                }
                m_member = &place->second;
                return true;
            }

            template <class Exception>
            bool parse_error(std::size_t position, std::string const&, Exception const& reason)
            {
                refuse_other_file(m_file, what_file_is(std::as_bytes(std::span(m_text))), "JSON");
                std::string_view what = reason.what();
                what = what.substr(0, what.find("; last read"));
                if (auto const prefix = what.find(": "); prefix != what.npos)
                {
                    what.remove_prefix(prefix + 2);
                }
                else if (auto const tag = what.find("] "); tag != what.npos) { what.remove_prefix(tag + 2); }
                std::string plain(what.substr(0, 120));
                std::replace_if(
                    plain.begin(), plain.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
                throw file_error(
                    sentence(m_file, ": not valid JSON at ", line_and_column(m_text, position), ": ", plain));
            }

        private:
            json* place(json&& value)
            {
                if (m_open.empty()) { return &(m_root = std::move(value)); }
                if (m_open.back()->is_array())
                {
                    auto& list = m_open.back()->get_ref<json::array_t&>();
                    list.push_back(std::move(value));
                    return &list.back();
                }
                return &(*m_member = std::move(value));
            }

            bool add(json&& value)
            {
                place(std::move(value));
                return true;
            }

            bool open(json&& value)
            {
                if (m_open.size() == max_json_depth)
                {
                    throw file_error(
                        sentence(m_file, ": JSON nested deeper than ", max_json_depth, " levels"));
                }
                m_open.push_back(place(std::move(value)));
                return true;
            }

            bool close()
            {
                m_open.pop_back();
                return true;
            }

            json& m_root;
            std::string_view m_text;
            std::string_view m_file;
            std::vector<json*>
                m_open;    // a parent does not change while a child is open, so these stay valid
            json* m_member = nullptr;
        };
    }

    // The document in `text`, a byte order mark before it or not; `file` is its name in errors. file_error:
    // not JSON (what it is instead, where that can be told), not UTF-8, a duplicate key, too deep.
    inline json_document parse_json(std::string_view text, std::string_view file)
    {
        text = detail::without_bom(text);
        // nlohmann's lexer takes a zero byte for the end of the text.
        if (auto const zero = text.find('\0'); zero != text.npos)
        {
            refuse_other_file(file, what_file_is(std::as_bytes(std::span(text))), "JSON");
            throw file_error(sentence(file, ": not valid JSON at ", detail::line_and_column(text, zero + 1),
                                      ": a zero byte"));
        }
        json_document root;
        detail::json_builder builder(root.root(), text, file);
        nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &builder);
        return root;
    }

    inline json_document read_json(std::filesystem::path const& path)
    {
        return parse_json(file_bytes(path).text(), path.string());
    }

    namespace detail
    {
        inline std::string_view kind_of(nlohmann::json const& value)
        {
            switch (value.type())
            {
            case nlohmann::json::value_t::null: return "null";
            case nlohmann::json::value_t::boolean: return "true or false";
            case nlohmann::json::value_t::number_integer:
            case nlohmann::json::value_t::number_unsigned: return "a whole number";
            case nlohmann::json::value_t::number_float: return "a number with a fraction";
            case nlohmann::json::value_t::string: return "a string";
            case nlohmann::json::value_t::array: return "a list";
            case nlohmann::json::value_t::object: return "an object";
            default: return "a value of another kind";
            }
        }
    }

    // The members of one JSON object, read with their expected types. A wrong type is a file_error that names
    // the file, the field with its prefix ("text_config.hidden_size"), what was expected and what was found.
    // A member that is null counts as absent. `object` must outlive the reader.
    class json_fields
    {
    public:
        json_fields(nlohmann::json const& object, std::string_view file, std::string prefix = {})
            : m_object(object)
            , m_file(file)
            , m_prefix(std::move(prefix))
        {
            if (!object.is_object())
            {
                auto const what =
                    m_prefix.empty() ? std::string("the document") : m_prefix.substr(0, m_prefix.size() - 1);
                throw file_error(
                    sentence(m_file, ": ", what, " is ", detail::kind_of(object), ", expected an object"));
            }
        }

        std::string_view file() const noexcept { return m_file; }
        std::string field(std::string_view key) const { return m_prefix + std::string(key); }
        nlohmann::json const& object() const noexcept { return m_object; }

        // nullptr: absent or null
        nlohmann::json const* find(std::string_view key) const
        {
            auto const place = m_object.find(std::string(key));
            return place == m_object.end() || place->is_null() ? nullptr : &*place;
        }

        nlohmann::json const& get(std::string_view key) const
        {
            if (auto const* value = find(key)) { return *value; }
            throw file_error(sentence(m_file, ": ", field(key), " is missing"));
        }

        // A whole number from 0 to 2^31 - 1, so that products of two fit 64 bits.
        std::size_t size(std::string_view key) const
        {
            auto const& value = get(key);
            if (!value.is_number_integer()) { wrong(key, "a whole number", value); }
            constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
            auto const number = value.get<std::uint64_t>();    // a negative number wraps beyond `most`
            if (number > most)
            {
                throw file_error(
                    sentence(m_file, ": ", field(key), " is ", value.dump(), ", expected 0 to ", most));
            }
            return static_cast<std::size_t>(number);
        }

        std::size_t size(std::string_view key, std::size_t otherwise) const
        {
            return find(key) ? size(key) : otherwise;
        }

        float number(std::string_view key) const
        {
            auto const& value = get(key);
            if (!value.is_number()) { wrong(key, "a number", value); }
            auto const number = value.get<double>();
            constexpr double most = std::numeric_limits<float>::max();
            if (number < -most || number > most)
            {
                throw file_error(
                    sentence(m_file, ": ", field(key), " is ", number, ", which no float32 can hold"));
            }
            return static_cast<float>(number);
        }

        float number(std::string_view key, float otherwise) const
        {
            return find(key) ? number(key) : otherwise;
        }

        bool boolean(std::string_view key, bool otherwise) const
        {
            auto const* value = find(key);
            if (!value) { return otherwise; }
            if (!value->is_boolean()) { wrong(key, "true or false", *value); }
            return value->get<bool>();
        }

        std::string const& text(std::string_view key) const
        {
            auto const& value = get(key);
            if (!value.is_string()) { wrong(key, "a string", value); }
            return value.get_ref<std::string const&>();
        }

        std::string text(std::string_view key, std::string_view otherwise) const
        {
            return find(key) ? text(key) : std::string(otherwise);
        }

        nlohmann::json::array_t const& list(std::string_view key) const
        {
            auto const& value = get(key);
            if (!value.is_array()) { wrong(key, "a list", value); }
            return value.get_ref<nlohmann::json::array_t const&>();
        }

        json_fields fields(std::string_view key) const { return {get(key), m_file, field(key) + "."}; }

        [[noreturn]] void wrong(std::string_view key, std::string_view expected,
                                nlohmann::json const& found) const
        {
            throw file_error(
                sentence(m_file, ": ", field(key), " is ", detail::kind_of(found), ", expected ", expected));
        }

    private:
        nlohmann::json const& m_object;
        std::string m_file;
        std::string m_prefix;
    };
}
