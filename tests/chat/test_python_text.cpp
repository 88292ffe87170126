// Against Python's own answers (tools/reference/make_chat_cases.py).
#include <cmath>
#include <utility>

#include "chat/chat_cases.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/python_text.hpp>

namespace python = gemma4::python;

TEST_CASE("python_text: repr of floats")
{
    auto const cases = gemma4::read_json_value(chat_test::read_file(chat_test::data("python_text.json")),
                                               "python_text.json");
    REQUIRE(cases.find("floats")->as_array()->size() > 100);
    for (auto const& row : *cases.find("floats")->as_array())
    {
        auto const& [value, text] = std::pair(row.as_array()->at(0), row.as_array()->at(1));
        CHECK(python::repr(*value.as_float()) == *text.as_string());
    }
    CHECK(python::repr(HUGE_VAL) == "inf");
    CHECK(python::repr(-HUGE_VAL) == "-inf");
    CHECK(python::repr(std::nan("")) == "nan");
}

TEST_CASE("python_text: repr, lower, upper and strip of strings")
{
    auto const cases = gemma4::read_json_value(chat_test::read_file(chat_test::data("python_text.json")),
                                               "python_text.json");
    REQUIRE(cases.find("words")->as_array()->size() > 100);
    for (auto const& row : *cases.find("words")->as_array())
    {
        auto const& text = *row.find("text")->as_string();
        CAPTURE(text);
        CHECK(python::repr(std::string_view(text)) == *row.find("repr")->as_string());
        CHECK(python::lower(text) == *row.find("lower")->as_string());
        CHECK(python::upper(text) == *row.find("upper")->as_string());
        CHECK(python::strip(text) == *row.find("strip")->as_string());
    }
}

TEST_CASE("python_text: strip leaves ill-formed bytes alone")
{
    CHECK(python::strip(" \xe2\x80") == "\xe2\x80");
    CHECK(python::strip("\x80 ") == "\x80");
    CHECK(python::strip("\xe2\x80\x83\xe2\x80\x83").empty());
}
