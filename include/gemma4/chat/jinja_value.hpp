// What Jinja's operators do with the values of a request. A null pointer is Jinja's undefined: printed as
// nothing, false, an empty sequence, but an error when a member is asked of it.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/python_text.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0::jinja
{
    inline std::string_view kind_of(json_value const* value)
    {
        if (!value) { return "missing"; }
        if (value->is_null()) { return "null"; }
        if (value->as_bool()) { return "true or false"; }
        if (value->as_integer()) { return "an integer"; }
        if (value->as_float()) { return "a float"; }
        if (value->as_string()) { return "a string"; }
        return value->as_array() ? "a list" : "an object";
    }

    [[noreturn]] inline void refuse(std::string_view what, std::string_view expected, json_value const* found)
    {
        throw argument_error(sentence(what, " is ", kind_of(found), ", expected ", expected));
    }

    inline bool is_object(json_value const* value) { return value && value->as_object(); }
    inline bool is_string(json_value const* value) { return value && value->as_string(); }
    inline bool is_sequence(json_value const* value)
    {
        return !value || value->as_string() || value->as_array() || value->as_object();
    }

    // value['name']; what = how errors call `value`.
    inline json_value const* item(json_value const* value, std::string_view name, std::string_view what)
    {
        if (!value) { refuse(what, sentence("an object with ", name), value); }
        return value->find(name);
    }

    // value.get('name'): only objects can.
    inline json_value const* get(json_value const& value, std::string_view name, std::string_view what)
    {
        if (!value.as_object()) { refuse(what, "an object", &value); }
        return value.find(name);
    }

    inline bool truthy(json_value const* value)
    {
        if (!value || value->is_null()) { return false; }
        if (auto const* const b = value->as_bool()) { return *b; }
        if (auto const* const i = value->as_integer()) { return i->digits != "0"; }
        if (auto const* const d = value->as_float()) { return *d != 0; }
        if (auto const* const s = value->as_string()) { return !s->empty(); }
        if (auto const* const a = value->as_array()) { return !a->empty(); }
        return !value->as_object()->empty();
    }

    // {{ value }}
    inline std::string printed(json_value const* value)
    {
        return value ? python::str(*value) : std::string();
    }

    // An operand of + beside a string.
    inline std::string const& text(json_value const* value, std::string_view what)
    {
        if (!is_string(value)) { refuse(what, "a string", value); }
        return *value->as_string();
    }

    inline bool equals(json_value const* value, std::string_view text)
    {
        return is_string(value) && *value->as_string() == text;
    }

    // Python's ==: numbers by value whatever their kind, true is 1, the order of members does not matter.
    inline bool same(json_value const& a, json_value const& b)
    {
        auto const digits = [](json_value const& v) -> std::string
        {
            if (auto const* const t = v.as_bool()) { return *t ? "1" : "0"; }
            if (auto const* const i = v.as_integer()) { return i->digits; }
            auto const* const d = v.as_float();
            if (!d || *d != *d) { return {}; }
            if (*d == 0) { return "0"; }
            char buffer[400];
            auto const end =
                std::to_chars(buffer, buffer + sizeof buffer, *d, std::chars_format::fixed, 0).ptr;
            double whole = 0;
            std::from_chars(buffer, end, whole);
            return whole == *d ? std::string(buffer, end) : python::repr(*d);
        };
        if (auto const left = digits(a), right = digits(b); !left.empty() || !right.empty())
        {
            return left == right;
        }
        if (a.as_array() && b.as_array()) { return std::ranges::equal(*a.as_array(), *b.as_array(), same); }
        if (a.as_object() && b.as_object())
        {
            return a.as_object()->size() == b.as_object()->size()
                   && std::ranges::all_of(*a.as_object(),
                                          [&](json_member const& m)
                                          {
                                              auto const* const other = b.find(m.name);
                                              return other && same(m.value, *other);
                                          });
        }
        return a == b;
    }

    // Two values from .get(): a missing one equals a missing one and null.
    inline bool same(json_value const* a, json_value const* b)
    {
        static json_value const none;
        return same(a ? *a : none, b ? *b : none);
    }

    // What `for x in value` goes over: the items of a list, the names of an object, the characters of a
    // string.
    inline std::vector<json_value> items(json_value const* value, std::string_view what)
    {
        if (!value) { return {}; }
        if (auto const* const list = value->as_array()) { return *list; }
        std::vector<json_value> out;
        if (auto const* const members = value->as_object())
        {
            for (auto const& member : *members) { out.emplace_back(member.name); }
            return out;
        }
        if (auto const* const characters = value->as_string())
        {
            for (std::size_t at = 0; at != characters->size();)
            {
                auto const length = decode_utf8(*characters, at).length;
                out.emplace_back(characters->substr(at, length));
                at += length;
            }
            return out;
        }
        refuse(what, "a list", value);
    }

    // value | dictsort: by the lower case of the names, in code point order; equal ones as they came.
    inline std::vector<json_member const*> dictsort(json_value const* value, std::string_view what)
    {
        if (!is_object(value)) { refuse(what, "an object", value); }
        struct keyed
        {
            std::string key;
            json_member const* member;
        };
        std::vector<keyed> rows;
        for (auto const& member : *value->as_object())
        {
            rows.push_back({python::lower(member.name), &member});
        }
        std::ranges::stable_sort(rows, {}, &keyed::key);
        std::vector<json_member const*> out;
        for (auto const& row : rows) { out.push_back(row.member); }
        return out;
    }
}
