#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "chat/chat_cases.hpp"
#include <doctest/doctest.h>

#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/sha256.hpp>
#include <gemma4/chat/template_lines.hpp>
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
        CHECK(found.difference.empty());
        CHECK(found.form == gemma4::find_chat_template("canonical-small"));
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

TEST_CASE("chat_template: of another text the nearest one is named, and where it departs from it")
{
    auto const is = [](std::string const& text, std::string const& what)
    {
        auto const found = gemma4::recognise_chat_template(text);
        CHECK(found.form == nullptr);
        CAPTURE(found.difference);
        CHECK(found.difference.starts_with(what));
        CHECK(found.difference.find("(sha256 " + gemma4::sha256(text) + ")") != std::string::npos);
    };
    auto const text = small_template();
    auto const lines = std::size_t(std::count(text.begin(), text.end(), '\n')) + !text.ends_with('\n');
    auto const all = std::to_string(lines);

    auto changed = text;
    auto const at = changed.find("<|turn>model");
    changed.insert(at, "<|x|>");
    auto const line = std::size_t(std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n')) + 1;
    is(changed, "is none of the published ones: 1 of its " + all
                    + " lines are not in canonical-small, the nearest, and 1 of that one's are missing; the "
                      "first that differs is line "
                    + std::to_string(line) + ", `");
    is(text + (text.ends_with('\n') ? "" : "\n") + "{#- more -#}",
       "is none of the published ones: 1 of its " + std::to_string(lines + 1)
           + " lines are not in canonical-small, the nearest, and 0 of that one's are missing; the first "
             "that "
             "differs is line "
           + std::to_string(lines + 1) + ", `{#- more -#}`");
    is(text.substr(0, text.find('\n', text.find("<|turn>"))), "is none of the published ones: 0 of its ");
    is("{{ messages }}", "is not one of Gemma 4 and shares no line with them");
    is("<|turn>{{ messages }}", "is none of the published ones and shares no line with them");
}

TEST_CASE("chat_template: the lines that are stored are those of the file")
{
    auto text = small_template();
    if (!text.ends_with('\n')) { text += '\n'; }
    std::vector<std::uint32_t> hashes;
    for (std::uint32_t hash = 0x811c9dc5; char const c : text)
    {
        if (c != '\n')
        {
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193u;
            continue;
        }
        hashes.push_back(hash);
        hash = 0x811c9dc5;
    }
    CHECK(std::ranges::equal(hashes, gemma4::detail::template_lines[1]));
}

TEST_CASE("chat_template: by name")
{
    for (auto const& known : gemma4::known_chat_templates)
    {
        CHECK(&gemma4::chat_template_named(known.name) == &known);
    }
    CHECK(gemma4::find_chat_template("may") == nullptr);
    CHECK(gemma4::current_chat_template(true).name == "canonical-small");
    CHECK(gemma4::current_chat_template(false).name == "canonical-large");
    CHECK_THROWS_WITH_AS(
        (void)gemma4::chat_template_named("may"),
        "chat template: may is not known, expected one of canonical-large, canonical-small, april-large, "
        "april-small, launch, llamacpp-interleaved",
        gemma4::argument_error);
}
