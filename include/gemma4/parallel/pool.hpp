// The executor of a program that brings none: persistent threads, the caller is one of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/function_ref.hpp>
#include <gemma4/core/memory.hpp>
#include <gemma4/parallel/cores.hpp>
#include <gemma4/parallel/executor.hpp>
#include <gemma4/simd/arch/pause.hpp>

namespace gemma4::inline v0
{
    // Pieces are claimed one at a time, so a slow or sleeping thread delays at most the piece it has. Idle
    // threads spin for a moment, because a decode step has hundreds of short regions and waking a sleeper
    // costs tens of microseconds; never more threads spin or are woken than there are cores, so that many
    // threads on few cores do no harm. run() may be called from several threads: the calls take turns. Not
    // from inside a piece.
    class pool final : public executor
    {
    public:
        // `threads` counts the caller of run(). Throws argument_error for 0, capacity_error where the system
        // refuses.
        explicit pool(std::size_t threads = available_cores())
            : m_max_active(std::min(threads, available_cores()))
        {
            if (threads == 0) { throw argument_error("a pool needs at least 1 thread, got 0"); }
            try
            {
                m_threads.reserve(threads - 1);
                while (m_threads.size() + 1 < threads)
                {
                    m_threads.emplace_back([this] { work_until_stopped(); });
                }
            }
            catch (std::exception const&)
            {
                auto const got = m_threads.size() + 1;
                stop();
                throw capacity_error(
                    sentence("a pool of ", threads, " threads was asked for, the system gives ", got));
            }
        }

        pool(pool const&) = delete;
        pool& operator=(pool const&) = delete;

        ~pool() override { stop(); }

        std::size_t concurrency() const noexcept override { return m_threads.size() + 1; }

        void run(std::size_t pieces, function_ref<void(std::size_t)> work) override
        {
            if (pieces <= 1 || m_threads.empty())
            {
                for (std::size_t piece = 0; piece != pieces; ++piece) { work(piece); }
                return;
            }
            std::lock_guard const turn(m_turn);
            m_work = &work;
            m_pieces = pieces;
            m_unfinished.store(pieces, std::memory_order_relaxed);
            m_unclaimed.store(pieces, std::memory_order_release);
            m_epoch.fetch_add(1, std::memory_order_seq_cst);
            wake(std::min(pieces, m_max_active) - 1);
            take_pieces();
            wait_for([&] { return m_unfinished.load(std::memory_order_acquire) == 0; },
                     std::chrono::microseconds(100));
            for (auto left = m_unfinished.load(std::memory_order_acquire); left != 0;
                 left = m_unfinished.load(std::memory_order_acquire))
            {
                m_unfinished.wait(left, std::memory_order_acquire);
            }
        }

    private:
        // Spins until `ready` or the time is over, giving way to other threads now and then.
        template <class Ready>
        static bool wait_for(Ready ready, std::chrono::microseconds limit)
        {
            for (int i = 0; i != 64; ++i)
            {
                if (ready()) { return true; }
                simd::pause();
            }
            auto const end = std::chrono::steady_clock::now() + limit;
            do {
                for (int i = 0; i != 64; ++i)
                {
                    if (ready()) { return true; }
                    simd::pause();
                }
                std::this_thread::yield();
            }
            while (std::chrono::steady_clock::now() < end);
            return ready();
        }

        void take_pieces()
        {
            // What a claim reads was written before the count it took from was published, and is not written
            // again before the piece is finished; a claim that comes late finds nothing or a later run, and
            // both are right.
            for (auto left = m_unclaimed.load(std::memory_order_relaxed); left != 0;)
            {
                if (!m_unclaimed.compare_exchange_weak(left, left - 1, std::memory_order_acquire,
                                                       std::memory_order_relaxed))
                {
                    continue;
                }
                (*m_work)(m_pieces - left);
                if (m_unfinished.fetch_sub(1, std::memory_order_seq_cst) == 1) { m_unfinished.notify_all(); }
                left = m_unclaimed.load(std::memory_order_relaxed);
            }
        }

        void work_until_stopped()
        {
            auto seen = std::uint32_t{0};
            for (;;)
            {
                auto const changed = [&] { return m_epoch.load(std::memory_order_acquire) != seen; };
                bool const may_spin = m_spinning.fetch_add(1, std::memory_order_relaxed) + 1 < m_max_active;
                bool const found = may_spin && wait_for(changed, std::chrono::microseconds(200));
                m_spinning.fetch_sub(1, std::memory_order_relaxed);
                if (!found) { m_epoch.wait(seen, std::memory_order_acquire); }
                seen = m_epoch.load(std::memory_order_acquire);
                if (m_stop.load(std::memory_order_acquire)) { return; }
                take_pieces();
            }
        }

        // Sleepers among them are woken until `threads` are up, those that spin included.
        void wake(std::size_t threads)
        {
            for (auto up = m_spinning.load(std::memory_order_relaxed); up < threads; ++up)
            {
                m_epoch.notify_one();
            }
        }

        void stop()
        {
            m_stop.store(true, std::memory_order_release);
            m_epoch.fetch_add(1, std::memory_order_seq_cst);
            m_epoch.notify_all();
            for (auto& thread : m_threads) { thread.join(); }
        }

        std::size_t const m_max_active;
        std::mutex m_turn;
        function_ref<void(std::size_t)> const* m_work = nullptr;
        std::size_t m_pieces = 0;
        alignas(cache_line) std::atomic<std::uint32_t> m_epoch = 0;    // one more for every run, and to stop
        std::atomic<bool> m_stop = false;
        alignas(cache_line) std::atomic<std::size_t> m_unclaimed = 0;
        alignas(cache_line) std::atomic<std::size_t> m_unfinished = 0;
        alignas(cache_line) std::atomic<std::size_t> m_spinning = 0;
        std::vector<std::thread> m_threads;
    };
}
