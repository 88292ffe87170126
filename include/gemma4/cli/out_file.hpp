// Files that commands write.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0::cli
{
    // Before the work rather than after it: throws file_error where `path` is something else than a file (a
    // device would be replaced by one), or its folder is not there or cannot be written.
    inline void demand_writable(std::filesystem::path const& path)
    {
        namespace fs = std::filesystem;
        std::error_code failed;
        auto const there = fs::status(path, failed);
        if (fs::exists(there) && !fs::is_regular_file(there))
        {
            throw file_error(sentence(path.string(), " is ",
                                      fs::is_directory(there) ? "a folder" : "a device or a pipe",
                                      ", expected the name of a file to write"));
        }
        auto const folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
        if (::access(folder.c_str(), W_OK | X_OK) != 0)
        {
            throw file_error(
                sentence(path.string(), " cannot be written: ", std::generic_category().message(errno)));
        }
    }

    // While one lives, Ctrl-C (and SIGTERM, SIGHUP) removes a file before it ends the program, as it would
    // have ended it anyway. Where a signal is ignored or handled already, it stays so. One at a time.
    class unfinished_file
    {
    public:
        explicit unfinished_file(std::string path)
            : m_path(std::move(path))
        {
            name() = m_path.c_str();
            struct sigaction action = {};
            action.sa_handler = &remove_and_end;
            sigemptyset(&action.sa_mask);
            for (std::size_t i = 0; i != signals.size(); ++i)
            {
                sigaction(signals[i], nullptr, &m_before[i]);
                if (is_default(i)) { sigaction(signals[i], &action, nullptr); }
            }
        }

        unfinished_file(unfinished_file const&) = delete;
        unfinished_file& operator=(unfinished_file const&) = delete;

        ~unfinished_file()
        {
            for (std::size_t i = 0; i != signals.size(); ++i)
            {
                if (is_default(i)) { sigaction(signals[i], &m_before[i], nullptr); }
            }
            name() = nullptr;
        }

    private:
        static constexpr std::array<int, 3> signals{SIGINT, SIGTERM, SIGHUP};

        static std::atomic<char const*>& name() noexcept
        {
            static std::atomic<char const*> path{nullptr};
            return path;
        }

        bool is_default(std::size_t i) const noexcept { return m_before[i].sa_handler == SIG_DFL; }

        // Calls only what a handler may call.
        static void remove_and_end(int signal)
        {
            if (auto const* const path = name().load()) { ::unlink(path); }
            std::signal(signal, SIG_DFL);
            std::raise(signal);
        }

        std::string m_path;
        std::array<struct sigaction, 3> m_before{};
    };
}
