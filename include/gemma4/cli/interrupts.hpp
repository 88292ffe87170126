// Ctrl-C as an event of the program instead of its end.
#pragma once

#include <csignal>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <pthread.h>

namespace gemma4::inline v0::cli
{
    // While one lives, SIGINT calls the handler on a thread of its own and interrupts nothing else. Make it
    // before any other thread, which then inherits that the signal is blocked.
    class interrupts
    {
    public:
        explicit interrupts(std::function<void()> handler)
            : m_handler(std::move(handler))
        {
            sigemptyset(&m_signals);
            sigaddset(&m_signals, SIGINT);
            pthread_sigmask(SIG_BLOCK, &m_signals, &m_before);
            m_thread = std::thread([this] { wait(); });
        }

        interrupts(interrupts const&) = delete;
        interrupts& operator=(interrupts const&) = delete;

        ~interrupts()
        {
            m_end.request_stop();
            pthread_kill(m_thread.native_handle(), SIGINT);
            m_thread.join();
            pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
        }

        void on_interrupt(std::function<void()> handler)
        {
            std::scoped_lock const lock(m_mutex);
            m_handler = std::move(handler);
        }

    private:
        void wait()
        {
            for (int signal = 0; sigwait(&m_signals, &signal) == 0 && !m_end.stop_requested();)
            {
                std::scoped_lock const lock(m_mutex);
                m_handler();
            }
        }

        sigset_t m_signals{};
        sigset_t m_before{};
        std::mutex m_mutex;    // of m_handler
        std::function<void()> m_handler;
        std::stop_source m_end;
        std::thread m_thread;
    };
}
