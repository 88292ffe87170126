#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <gemma4/parallel/pool.hpp>

using namespace gemma4;

namespace
{
    // Every piece must be run exactly once.
    bool covers(executor& threads, std::size_t pieces)
    {
        std::vector<std::atomic<int>> count(pieces);
        threads.run(pieces, [&](std::size_t piece) { count[piece].fetch_add(1, std::memory_order_relaxed); });
        for (auto const& c : count)
        {
            if (c.load(std::memory_order_relaxed) != 1) { return false; }
        }
        return true;
    }
}

TEST_CASE("every piece is run exactly once, by any number of threads")
{
    for (std::size_t const threads : {1u, 2u, 3u, 5u, 16u, 64u})
    {
        pool p(threads);
        CAPTURE(threads);
        CHECK(p.concurrency() == threads);
        for (std::size_t const pieces : {0u, 1u, 2u, 3u, 7u, 64u, 1000u}) { CHECK(covers(p, pieces)); }
        bool all = true;
        for (int i = 0; i != 300; ++i) { all = all && covers(p, std::size_t(i) % 19); }
        CHECK(all);
    }
}

TEST_CASE("what the pieces wrote is visible when run returns")
{
    pool p(3);
    std::vector<std::size_t> written(50);    // not atomic: a race would be reported by the thread sanitizer
    for (std::size_t round = 1; round != 500; ++round)
    {
        p.run(written.size(), [&](std::size_t piece) { written[piece] += round * piece; });
    }
    for (std::size_t i = 0; i != written.size(); ++i) { CHECK(written[i] == i * 499 * 500 / 2); }
}

TEST_CASE("sleeping threads are no obstacle")
{
    pool p(4);
    for (int i = 0; i != 5; ++i)
    {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));    // longer than they spin
        CHECK(covers(p, 100));
    }
}

TEST_CASE("a slow piece does not keep the others from being run")
{
    pool p(2);
    std::atomic<bool> others_done = false;
    std::atomic<std::size_t> done = 0;
    bool const several = available_cores() > 1;
    p.run(50,
          [&](std::size_t piece)
          {
              if (piece == 0 && several)
              {
                  while (!others_done) { std::this_thread::yield(); }
              }
              if (++done == 49) { others_done = true; }
          });
    CHECK(done == 50);
}

TEST_CASE("callers from several threads take turns")
{
    pool p(3);
    std::atomic<int> failures = 0;
    std::vector<std::thread> callers;
    for (int c = 0; c != 4; ++c)
    {
        callers.emplace_back(
            [&]
            {
                for (std::size_t i = 0; i != 100; ++i) { failures += !covers(p, 2 + i % 9); }
            });
    }
    for (auto& caller : callers) { caller.join(); }
    CHECK(failures == 0);
}

TEST_CASE("pools come and go, used or not")
{
    for (int i = 0; i != 30; ++i)
    {
        pool unused(4);
        pool used(4);
        CHECK(covers(used, 6));
    }
}

TEST_CASE("a pool without threads is refused")
{
    CHECK_THROWS_WITH_AS(pool(0), "a pool needs at least 1 thread, got 0", argument_error);
}

TEST_CASE("a pool that the system cannot make is refused and leaves nothing behind")
{
    CHECK_THROWS_AS(pool(~std::size_t{0}), capacity_error);
}
