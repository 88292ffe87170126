// What chat/chat_template.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/chat/chat_template.hpp>
#include <gemma4/chat/sha256.hpp>
#include <gemma4/chat/template_lines.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline std::vector<std::string_view> lines_of(std::string_view text)
        {
            std::vector<std::string_view> lines;
            for (;;)
            {
                auto const end = text.find('\n');
                lines.push_back(text.substr(0, end));
                if (end == text.npos) { return lines; }
                text.remove_prefix(end + 1);
            }
        }

        // As template_lines.hpp has them.
        inline std::uint32_t line_hash(std::string_view line)
        {
            std::uint32_t hash = 0x811c9dc5;
            for (char const c : line) { hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193u; }
            return hash;
        }

        // How many lines two texts share, wherever they stand.
        inline std::size_t shared_lines(std::vector<std::uint32_t> a, std::span<std::uint32_t const> of)
        {
            std::vector<std::uint32_t> b(of.begin(), of.end()), both;
            std::ranges::sort(a);
            std::ranges::sort(b);
            std::ranges::set_intersection(a, b, std::back_inserter(both));
            return both.size();
        }

        // A line of a file, fit for a sentence: without its margin, at most 60 characters.
        inline std::string shown_line(std::string_view line)
        {
            auto const begin = std::min(line.find_first_not_of(" \t"), line.size());
            std::string out;
            std::size_t at = begin;
            for (int count = 0; at != line.size() && count != 60; ++count)
            {
                auto const next = decode_utf8(line, at);
                bool const plain = next.valid && static_cast<unsigned char>(line[at]) >= 0x20u;
                out += plain ? line.substr(at, next.length) : "?";
                at += next.length;
            }
            return out += at == line.size() ? "" : "...";
        }
    }

    GEMMA4_CODE std::string chat_template_names()
    {
        std::string names;
        for (auto const& known : known_chat_templates) { (names += names.empty() ? "" : ", ") += known.name; }
        return names;
    }

    GEMMA4_CODE chat_template const& chat_template_named(std::string_view name)
    {
        if (auto const* const known = find_chat_template(name)) { return *known; }
        throw argument_error(
            sentence("chat template: ", name, " is not known, expected one of ", chat_template_names()));
    }

    GEMMA4_CODE chat_template const& current_chat_template(bool per_layer_embeddings)
    {
        return chat_template_named(per_layer_embeddings ? "canonical-small" : "canonical-large");
    }

    GEMMA4_CODE recognised_template recognise_chat_template(std::string_view text)
    {
        std::string plain;
        for (std::size_t i = 0; i != text.size(); ++i)
        {
            if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') { plain += text[i]; }
        }
        if (plain.ends_with('\n')) { plain.pop_back(); }
        auto const without = sha256(plain);
        auto const with = sha256(plain + '\n');
        for (auto const& known : known_chat_templates)
        {
            if (known.sha256 == without || known.sha256 == with) { return {&known}; }
        }

        auto const lines = detail::lines_of(plain);
        std::vector<std::uint32_t> hashes;
        for (auto const line : lines) { hashes.push_back(detail::line_hash(line)); }
        // The nearest has the most of its lines, and then the fewest others.
        std::size_t nearest = 0, most = 0;
        for (std::size_t i = 0; i != known_chat_templates.size(); ++i)
        {
            auto const shared = detail::shared_lines(hashes, detail::template_lines[i]);
            bool const shorter = detail::template_lines[i].size() < detail::template_lines[nearest].size();
            if (shared < most || (shared == most && !shorter)) { continue; }
            nearest = i;
            most = shared;
        }
        auto const what =
            plain.find("<|turn>") == plain.npos ? "not one of Gemma 4" : "none of the published ones";
        if (most == 0)
        {
            return {nullptr,
                    sentence("is ", what, " and shares no line with them (sha256 ", sha256(text), ")")};
        }
        auto const known = detail::template_lines[nearest];
        auto const first = std::size_t(std::ranges::mismatch(hashes, known).in1 - hashes.begin());
        return {nullptr,
                sentence("is ", what, ": ", lines.size() - most, " of its ", lines.size(),
                         " lines are not in ", known_chat_templates[nearest].name, ", the nearest, and ",
                         known.size() - most, " of that one's are missing; the first that differs is line ",
                         first + 1,
                         first == lines.size() ? std::string(", where it ends")
                                               : sentence(", `", detail::shown_line(lines[first]), "`"),
                         " (sha256 ", sha256(text), ")")};
    }
}
