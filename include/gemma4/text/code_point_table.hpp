// Code point -> id of the token that is this one character, in pages of 256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gemma4/text/utf8.hpp>
#include <gemma4/text/vocabulary.hpp>

namespace gemma4::inline v0
{
    class code_point_table
    {
    public:
        explicit code_point_table(vocabulary const& tokens)
            : m_page_of(0x1100, 0)
            , m_pages(1, empty_page())
        {
            for (std::size_t i = 0; i != tokens.size(); ++i)
            {
                auto const token = tokens[token_id(i)];
                if (token.empty() || token.size() > 4) { continue; }
                auto const character = decode_utf8(token, 0);
                if (!character.valid || character.length != token.size()) { continue; }
                auto& number = m_page_of[character.code_point >> 8];
                if (number == 0)
                {
                    number = std::uint16_t(m_pages.size());
                    m_pages.push_back(empty_page());
                }
                m_pages[number][character.code_point & 0xffu] = token_id(i);
            }
        }

        // token_index::none if no token is exactly this character
        token_id operator[](char32_t code_point) const noexcept
        {
            return m_pages[m_page_of[code_point >> 8]][code_point & 0xffu];
        }

    private:
        using page = std::array<token_id, 256>;

        static page empty_page()
        {
            page p;
            p.fill(token_index::none);
            return p;
        }

        std::vector<std::uint16_t> m_page_of;    // page 0 is empty
        std::vector<page> m_pages;
    };
}
