// Ctrl-C, and other signals that would end the program, as events of it.
#pragma once

#include <csignal>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <pthread.h>

namespace gemma4::inline v0::cli
{
    // While one lives, SIGINT (or each of `signals`) calls the handler with its number on a thread of its own
    // and interrupts nothing else. Make it before any other thread, which then inherits that the signals are
    // blocked.
    class interrupts
    {
    public:
        using handler = std::function<void(int signal)>;

        explicit interrupts(handler on_signal, std::initializer_list<int> signals = {SIGINT})
            : m_wakes(*signals.begin())
            , m_handler(std::move(on_signal))
        {
            sigemptyset(&m_signals);
            for (auto const signal : signals) { sigaddset(&m_signals, signal); }
            pthread_sigmask(SIG_BLOCK, &m_signals, &m_before);
            m_thread = std::thread([this] { wait(); });
        }

        interrupts(interrupts const&) = delete;
        interrupts& operator=(interrupts const&) = delete;

        ~interrupts()
        {
            m_end.request_stop();
            pthread_kill(m_thread.native_handle(), m_wakes);
            m_thread.join();
            pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
        }

        void on_interrupt(handler on_signal)
        {
            std::scoped_lock const lock(m_mutex);
            m_handler = std::move(on_signal);
        }

    private:
        void wait()
        {
            for (int signal = 0; sigwait(&m_signals, &signal) == 0 && !m_end.stop_requested();)
            {
                std::scoped_lock const lock(m_mutex);
                m_handler(signal);
            }
        }

        int m_wakes;    // that one of the signals which ends the thread
        sigset_t m_signals{};
        sigset_t m_before{};
        std::mutex m_mutex;    // of m_handler
        handler m_handler;
        std::stop_source m_end;
        std::thread m_thread;
    };
}
