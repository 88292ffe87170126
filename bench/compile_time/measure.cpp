// measure [--title TITLE] COMMAND...: runs a command; prints wall seconds, processor seconds and the resident
// memory of the largest process among all that it started.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{
    double seconds(timeval const& t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; }
}

int main(int argc, char** argv)
{
    int first = 1;
    std::string title;
    if (argc > 2 && std::string_view(argv[1]) == "--title")
    {
        title = argv[2];
        first = 3;
    }
    if (first >= argc)
    {
        std::fprintf(stderr, "usage: %s [--title TITLE] COMMAND...\n", argv[0]);
        return 2;
    }
    if (title.empty()) { title = argv[first]; }

    auto const start = std::chrono::steady_clock::now();
    auto const child = fork();
    if (child == 0)
    {
        execvp(argv[first], argv + first);
        std::perror(argv[first]);
        _exit(127);
    }
    int status = 0;
    rusage usage{};
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
    {
        std::perror("measure");
        return 1;
    }
    std::chrono::duration<double> const wall = std::chrono::steady_clock::now() - start;
    std::printf("%-32s %8.2f s wall %8.2f s processor %8.0f MiB largest process\n", title.c_str(),
                wall.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime),
                double(usage.ru_maxrss) / 1024.0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
