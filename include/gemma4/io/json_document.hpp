// A JSON value that is destroyed without taking memory.
//
// The destructor of nlohmann::json takes memory for lists and objects that hold something, and where there is
// none left, that is the end of the process. Values of such kinds live in a json_document.
#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace gemma4::inline v0
{
    class json_document
    {
    public:
        json_document() = default;    // null

        explicit json_document(nlohmann::json const& from)
            : json_document()
        {
            copy(from, m_root);    // what is there of it when this throws is destroyed as all of it is
        }

        json_document(json_document const& from)
            : json_document(from.m_root)
        {}

        json_document(json_document&& from) noexcept { m_root.swap(from.m_root); }

        json_document& operator=(json_document from) noexcept
        {
            m_root.swap(from.m_root);
            return *this;
        }

        ~json_document() { empty(m_root); }

        nlohmann::json const& root() const noexcept { return m_root; }
        nlohmann::json& root() noexcept { return m_root; }
        operator nlohmann::json const&() const noexcept { return m_root; }

        // Makes a copy of `value` the member `key` of this object.
        void set(std::string const& key, nlohmann::json const& value)
        {
            json_document made(value);
            m_root[key].swap(made.m_root);
        }

    private:
        using object_t = nlohmann::json::object_t;
        using array_t = nlohmann::json::array_t;

        static void copy(nlohmann::json const& from, nlohmann::json& to)
        {
            if (from.is_object())
            {
                to = nlohmann::json::object();
                auto& members = to.get_ref<object_t&>();
                for (auto const& [key, value] : from.get_ref<object_t const&>())
                {
                    copy(value, members[key]);
                }
            }
            else if (from.is_array())
            {
                to = nlohmann::json::array();
                auto& items = to.get_ref<array_t&>();
                items.reserve(from.size());
                for (auto const& item : from) { copy(item, items.emplace_back()); }
            }
            else { to = from; }
        }

        // Children first: a list or an object that holds nothing is destroyed without taking memory.
        static void empty(nlohmann::json& value) noexcept
        {
            if (value.is_object())
            {
                auto& members = value.get_ref<object_t&>();
                for (auto& [key, member] : members) { empty(member); }
                members.clear();
            }
            else if (value.is_array())
            {
                auto& items = value.get_ref<array_t&>();
                for (auto& item : items) { empty(item); }
                items.clear();
            }
        }

        nlohmann::json m_root;
    };
}
