#include "fault_injection.hpp"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace
{
    struct armed_fault
    {
        std::atomic<bool> on = false;
        std::atomic<long> seen = 0;
        char call[16] = {};
        long n = 0;
        int error = 0;
        long most = 0;
        bool sticky = false;
    };

    // No constructor to run: calls come before main.
    constinit armed_fault armed;

    bool is_hit(char const* call)
    {
        if (!armed.on.load(std::memory_order_acquire) || std::strcmp(call, armed.call) != 0) { return false; }
        auto const count = armed.seen.fetch_add(1) + 1;
        return armed.sticky ? count >= armed.n : count == armed.n;
    }

    // Whether the call fails now, with errno set.
    bool fails(char const* call)
    {
        if (!is_hit(call)) { return false; }
        errno = armed.error;
        return true;
    }

    // The bytes that a call may move; -1: it fails, with errno set. What a program says is not touched.
    ssize_t allowed(char const* call, int file, std::size_t count)
    {
        if (file <= STDERR_FILENO || !is_hit(call)) { return ssize_t(count); }
        errno = armed.error;
        if (armed.error != 0) { return -1; }
        return ssize_t(count) < armed.most ? ssize_t(count) : ssize_t(armed.most);
    }

    template <class Function>
    Function* next(char const* name)
    {
        return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
    }

    struct from_environment
    {
        from_environment()
        {
            char const* const text = std::getenv("GEMMA4_FAULT");
            if (!text) { return; }
            char call[16] = {};
            int sticky = 0;
            gemma4_test::fault wanted{call, 0, 0};
            if (std::sscanf(text, "%15s %ld %d %ld %d", call, &wanted.n, &wanted.error, &wanted.most, &sticky)
                != 5)
            {
                return;
            }
            wanted.sticky = sticky != 0;
            gemma4_test::arm(wanted);
        }

        ~from_environment()
        {
            char const* const report = std::getenv("GEMMA4_FAULT_REPORT");
            if (!report) { return; }
            auto const count = gemma4_test::disarm();
            if (std::FILE* const file = std::fopen(report, "w"))
            {
                std::fprintf(file, "%ld\n", count);
                std::fclose(file);
            }
        }
    } const started;
}

namespace gemma4_test
{
    void arm(fault const& next)
    {
        armed.on = false;
        std::strncpy(armed.call, next.call, sizeof armed.call - 1);
        armed.seen = 0;
        armed.n = next.n;
        armed.error = next.error;
        armed.most = next.most;
        armed.sticky = next.sticky;
        armed.on.store(true, std::memory_order_release);
    }

    long disarm()
    {
        armed.on = false;
        return armed.seen;
    }
}

extern "C"
{
    int open(char const* path, int flags, ...)
    {
        std::va_list arguments;
        va_start(arguments, flags);
        auto const mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : mode_t(0);
        va_end(arguments);
        static auto* const real = next<int(char const*, int, ...)>("open");
        return fails("open") ? -1 : real(path, flags, mode);
    }

    std::FILE* fopen(char const* path, char const* mode)
    {
        static auto* const real = next<std::FILE*(char const*, char const*)>("fopen");
        return fails("open") ? nullptr : real(path, mode);
    }

    std::FILE* fopen64(char const* path, char const* mode)
    {
        static auto* const real = next<std::FILE*(char const*, char const*)>("fopen64");
        return fails("open") ? nullptr : real(path, mode);
    }

    ssize_t read(int file, void* to, size_t count)
    {
        static auto* const real = next<ssize_t(int, void*, size_t)>("read");
        auto const most = allowed("read", file, count);
        return most < 0 ? -1 : real(file, to, size_t(most));
    }

    ssize_t write(int file, void const* from, size_t count)
    {
        static auto* const real = next<ssize_t(int, void const*, size_t)>("write");
        auto const most = allowed("write", file, count);
        return most < 0 ? -1 : real(file, from, size_t(most));
    }

    ssize_t pwrite(int file, void const* from, size_t count, off_t offset)
    {
        static auto* const real = next<ssize_t(int, void const*, size_t, off_t)>("pwrite");
        auto const most = allowed("write", file, count);
        return most < 0 ? -1 : real(file, from, size_t(most), offset);
    }

    ssize_t writev(int file, iovec const* parts, int count)
    {
        static auto* const real = next<ssize_t(int, iovec const*, int)>("writev");
        return file > STDERR_FILENO && fails("write") ? -1 : real(file, parts, count);
    }

    // No test waits for the disk.
    int fsync(int)
    {
        return fails("fsync") ? -1 : 0;
    }

    int rename(char const* from, char const* to) noexcept
    {
        static auto* const real = next<int(char const*, char const*)>("rename");
        return fails("rename") ? -1 : real(from, to);
    }

    void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) noexcept
    {
        // Not by dlsym: a sanitizer maps memory before there is one.
        if (file >= 0 && fails("mmap")) { return MAP_FAILED; }
        return reinterpret_cast<void*>(::syscall(SYS_mmap, at, size, protection, flags, file, offset));
    }

    int munmap(void* at, size_t size) noexcept
    {
        if (fails("munmap")) { return -1; }
        return int(::syscall(SYS_munmap, at, size));
    }

    int madvise(void* at, size_t size, int advice) noexcept
    {
        if (fails("madvise")) { return -1; }
        return int(::syscall(SYS_madvise, at, size, advice));
    }

    int fstat(int file, struct stat* to) noexcept
    {
        static auto* const real = next<int(int, struct stat*)>("fstat");
        return fails("fstat") ? -1 : real(file, to);
    }

    int stat(char const* path, struct stat* to) noexcept
    {
        static auto* const real = next<int(char const*, struct stat*)>("stat");
        return fails("stat") ? -1 : real(path, to);
    }

    int lstat(char const* path, struct stat* to) noexcept
    {
        static auto* const real = next<int(char const*, struct stat*)>("lstat");
        return fails("stat") ? -1 : real(path, to);
    }

    // The file is closed, as Linux does it, whatever it answers.
    int close(int file)
    {
        static auto* const real = next<int(int)>("close");
        auto const result = real(file);
        return fails("close") ? -1 : result;
    }

    int pthread_create(pthread_t* thread, pthread_attr_t const* attributes, void* (*run)(void*),
                       void* argument) noexcept
    {
        static auto* const real =
            next<int(pthread_t*, pthread_attr_t const*, void* (*)(void*), void*)>("pthread_create");
        return is_hit("thread") ? armed.error : real(thread, attributes, run, argument);
    }
}
