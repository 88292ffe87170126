// Editing of lines on a pseudo-terminal.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/tiny_models.hpp"
#include <doctest/doctest.h>
#include <stdlib.h>

#include <gemma4/cli/line_editor.hpp>

#ifdef GEMMA4_HAS_LIBEDIT
#include <chrono>
#include <clocale>
#include <memory>
#include <thread>
#include <vector>

#include <pty.h>
#include <termios.h>
#endif

using namespace gemma4;
using namespace gemma4_test;

namespace
{
    // Sets a variable of the environment while it lives; null: unsets it.
    class with_variable
    {
    public:
        with_variable(char const* name, char const* value)
            : m_name(name)
        {
            if (char const* const before = std::getenv(name))
            {
                m_before = before;
                m_was_set = true;
            }
            set(value);
        }
        ~with_variable() { set(m_was_set ? m_before.c_str() : nullptr); }
        with_variable(with_variable const&) = delete;
        with_variable& operator=(with_variable const&) = delete;

    private:
        void set(char const* value) const
        {
            if (value) { ::setenv(m_name, value, 1); }
            else { ::unsetenv(m_name); }
        }

        char const* m_name;
        std::string m_before;
        bool m_was_set = false;
    };
}

TEST_CASE("the history lies in the user's folder of state")
{
    with_variable const home("HOME", "/home/someone");
    {
        with_variable const state("XDG_STATE_HOME", "/var/state");
        CHECK(cli::history_file() == "/var/state/gemma4/history");
    }
    with_variable const relative("XDG_STATE_HOME", "somewhere");    // by its specification not to be used
    CHECK(cli::history_file() == "/home/someone/.local/state/gemma4/history");
    with_variable const none("HOME", nullptr);
    CHECK(cli::history_file().empty());
}

#ifdef GEMMA4_HAS_LIBEDIT
namespace
{
    // Both ends of a pseudo-terminal.
    class terminal
    {
    public:
        terminal()
        {
            winsize const size{24, 80, 0, 0};
            REQUIRE(::openpty(&m_user, &m_program, nullptr, nullptr, &size) == 0);
            m_in.reset(::fdopen(::dup(m_program), "r"));
            m_out.reset(::fdopen(::dup(m_program), "w"));
        }
        ~terminal()
        {
            ::close(m_program);
            ::close(m_user);
        }
        terminal(terminal const&) = delete;
        terminal& operator=(terminal const&) = delete;

        std::FILE* in() const { return m_in.get(); }
        std::FILE* out() const { return m_out.get(); }

        // Once the editor has the terminal: what is typed ahead is cooked, where some keys mean other things.
        // False: it never did.
        bool type(std::string const& keys) const
        {
            for (int tries = 0; tries != 10000; ++tries)
            {
                termios mode{};
                ::tcgetattr(m_program, &mode);
                if (!(mode.c_lflag & ICANON))
                {
                    return ::write(m_user, keys.data(), keys.size()) == ssize_t(keys.size());
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            return false;
        }

        std::string shown() const
        {
            std::fflush(m_out.get());
            char bytes[8192];
            auto const count = ::read(m_user, bytes, sizeof bytes);
            return std::string(bytes, count > 0 ? std::size_t(count) : 0);
        }

    private:
        struct close_file
        {
            void operator()(std::FILE* f) const { std::fclose(f); }
        };
        int m_user = -1, m_program = -1;
        std::unique_ptr<std::FILE, close_file> m_in, m_out;
    };

    std::string const up = "\x1b[A", down = "\x1b[B", left = "\x1b[D", right = "\x1b[C";
    std::string const ctrl_a = "\x01", ctrl_c = "\x03", ctrl_d = "\x04";

    struct editing
    {
        with_variable const term{"TERM", "xterm"};
        with_variable const home{"HOME", "/nonexistent"};    // no .editrc
        terminal t;
        cli::line_editor editor;

        explicit editing(std::filesystem::path history = {})
            : editor(t.in(), t.out(), std::move(history))
        {}

        // Reads a line while somebody types; false: there is none.
        bool read(std::string const& keys, std::string& out)
        {
            bool typed = false;
            std::thread user([&] { typed = t.type(keys); });
            bool const more = editor.read("> ", out);
            user.join();
            REQUIRE(typed);
            return more;
        }

        std::string line(std::string const& keys)
        {
            std::string out = "?";
            REQUIRE(read(keys, out));
            return out;
        }
    };
}

TEST_CASE("keys edit a line, and the arrows recall those before")
{
    editing e;
    CHECK(e.line("hello\r") == "hello");
    CHECK(e.t.shown().find("> ") != std::string::npos);
    CHECK(e.line("wrld" + left + left + left + "o" + ctrl_a + "the " + "\r") == "the world");
    CHECK(e.line("ab" + left + "\x7f" + "\r") == "b");
    CHECK(e.line(up + up + "\r") == "the world");
    CHECK(e.line(up + up + down + "!\r") == "the world!");
    CHECK(e.line("\r").empty());
    CHECK(e.line("   \r") == "   ");
    CHECK(e.line(up + "\r") == "the world!");    // blank lines are not remembered
}

TEST_CASE("Ctrl-C clears the line that is being edited, Ctrl-D ends the chat on an empty one")
{
    editing e;
    CHECK(e.line("a long mistake" + left + left + ctrl_c + "right\r") == "right");
    CHECK(e.line(ctrl_c + "still here\r") == "still here");
    CHECK(e.line("x" + ctrl_a + ctrl_d + "y\r") == "y");
    std::string line;
    CHECK_FALSE(e.read(ctrl_d, line));
}

TEST_CASE("characters of several bytes are one character")
{
    auto const before = std::string(std::setlocale(LC_CTYPE, nullptr));
    REQUIRE(std::setlocale(LC_CTYPE, "C.UTF-8"));
    {
        editing e;
        CHECK(e.line("gr\u00fc\u00dfe" + left + left + "\x7f" + "\u65e5" + "\r") == "gr\u65e5\u00dfe");
    }
    std::setlocale(LC_CTYPE, before.c_str());
}

TEST_CASE("the history is kept in a file for the user alone")
{
    auto const file = scratch() / "state" / "gemma4" / "history";
    {
        editing e(file);
        (void)e.line("first question\r");
        (void)e.line("second \\ \"question\"\r");
    }
    using std::filesystem::perms;
    CHECK(std::filesystem::status(file).permissions() == (perms::owner_read | perms::owner_write));
    CHECK(std::filesystem::status(file.parent_path()).permissions() == perms::owner_all);
    {
        editing e(file);
        CHECK(e.line(up + "\r") == "second \\ \"question\"");
        CHECK(e.line(up + up + "\r") == "first question");
    }
    for (auto const& entry : std::filesystem::directory_iterator(file.parent_path()))
    {
        CHECK(entry.path() == file);    // nothing is left beside it
    }
    // No place for it, or no history at all, does no harm.
    std::ofstream(scratch() / "plain") << "x";
    editing nowhere(scratch() / "plain" / "gemma4" / "history");
    CHECK(nowhere.line("text\r") == "text");
    std::ofstream(scratch() / "garbage", std::ios::binary) << std::string("\xff\0garbage\n\n", 11);
    editing garbage(scratch() / "garbage");
    CHECK(garbage.line("text\r") == "text");
}
#endif
