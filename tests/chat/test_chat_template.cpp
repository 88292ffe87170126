#include <string>

#include "chat/chat_cases.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/chat_template.hpp>
#include <gemma4/core/error.hpp>

namespace
{
    // Google's template of the small checkpoints, which the default model comes with.
    std::string small_template()
    {
        return chat_test::read_file(std::filesystem::path(GEMMA4_TEST_DATA) / ".." / ".." / "models" / "nano"
                                    / "chat_template.jinja");
    }

    void check_small(std::string const& text)
    {
        auto const found = gemma4::recognise_chat_template(text);
        CHECK(found.exact);
        CHECK(found.warning.empty());
        CHECK(found.nearest == gemma4::find_chat_template("canonical-small"));
    }
}

TEST_CASE("chat_template: the file of a checkpoint is recognised")
{
    auto const text = small_template();
    check_small(text);
    check_small(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text + '\n');
    std::string dos;
    for (char const c : text) { (dos += c == '\n' ? "\r" : "") += c; }
    check_small(dos);
}

TEST_CASE("chat_template: an unknown text is said to be one, and the nearest known template named")
{
    auto text = small_template();
    text.insert(text.find("macro"), " ");
    auto const found = gemma4::recognise_chat_template(text);
    CHECK_FALSE(found.exact);
    CHECK(found.nearest->name == "canonical-small");
    CHECK(found.warning.find(
              "none of the known ones: rendered as canonical-small, which shares 15 of 15 features")
          != found.warning.npos);

    auto const large = gemma4::recognise_chat_template(text + R"({{- '<|channel>thought\n<channel|>' -}})");
    CHECK(large.nearest->name == "canonical-large");

    auto const other = gemma4::recognise_chat_template("{{ messages }}");
    CHECK_FALSE(other.exact);
    CHECK(other.warning.find("is not one of Gemma 4") != other.warning.npos);
    CHECK_FALSE(gemma4::recognise_chat_template("").exact);
}

TEST_CASE("chat_template: by name")
{
    for (auto const& known : gemma4::known_chat_templates)
    {
        CHECK(&gemma4::chat_template_named(known.name) == &known);
    }
    CHECK(gemma4::find_chat_template("may") == nullptr);
    CHECK_THROWS_WITH_AS(
        (void)gemma4::chat_template_named("may"),
        "chat template: may is not known, expected one of canonical-large, canonical-small, april-large, "
        "april-small, launch, llamacpp-interleaved",
        gemma4::argument_error);
}
