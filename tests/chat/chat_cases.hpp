// Stored cases and random choices for the tests of chat.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace chat_test
{
    inline std::filesystem::path data(char const* name)
    {
        return std::filesystem::path(GEMMA4_TEST_DATA) / "chat" / name;
    }

    inline std::string read_file(std::filesystem::path const& path)
    {
        std::ifstream file(path, std::ios::binary);
        REQUIRE_MESSAGE(file.is_open(), path.string());
        return {std::istreambuf_iterator<char>(file), {}};
    }

    inline std::vector<gemma4::json_value> json_lines(std::filesystem::path const& path)
    {
        std::vector<gemma4::json_value> lines;
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);)
        {
            lines.push_back(gemma4::read_json_value(line, path.string()));
        }
        REQUIRE_MESSAGE(!lines.empty(), path.string());
        return lines;
    }

    // All control tokens, and a vocabulary too small for most words.
    inline gemma4::tokenizer const& tokens()
    {
        static auto const loaded =
            gemma4::tokenizer::from_file(std::filesystem::path(GEMMA4_TEST_DATA) / "tiny" / "tokenizer.json");
        return loaded;
    }

    // splitmix64: the same choices on every machine.
    class choices
    {
    public:
        explicit choices(std::uint64_t seed)
            : m_state(seed)
        {}

        std::size_t below(std::size_t n)
        {
            auto z = m_state += 0x9e3779b97f4a7c15u;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
            return std::size_t((z ^ (z >> 31)) % n);
        }

        template <class List>
        auto const& of(List const& list)
        {
            return list[below(std::size(list))];
        }

        // text cut anywhere, also inside characters.
        std::vector<std::string> split(std::string const& text)
        {
            std::vector<std::string> pieces;
            for (std::size_t at = 0; at != text.size();)
            {
                auto const most = text.size() - at;
                auto const length = 1 + below(below(4) == 0 ? most : most < 5 ? most : 5);
                pieces.push_back(text.substr(at, length));
                at += pieces.back().size();
            }
            return pieces;
        }

    private:
        std::uint64_t m_state;
    };
}
