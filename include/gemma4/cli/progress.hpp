// A progress bar of one line on a terminal, and nothing anywhere else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <gemma4/cli/console.hpp>

namespace gemma4::inline v0::cli
{
    class progress_bar
    {
    public:
        progress_bar(console const& to, std::string_view title)
            : m_to(to)
            , m_title(title)
        {}
        progress_bar(progress_bar const&) = delete;
        progress_bar& operator=(progress_bar const&) = delete;
        ~progress_bar() { clear(); }

        void show(std::size_t done, std::size_t all)
        {
            if (!m_to.err_is_terminal || all == 0) { return; }
            auto const percent = int(double(done) / double(all) * 100);
            if (percent == m_percent) { return; }
            m_percent = percent;
            auto const filled = std::size_t(percent) * width / 100;
            m_to.err << "\r\x1b[K" << m_title << " [" << std::string(filled, '#')
                     << std::string(width - filled, '.') << "] " << percent << " %" << std::flush;
        }

        // Takes the line back. The next show() begins a new one.
        void clear()
        {
            if (m_percent < 0) { return; }
            m_percent = -1;
            m_to.err << "\r\x1b[K" << std::flush;
        }

    private:
        static constexpr std::size_t width = 40;

        console const& m_to;
        std::string m_title;
        int m_percent = -1;    // shown; negative: nothing
    };
}
