// Files that commands write.
#pragma once

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <unistd.h>

#include <gemma4/cli/interrupts.hpp>
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

    // While one lives, Ctrl-C, a request to end (SIGTERM) and a terminal that is closed (SIGHUP) remove what
    // was begun of the file `path` before they end the program, as they would have ended it anyway; one that
    // is ignored stays so. Make it before any other thread.
    class unfinished_file
    {
    public:
        explicit unfinished_file(std::filesystem::path path)
            : m_path(std::move(path))
            , m_interrupts([this](int signal) { remove_and_end(signal); }, {SIGINT, SIGTERM, SIGHUP})
        {}

    private:
        void remove_and_end(int signal) const
        {
            struct sigaction now = {};
            sigaction(signal, nullptr, &now);
            if (now.sa_handler == SIG_IGN) { return; }
            remove_parts();
            std::signal(signal, SIG_DFL);
            sigset_t one;
            sigemptyset(&one);
            sigaddset(&one, signal);
            pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
            std::raise(signal);
        }

        // "<path>.part", "<path>.<process>...part": what writers of the library make.
        void remove_parts() const
        {
            namespace fs = std::filesystem;
            std::error_code failed;
            auto target = fs::canonical(m_path, failed);    // where a link leads
            if (failed) { target = m_path; }
            auto const name = target.filename().string();
            auto const own = sentence(name, ".", ::getpid(), ".");
            auto const folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
            for (auto at = fs::directory_iterator(folder, failed); !failed && at != fs::directory_iterator();
                 at.increment(failed))
            {
                auto const one = at->path().filename().string();
                if (one == name + ".part" || (one.starts_with(own) && one.ends_with(".part")))
                {
                    std::error_code ignored;
                    fs::remove(at->path(), ignored);
                }
            }
        }

        std::filesystem::path m_path;
        interrupts m_interrupts;
    };
}
