// The one exception family of the library.
//
// Every failure is thrown as a gemma4::error (or one of the kinds below; api/typed_answer.hpp has one more),
// and what() is one sentence that names the file, tensor or field, what was expected and what was found.
// Nothing in the library asserts, aborts or exits.
#pragma once

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace gemma4::inline v0
{
    class error : public std::runtime_error
    {
    public:
        using std::runtime_error::runtime_error;
    };

    // A file cannot be opened or read, or its bytes are not what its format demands.
    class file_error : public error
    {
    public:
        using error::error;
    };

    // A well-formed checkpoint does not fit the compiled variant: a field, a tensor's name, shape or dtype.
    class mismatch_error : public error
    {
    public:
        using error::error;
    };

    // A value given by the caller is out of range: a token id, an option, text that is not UTF-8.
    class argument_error : public error
    {
    public:
        using error::error;
    };

    // A memory cap or the context length would be exceeded. Nothing has been changed when it is thrown.
    class capacity_error : public error
    {
    public:
        using error::error;
    };

    // Hidden states, soft tokens or logits came out infinite or NaN: numbers of the file, or activations that
    // they lead to, are out of range. The file is well-formed and the caller has done nothing wrong.
    class numeric_error : public error
    {
    public:
        using error::error;
    };

    // The host asked to stop (while loading: generation reports cancellation as a stop reason instead).
    class cancelled_error : public error
    {
    public:
        using error::error;
    };

    namespace detail
    {
        inline void append(std::string& out, std::string_view part) { out += part; }
        inline void append(std::string& out, char part) { out += part; }

        template <class Number>
            requires std::is_arithmetic_v<Number>
        void append(std::string& out, Number part)
        {
            if constexpr (std::is_same_v<Number, bool>) { out += part ? "true" : "false"; }
            else
            {
                char digits[64];
                auto const end = std::to_chars(digits, digits + sizeof digits, part).ptr;
                out.append(digits, end);
            }
        }
    }

    // The arguments written one after the other: sentence("window is ", 512, " but ...").
    template <class... Parts>
    std::string sentence(Parts const&... parts)
    {
        std::string out;
        (detail::append(out, parts), ...);
        return out;
    }
}
