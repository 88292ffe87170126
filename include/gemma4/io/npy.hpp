// NumPy's .npy files: a streaming float32 writer, and a reader for float32 and int64.
// Source: the format description in NumPy's documentation (versions 1.0 to 3.0 differ in the header's length
// field).
#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/file_writer.hpp>

namespace gemma4::inline v0
{
    // Writes float32 [rows, columns] in C order, version 1.0, while rows arrive. The file has
    // its name when finish() returns, and nothing is left of a writer destroyed before that. Throws
    // file_error as file_writer.
    class npy_writer
    {
    public:
        npy_writer(std::filesystem::path const& path, std::size_t columns)
            : m_columns(columns)
        {
            static_assert(std::endian::native == std::endian::little,
                          "gemma4: .npy files are written little-endian");
            if (columns == 0)
            {
                throw argument_error(sentence(path.string(), ": an .npy row needs at least one column"));
            }
            m_out.emplace(path);
            m_out->write(header());
        }

        // One or more whole rows. argument_error otherwise, or after finish().
        void append(std::span<float const> rows)
        {
            if (!m_out) { throw argument_error("rows were appended to a finished .npy file"); }
            if (rows.size() % m_columns != 0)
            {
                throw argument_error(sentence(m_out->path().string(), ": ", rows.size(),
                                              " values appended, expected rows of ", m_columns));
            }
            m_out->write(std::as_bytes(rows));
            m_rows += rows.size() / m_columns;
        }

        // The file is complete and has its name. A second call does nothing.
        void finish()
        {
            if (!m_out) { return; }
            m_out->write_at(0, header());
            m_out->finish();
            m_out.reset();
        }

    private:
        // Room for any two 64-bit numbers; a multiple of 64.
        static constexpr std::size_t header_size = 128;

        std::array<std::byte, header_size> header() const
        {
            auto text = std::string("\x93NUMPY\x01\x00", 8);
            text += static_cast<char>(header_size - 10);
            text += '\0';
            text += sentence("{'descr': '<f4', 'fortran_order': False, 'shape': (", m_rows, ", ", m_columns,
                             "), }");
            text.resize(header_size - 1, ' ');
            text += '\n';
            std::array<std::byte, header_size> bytes{};
            std::memcpy(bytes.data(), text.data(), bytes.size());
            return bytes;
        }

        std::size_t m_columns;
        std::size_t m_rows = 0;
        std::optional<file_writer> m_out;    // none: finished
    };

    // An array of any rank in C order. floats() and integers() are argument_error where the file holds the
    // other kind.
    struct npy_array
    {
        std::vector<std::size_t> shape;
        std::variant<std::vector<float>, std::vector<std::int32_t>, std::vector<std::int64_t>> values;

        std::vector<float> const& floats() const { return values_of<float>("float32"); }
        std::vector<std::int64_t> const& integers() const { return values_of<std::int64_t>("int64"); }

    private:
        template <class T>
        std::vector<T> const& values_of(char const* name) const
        {
            if (auto const* found = std::get_if<std::vector<T>>(&values)) { return *found; }
            throw argument_error(sentence("the array is not of ", name));
        }
    };

    namespace detail
    {
        // The header is a Python dictionary literal with the three keys descr, fortran_order and shape.
        class npy_header
        {
        public:
            npy_header(std::string_view text, std::string_view file)
                : m_text(text)
                , m_file(file)
            {
                expect('{');
                while (!accept('}'))
                {
                    auto const key = string();
                    expect(':');
                    if (key == "descr") { descr = string(); }
                    else if (key == "fortran_order") { fortran_order = boolean(); }
                    else if (key == "shape") { tuple(); }
                    else { fail(); }
                    if (!accept(','))
                    {
                        expect('}');
                        break;
                    }
                }
                skip();
                if (!m_text.empty() || descr.empty()) { fail(); }
            }

            std::string descr;
            bool fortran_order = false;
            std::vector<std::size_t> shape;

        private:
            [[noreturn]] void fail() const
            {
                throw file_error(sentence(m_file, ": the .npy header is malformed"));
            }

            void skip()
            {
                while (!m_text.empty() && (m_text.front() == ' ' || m_text.front() == '\n'))
                {
                    m_text.remove_prefix(1);
                }
            }

            bool accept(char c)
            {
                skip();
                if (m_text.empty() || m_text.front() != c) { return false; }
                m_text.remove_prefix(1);
                return true;
            }

            void expect(char c)
            {
                if (!accept(c)) { fail(); }
            }

            std::string string()
            {
                expect('\'');
                auto const end = m_text.find('\'');
                if (end == m_text.npos) { fail(); }
                std::string const out(m_text.substr(0, end));
                m_text.remove_prefix(end + 1);
                return out;
            }

            bool boolean()
            {
                skip();
                for (std::string_view const word : {"True", "False"})
                {
                    if (!m_text.starts_with(word)) { continue; }
                    m_text.remove_prefix(word.size());
                    return word == "True";
                }
                fail();
            }

            void tuple()
            {
                expect('(');
                while (!accept(')'))
                {
                    skip();
                    std::size_t value = 0;
                    auto const [end, error] =
                        std::from_chars(m_text.data(), m_text.data() + m_text.size(), value);
                    if (error != std::errc()) { fail(); }
                    m_text.remove_prefix(static_cast<std::size_t>(end - m_text.data()));
                    shape.push_back(value);
                    if (!accept(','))
                    {
                        expect(')');
                        break;
                    }
                }
            }

            std::string_view m_text;
            std::string_view m_file;
        };
    }

    namespace detail
    {
        struct npy_layout
        {
            npy_header header;
            std::size_t item;    // bytes of a value
            std::span<std::byte const> values;
        };

        inline npy_layout read_npy_layout(std::span<std::byte const> bytes, std::string_view file)
        {
            std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
            if (!text.starts_with("\x93NUMPY") || text.size() < 10)
            {
                throw file_error(sentence(file, " is not an .npy file"));
            }
            auto const byte = [&](std::size_t i)
            { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
            auto const version = byte(6);
            std::size_t const start = version == 1 ? 10 : 12;
            if (version < 1 || version > 3 || text.size() < start)
            {
                throw file_error(sentence(file, ": .npy version ", version, ", expected 1, 2 or 3"));
            }
            auto const length =
                byte(8) + (byte(9) << 8) + (version == 1 ? 0 : (byte(10) << 16) + (byte(11) << 24));
            if (length > text.size() - start)
            {
                throw file_error(sentence(file, ": the .npy header is truncated"));
            }
            npy_header const header(text.substr(start, length), file);
            if (header.fortran_order)
            {
                throw file_error(sentence(file, ": the array is in Fortran order, expected C order"));
            }

            std::size_t const item = header.descr == "<f4" || header.descr == "<i4" ? 4
                                     : header.descr == "<i8"                        ? 8
                                                                                    : 0;
            if (item == 0)
            {
                throw file_error(sentence(file, ": the array's type is '", header.descr.substr(0, 20),
                                          "', expected '<f4', '<i4' or '<i8'"));
            }
            std::size_t size = item;
            bool overflow = false;
            for (auto const extent : header.shape)
            {
                overflow |= __builtin_mul_overflow(size, extent, &size);
            }
            auto const data = bytes.subspan(start + length);
            if (overflow || size != data.size())
            {
                throw file_error(sentence(file, ": ", data.size(), " bytes of values do not fit the shape"));
            }
            return {header, item, data};
        }
    }

    // The array in the .npy file `bytes`; `file` is its name in errors. file_error: not such a file, Fortran
    // order, a type other than float32, int32 (widened) and int64, or a size that disagrees with the shape.
    inline npy_array parse_npy(std::span<std::byte const> bytes, std::string_view file)
    {
        auto const [header, item, data] = detail::read_npy_layout(bytes, file);
        auto const size = data.size();
        npy_array out{.shape = header.shape, .values = {}};
        auto const fill = [&, item = item, from = data.data()](auto values)
        {
            values.resize(size / item);
            if (size != 0) { std::memcpy(values.data(), from, size); }
            out.values = std::move(values);
        };
        if (header.descr == "<f4") { fill(std::vector<float>()); }
        else if (header.descr == "<i8") { fill(std::vector<std::int64_t>()); }
        else
        {
            fill(std::vector<std::int32_t>());
            auto const narrow = std::get<std::vector<std::int32_t>>(out.values);
            out.values = std::vector<std::int64_t>(narrow.begin(), narrow.end());
        }
        return out;
    }

    inline npy_array read_npy(std::filesystem::path const& path)
    {
        file_bytes const file(path);
        return parse_npy(file.bytes(), path.string());
    }

    // The rows of a float32 [rows, columns] file, read where they lie.
    class npy_rows
    {
    public:
        // Throws file_error: as parse_npy, or an array of another type or rank.
        explicit npy_rows(std::filesystem::path const& path)
            : m_file(path, file_access::map)
        {
            auto const layout = detail::read_npy_layout(m_file.bytes(), path.string());
            auto const aligned =
                (layout.values.data() - m_file.bytes().data()) % std::ptrdiff_t(alignof(float)) == 0;
            if (layout.header.descr != "<f4" || layout.header.shape.size() != 2 || !aligned)
            {
                throw file_error(sentence(path.string(), ": expected an array of float32 [rows, columns]"));
            }
            m_rows = layout.header.shape[0];
            m_columns = layout.header.shape[1];
            m_values = reinterpret_cast<float const*>(layout.values.data());
        }

        std::size_t rows() const noexcept { return m_rows; }
        std::size_t columns() const noexcept { return m_columns; }
        std::span<float const> operator[](std::size_t row) const noexcept
        {
            return {m_values + row * m_columns, m_columns};
        }
        std::filesystem::path const& path() const noexcept { return m_file.path(); }

    private:
        file_bytes m_file;
        std::size_t m_rows;
        std::size_t m_columns;
        float const* m_values;
    };
}
