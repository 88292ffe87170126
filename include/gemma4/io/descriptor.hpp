// The number of a file that the system has opened (POSIX).
#pragma once

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0::detail
{
    class descriptor
    {
    public:
        explicit descriptor(int number) noexcept
            : m_number(number)
        {}

        descriptor(descriptor const&) = delete;
        descriptor& operator=(descriptor const&) = delete;

        ~descriptor()
        {
            if (m_number >= 0) { ::close(m_number); }
        }

        int number() const noexcept { return m_number; }
        bool is_open() const noexcept { return m_number >= 0; }

        // It is closed whatever the system answers; false: with an error, which is in errno.
        bool close() noexcept { return ::close(std::exchange(m_number, -1)) == 0 || errno == EINTR; }

    private:
        int m_number;
    };

    // What `call` returns, repeated as long as signals interrupt it.
    template <class Call>
    auto uninterrupted(Call&& call)
    {
        for (;;)
        {
            auto const result = call();
            if (result != -1 || errno != EINTR) { return result; }
        }
    }

    // Throws a file_error with the reason in errno.
    [[noreturn]] inline void fail_with_reason(std::filesystem::path const& path, std::string_view what)
    {
        auto const number = errno;    // before anything changes it
        throw file_error(
            sentence(path.string(), " ", what, ": ", std::generic_category().message(number)));
    }
}
