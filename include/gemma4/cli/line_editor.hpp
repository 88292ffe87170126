// Lines that a user edits on a terminal, with the arrow keys and a history: by libedit, where the program is
// built with it (GEMMA4_HAS_LIBEDIT).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#ifdef GEMMA4_HAS_LIBEDIT
#include <clocale>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <histedit.h>
#include <langinfo.h>
#endif

namespace gemma4::inline v0::cli
{
    // Shows the prompt and reads a line, without its end; false: there is none any more.
    using line_reader = std::function<bool(std::string const& prompt, std::string& line)>;

    // Where the lines of earlier chats are kept: gemma4/history under XDG_STATE_HOME, or ~/.local/state.
    // Empty: nowhere.
    inline std::filesystem::path history_file()
    {
        auto const folder = [](char const* variable)
        {
            char const* const value = std::getenv(variable);
            std::filesystem::path path(value ? value : "");
            return path.is_absolute() ? path : std::filesystem::path();
        };
        if (auto const state = folder("XDG_STATE_HOME"); !state.empty())
        {
            return state / "gemma4" / "history";
        }
        if (auto const home = folder("HOME"); !home.empty())
        {
            return home / ".local" / "state" / "gemma4" / "history";
        }
        return {};
    }

#ifdef GEMMA4_HAS_LIBEDIT
    // Ctrl-C clears the line, Ctrl-Z stops the program, Ctrl-D on an empty line is the end; ~/.editrc is
    // obeyed.
    class line_editor
    {
    public:
        // `history` is read now and written at the end, for the user alone; what fails there does no harm.
        line_editor(std::FILE* in, std::FILE* out, std::filesystem::path history = {})
            : m_history_file(std::move(history))
            , m_editor(el_init("gemma4", in, out, out))
            , m_history(history_init())
        {
            if (!m_editor || !m_history) { return; }
            HistEvent event;
            ::history(m_history.get(), &event, H_SETSIZE, most_lines);
            ::history(m_history.get(), &event, H_SETUNIQUE, 1);
            if (!m_history_file.empty())
            {
                ::history(m_history.get(), &event, H_LOAD, m_history_file.c_str());
            }
            auto* const e = m_editor.get();
            el_set(e, EL_CLIENTDATA, this);
            el_set(e, EL_PROMPT, &prompt_of);
            el_set(e, EL_EDITOR, "emacs");
            el_set(e, EL_SIGNAL, 0);
            el_set(e, EL_HIST, &::history, m_history.get());
            el_source(e, nullptr);
            // Keys come as keys: a signal would stop an answer, and there is none.
            el_set(e, EL_SETTY, "-d", "-isig", nullptr);
            el_set(e, EL_BIND, "^C", "em-kill-line", nullptr);
            el_set(e, EL_ADDFN, "gemma4-stop", "Stop the program", &stop);
            el_set(e, EL_BIND, "^Z", "gemma4-stop", nullptr);
        }

        line_editor(line_editor const&) = delete;
        line_editor& operator=(line_editor const&) = delete;

        ~line_editor()
        {
            if (m_changed && !m_history_file.empty()) { save_history(); }
        }

        bool read(std::string prompt, std::string& line)
        {
            if (!m_editor || !m_history) { return false; }
            m_prompt = std::move(prompt);
            el_resize(m_editor.get());
            int count = 0;
            char const* const text = el_gets(m_editor.get(), &count);
            if (!text || count <= 0) { return false; }
            line.assign(text, std::size_t(count));
            while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) { line.pop_back(); }
            if (line.find_first_not_of(" \t") != line.npos)
            {
                HistEvent event;
                ::history(m_history.get(), &event, H_ENTER, line.c_str());
                m_changed = true;
            }
            return true;
        }

    private:
        static char* prompt_of(EditLine* editor)
        {
            void* self = nullptr;
            el_get(editor, EL_CLIENTDATA, &self);
            return static_cast<line_editor*>(self)->m_prompt.data();
        }

        static unsigned char stop(EditLine* editor, int)
        {
            el_set(editor, EL_PREP_TERM, 0);
            kill(0, SIGTSTP);
            el_set(editor, EL_PREP_TERM, 1);
            return CC_REDISPLAY;
        }

        // As a whole, in place of the old one.
        void save_history() const
        {
            namespace fs = std::filesystem;
            std::error_code failure;
            auto const folder = m_history_file.parent_path();
            if (fs::create_directories(folder, failure))
            {
                fs::permissions(folder, fs::perms::owner_all, failure);
            }
            auto const temporary = m_history_file.string() + "." + std::to_string(::getpid()) + ".part";
            int const descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            if (descriptor < 0) { return; }
            std::FILE* const file = ::fdopen(descriptor, "w");
            if (!file)
            {
                ::close(descriptor);
                fs::remove(temporary, failure);
                return;
            }
            HistEvent event;
            bool good = ::history(m_history.get(), &event, H_SAVE_FP, file) != -1;
            good = std::fclose(file) == 0 && good;
            failure.clear();
            if (good) { fs::rename(temporary, m_history_file, failure); }
            if (!good || failure) { fs::remove(temporary, failure); }
        }

        struct end_editor
        {
            void operator()(EditLine* e) const { el_end(e); }
        };
        struct end_history
        {
            void operator()(History* h) const { history_end(h); }
        };

        static constexpr int most_lines = 1000;

        std::filesystem::path m_history_file;
        std::string m_prompt;
        bool m_changed = false;
        std::unique_ptr<EditLine, end_editor> m_editor;
        std::unique_ptr<History, end_history> m_history;
    };
#endif

    // Of the process's own terminal, from standard input to standard error. Empty where lines cannot be
    // edited there: plain lines are read then. To be called before there are threads.
    inline line_reader terminal_lines()
    {
#ifdef GEMMA4_HAS_LIBEDIT
        char const* const terminal = std::getenv("TERM");
        bool const edits = terminal && *terminal && std::string_view(terminal) != "dumb"
                           && isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
        if (!edits) { return {}; }
        // Characters are those of the user's locale, which libedit asks for; text of a model is UTF-8.
        std::setlocale(LC_CTYPE, "");
        if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) { std::setlocale(LC_CTYPE, "C.UTF-8"); }
        return [editor = std::shared_ptr<line_editor>()](std::string const& prompt, std::string& line) mutable
        {
            if (!editor) { editor = std::make_shared<line_editor>(stdin, stderr, history_file()); }
            return editor->read(prompt, line);
        };
#else
        return {};
#endif
    }
}
