// A strict pull reader for JSON (RFC 8259) that builds no tree: for tokenizer.json, whose 32 MB are read once
// at start-up.
//
// The caller asks for what must come next; anything else is a file_error that names the file, the field, what
// was expected, what was found and where. Text must be UTF-8, nesting is bounded, and nothing is allocated
// but strings that hold escapes.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/text/utf8.hpp>

namespace gemma4::inline v0
{
    enum class json_kind
    {
        object,
        array,
        string,
        number,
        boolean,
        null,
        invalid,
        end
    };

    class json_reader
    {
    public:
        static constexpr unsigned max_depth = 64;

        // Both views must outlive the reader, and every string view that it returns lives as long as it and
        // text do.
        json_reader(std::string_view text, std::string_view file_name) noexcept
            : m_text(text)
            , m_file(file_name)
        {}

        json_reader(json_reader const&) = delete;
        json_reader& operator=(json_reader const&) = delete;

        json_kind peek() noexcept
        {
            skip_space();
            if (m_at == m_text.size()) { return json_kind::end; }
            switch (char const c = m_text[m_at])
            {
            case '{': return json_kind::object;
            case '[': return json_kind::array;
            case '"': return json_kind::string;
            case 't':
            case 'f': return json_kind::boolean;
            case 'n': return json_kind::null;
            default: return c == '-' || is_digit(c) ? json_kind::number : json_kind::invalid;
            }
        }

        // Calls member(key) for every member; it must read exactly the member's value. The key is a view like
        // string()'s.
        template <class F>
        void object(F&& member)
        {
            open('{', "an object");
            if (!take('}'))
            {
                do {
                    auto const key = string();
                    if (!take(':')) { fail("':' after a key"); }
                    field const here(*this, key);
                    member(key);
                }
                while (take(','));
                if (!take('}')) { fail("',' or '}' in an object"); }
            }
            --m_depth;
        }

        // Calls element() for every element; it must read exactly that element.
        template <class F>
        void array(F&& element)
        {
            open('[', "an array");
            if (!take(']'))
            {
                do {
                    element();
                }
                while (take(','));
                if (!take(']')) { fail("',' or ']' in an array"); }
            }
            --m_depth;
        }

        std::string_view string()
        {
            if (!take('"')) { fail("a string"); }
            auto const begin = m_at;
            auto const end = plain_characters();
            if (m_text[end] == '"')
            {
                m_at = end + 1;
                return m_text.substr(begin, end - begin);
            }
            return escaped_string(begin);
        }

        bool boolean()
        {
            if (word("true")) { return true; }
            if (word("false")) { return false; }
            fail("true or false");
        }

        // An integer in 0 .. 2^31 - 1, written without fraction or exponent.
        std::int32_t index()
        {
            skip_space();
            auto const begin = m_at;
            std::int32_t value = 0;
            number();
            auto const* last = m_text.data() + m_at;
            auto const [end, status] = std::from_chars(m_text.data() + begin, last, value);
            if (status == std::errc{} && end == last && value >= 0 && m_text[begin] != '-') { return value; }
            m_at = begin;
            fail("an integer from 0 to 2147483647");
        }

        // True (and read) if the value is null.
        bool null() { return word("null"); }

        // Reads one value of any kind, checking its grammar.
        void skip()
        {
            switch (peek())
            {
            case json_kind::object: object([&](std::string_view) { skip(); }); return;
            case json_kind::array: array([&] { skip(); }); return;
            case json_kind::string: string(); return;
            case json_kind::number: number(); return;
            case json_kind::boolean: boolean(); return;
            case json_kind::null:
                if (null()) { return; }
                [[fallthrough]];
            default: fail("a value");
            }
        }

        void end_of_file()
        {
            if (peek() != json_kind::end) { fail("the end of the file"); }
        }

        // A place to come back to with read_at.
        std::size_t position() const noexcept { return m_at; }

        // Calls value() at the place of a member's value that was skipped in the object being read, and comes
        // back.
        template <class F>
        void read_at(std::size_t place, std::string_view key, F&& value)
        {
            auto const back = std::exchange(m_at, place);
            field const here(*this, key);
            value();
            m_at = back;
        }

        // Throws: expected `expected`, found what stands here.
        [[noreturn]] void fail(std::string_view expected) { fail(expected, found()); }

        // found ends the sentence; the field is the one being read.
        [[noreturn]] void fail(std::string_view expected, std::string_view found) const
        {
            auto const path = field_path();
            throw file_error(sentence(m_file, ": ", path, path.empty() ? "" : ": ", "expected ", expected,
                                      ", found ", found, " (byte ", m_at, ")"));
        }

    private:
        // The keys on the way to the value being read, for the sentence of an error.
        struct field
        {
            field(json_reader& owner, std::string_view key)
                : reader(owner)
                , name(key)
                , up(owner.m_field)
            {
                owner.m_field = this;
            }
            ~field() { reader.m_field = up; }
            field(field const&) = delete;
            field& operator=(field const&) = delete;

            json_reader& reader;
            std::string_view name;
            field const* up;
        };

        static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

        std::string field_path() const
        {
            std::string path;
            for (auto const* f = m_field; f; f = f->up)
            {
                auto const name = f->name.substr(0, well_formed_prefix(f->name.substr(0, 60)));
                path = path.empty() ? std::string(name) : sentence(name, ".", path);
            }
            return path;
        }

        std::string found()
        {
            switch (peek())
            {
            case json_kind::object: return "an object";
            case json_kind::array: return "an array";
            case json_kind::string: return "a string";
            case json_kind::end: return "the end of the file";
            default: break;
            }
            auto const rest = m_text.substr(m_at, 20);
            auto const word = rest.substr(0, rest.find_first_of(" \n\r\t,]}\""));
            if (word.empty()) { return sentence("'", rest.substr(0, 1), "'"); }
            for (char const c : word)
            {
                if (c < ' ' || c > '~')
                {
                    return sentence("byte value ", unsigned(static_cast<unsigned char>(word[0])));
                }
            }
            return std::string(word);
        }

        void skip_space() noexcept
        {
            while (m_at != m_text.size())
            {
                auto const c = m_text[m_at];
                if (c != ' ' && c != '\n' && c != '\r' && c != '\t') { return; }
                ++m_at;
                // Indentation: eight spaces at a time.
                for (std::uint64_t word; m_at + sizeof word <= m_text.size(); m_at += sizeof word)
                {
                    std::memcpy(&word, m_text.data() + m_at, sizeof word);
                    if (word != 0x2020202020202020u) { break; }
                }
            }
        }

        bool take(char c) noexcept
        {
            skip_space();
            if (m_at == m_text.size() || m_text[m_at] != c) { return false; }
            ++m_at;
            return true;
        }

        bool word(std::string_view literal) noexcept
        {
            skip_space();
            if (m_text.substr(m_at, literal.size()) != literal) { return false; }
            m_at += literal.size();
            return true;
        }

        void open(char bracket, char const* what)
        {
            if (!take(bracket)) { fail(what); }
            if (++m_depth > max_depth)
            {
                fail(sentence("at most ", max_depth, " levels of nesting"), "more");
            }
        }

        void number()
        {
            skip_space();
            auto const begin = m_at;
            auto const digits = [&]
            {
                auto const first = m_at;
                while (m_at != m_text.size() && is_digit(m_text[m_at])) { ++m_at; }
                return m_at - first;
            };
            auto const is_next = [&](char c) { return m_at != m_text.size() && m_text[m_at] == c; };
            m_at += is_next('-');
            bool const leading_zero = is_next('0');
            auto const whole = digits();
            bool good = whole != 0 && !(leading_zero && whole > 1);
            if (good && is_next('.'))
            {
                ++m_at;
                good = digits() != 0;
            }
            if (good && (is_next('e') || is_next('E')))
            {
                ++m_at;
                m_at += is_next('+') || is_next('-');
                good = digits() != 0;
            }
            if (good) { return; }
            m_at = begin;
            fail("a number");
        }

        // From m_at: the place of the first quote or backslash; everything before it is checked to be UTF-8
        // without control characters.
        std::size_t plain_characters()
        {
            auto at = m_at;
            while (at != m_text.size())
            {
                auto const c = static_cast<unsigned char>(m_text[at]);
                if (c == '"' || c == '\\') { return at; }
                if (c >= 0x80)
                {
                    auto const sequence = decode_utf8(m_text, at);
                    if (!sequence.valid)
                    {
                        m_at = at;
                        fail("UTF-8", sentence("byte value ", unsigned(c)));
                    }
                    at += sequence.length;
                }
                else if (c < 0x20)
                {
                    m_at = at;
                    fail("an escape for a control character in a string",
                         sentence("byte value ", unsigned(c)));
                }
                else { ++at; }
            }
            m_at = at;
            fail("'\"' at the end of a string", "the end of the file");
        }

        std::string_view escaped_string(std::size_t begin)
        {
            std::string out;
            m_at = begin;
            for (;;)
            {
                auto const end = plain_characters();
                out += m_text.substr(m_at, end - m_at);
                m_at = end + 1;
                if (m_text[end] == '"') { break; }
                append_escape(out);
            }
            auto* const kept = static_cast<char*>(m_strings.allocate(out.size() + 1, 1));
            std::memcpy(kept, out.data(), out.size());
            return {kept, out.size()};
        }

        void append_escape(std::string& out)
        {
            switch (m_at == m_text.size() ? '\0' : m_text[m_at++])
            {
            case '"': out += '"'; return;
            case '\\': out += '\\'; return;
            case '/': out += '/'; return;
            case 'b': out += '\b'; return;
            case 'f': out += '\f'; return;
            case 'n': out += '\n'; return;
            case 'r': out += '\r'; return;
            case 't': out += '\t'; return;
            case 'u': break;
            default: fail("an escape (\" \\ / b f n r t u) after '\\'", "another character");
            }
            auto code_point = four_hex_digits();
            if (code_point >= 0xd800 && code_point < 0xdc00 && m_text.substr(m_at, 2) == "\\u")
            {
                m_at += 2;
                auto const low = four_hex_digits();
                if (low < 0xdc00 || low > 0xdfff)
                {
                    fail("a low surrogate after a high one", "another code unit");
                }
                code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
            }
            if (code_point >= 0xd800 && code_point < 0xe000) { fail("paired surrogates", "a lone one"); }
            append_utf8(out, code_point);
        }

        char32_t four_hex_digits()
        {
            auto const digits = m_text.substr(m_at, 4);
            unsigned value = 0;
            auto const* last = digits.data() + digits.size();
            auto const [end, status] = std::from_chars(digits.data(), last, value, 16);
            if (digits.size() != 4 || status != std::errc{} || end != last)
            {
                fail("four hexadecimal digits", "less");
            }
            m_at += 4;
            return value;
        }

        std::string_view m_text;
        std::string_view m_file;
        std::size_t m_at = 0;
        unsigned m_depth = 0;
        field const* m_field = nullptr;
        std::pmr::monotonic_buffer_resource m_strings;    // strings that held escapes
    };
}
