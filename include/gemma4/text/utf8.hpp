// UTF-8 as Unicode defines it: no surrogates, no overlong forms, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gemma4::inline v0
{
    inline constexpr char32_t replacement_character = 0xfffd;

    // What stands at one place of a byte string: a code point of `length` bytes, or (valid == false) a
    // maximal ill-formed subpart of `length` bytes (Unicode 15, section 3.9), whose code_point is U+FFFD.
    // `complete` is false when the text ends inside a sequence that was good so far.
    struct utf8_sequence
    {
        char32_t code_point = replacement_character;
        unsigned length = 1;
        bool valid = false;
        bool complete = true;
    };

    // The range that the second byte of a sequence must lie in; it depends on the first (Unicode 15, table
    // 3-7).
    struct utf8_second_byte
    {
        unsigned char low = 0x80;
        unsigned char high = 0xbf;
    };

    constexpr unsigned utf8_length(unsigned char first) noexcept    // 0: no sequence starts with this byte
    {
        if (first < 0x80) { return 1; }
        if (first < 0xc2) { return 0; }
        if (first < 0xe0) { return 2; }
        if (first < 0xf0) { return 3; }
        return first < 0xf5 ? 4 : 0;
    }

    constexpr utf8_second_byte second_byte_after(unsigned char first) noexcept
    {
        switch (first)
        {
        case 0xe0: return {0xa0, 0xbf};    // shorter: overlong
        case 0xed: return {0x80, 0x9f};    // beyond: surrogates
        case 0xf0: return {0x90, 0xbf};    // shorter: overlong
        case 0xf4: return {0x80, 0x8f};    // beyond: above U+10FFFF
        default: return {};
        }
    }

    // The sequence at text[at]; at < text.size().
    constexpr utf8_sequence decode_utf8(std::string_view text, std::size_t at) noexcept
    {
        auto const first = static_cast<unsigned char>(text[at]);
        if (first < 0x80) { return {first, 1, true, true}; }
        auto const length = utf8_length(first);
        if (length == 0) { return {}; }
        auto code_point = char32_t(first & (0x7fu >> length));
        auto range = second_byte_after(first);
        for (unsigned i = 1; i != length; ++i)
        {
            if (at + i == text.size()) { return {replacement_character, i, false, false}; }
            auto const byte = static_cast<unsigned char>(text[at + i]);
            if (byte < range.low || byte > range.high) { return {replacement_character, i, false, true}; }
            code_point = (code_point << 6) | (byte & 0x3fu);
            range = {};
        }
        return {code_point, length, true, true};
    }

    // code_point must be a Unicode scalar value.
    inline void append_utf8(std::string& out, char32_t code_point)
    {
        auto const tail = [&](unsigned shift) { out += char(0x80u | ((code_point >> shift) & 0x3fu)); };
        if (code_point < 0x80) { out += char(code_point); }
        else if (code_point < 0x800)
        {
            out += char(0xc0u | (code_point >> 6));
            tail(0);
        }
        else if (code_point < 0x10000)
        {
            out += char(0xe0u | (code_point >> 12));
            tail(6);
            tail(0);
        }
        else
        {
            out += char(0xf0u | (code_point >> 18));
            tail(12);
            tail(6);
            tail(0);
        }
    }

    // The number of leading bytes of text that are ASCII, a multiple of eight (a fast first step, not the
    // exact count).
    inline std::size_t ascii_prefix(std::string_view text) noexcept
    {
        std::size_t n = 0;
        for (std::uint64_t word; n + sizeof word <= text.size(); n += sizeof word)
        {
            std::memcpy(&word, text.data() + n, sizeof word);
            if (word & 0x8080808080808080u) { break; }
        }
        return n;
    }

    // The offset of the first ill-formed byte, or text.size().
    inline std::size_t well_formed_prefix(std::string_view text) noexcept
    {
        std::size_t at = 0;
        while (at != text.size())
        {
            if (auto const skip = ascii_prefix(text.substr(at)); skip != 0)
            {
                at += skip;
                continue;
            }
            auto const sequence = decode_utf8(text, at);
            if (!sequence.valid) { return at; }
            at += sequence.length;
        }
        return at;
    }

    // The beginning of a text for a sentence: whole characters in at most `most` bytes, and ... for the rest.
    inline std::string beginning_of(std::string_view text, std::size_t most = 60)
    {
        if (text.size() <= most) { return std::string(text); }
        return std::string(text.substr(0, well_formed_prefix(text.substr(0, most)))) + "...";
    }

    inline bool is_utf8(std::string_view text) noexcept { return well_formed_prefix(text) == text.size(); }

    // text with every maximal ill-formed subpart replaced by one U+FFFD, as the WHATWG decoder and Python's
    // bytes.decode("utf-8", "replace") do it.
    inline std::string with_replacements(std::string_view text)
    {
        std::string out;
        out.reserve(text.size());
        while (!text.empty())
        {
            auto const good = well_formed_prefix(text);
            out += text.substr(0, good);
            text.remove_prefix(good);
            if (text.empty()) { break; }
            append_utf8(out, replacement_character);
            text.remove_prefix(decode_utf8(text, 0).length);
        }
        return out;
    }
}
