#include <atomic>
#include <chrono>
#include <thread>

#include <doctest/doctest.h>
#include <unistd.h>

#include <gemma4/cli/interrupts.hpp>

using namespace gemma4::cli;

namespace
{
    bool becomes(std::atomic<int> const& value, int expected)
    {
        for (int i = 0; i != 500 && value != expected; ++i)
        {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return value == expected;
    }
}

TEST_CASE("Ctrl-C calls the handler of the moment and ends nothing")
{
    std::atomic<int> first = 0, second = 0;
    {
        interrupts ctrl_c([&](int) { ++first; });
        ::kill(::getpid(), SIGINT);
        CHECK(becomes(first, 1));
        ctrl_c.on_interrupt([&](int) { ++second; });
        ::kill(::getpid(), SIGINT);
        CHECK(becomes(second, 1));
    }
    CHECK(first == 1);
    CHECK(second == 1);
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, nullptr, &now);
    CHECK(sigismember(&now, SIGINT) == 0);
}
