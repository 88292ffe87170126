// gemma4 run on a terminal: a chat.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/cli/interrupts.hpp>
#include <gemma4/cli/run.hpp>

namespace gemma4::inline v0::cli
{
    // Lines of a terminal, one answer each, until Ctrl-D. Ctrl-C ends the answer under way, and clears a line
    // that is being edited.
    class interactive
    {
    public:
        interactive(run_options const& o, std::span<known_variant const> known, console const& io)
            : m_options(o)
            , m_io(io)
            , m_settings(checked_settings(o))
            , m_ctrl_c([this](int) { m_loading.request_stop(); })    // before the model's threads
            , m_model(load_model(known, o.model, io, 0, m_loading.get_token()))
            , m_masks(o, *m_model)
            , m_session((demand_use(o, *m_model), open_session(*m_model, o, m_settings)))
            , m_generation(generation_options_of(o, m_model->defaults()))
            , m_media(encode_media(o.media, *m_model))
        {
            warn_of_seed(o, m_generation, io);
        }

        void run()
        {
            m_io.err << m_model->variant()
                     << (m_model->is_chat() ? "" : ", a base model: it continues your text")
                     << ". Ctrl-C stops an answer, /help lists commands, Ctrl-D ends the chat.\n";
            for (std::string line; read("> ", line); ++m_generation.sampling.seed)
            {
                if (line.empty()) { continue; }
                try
                {
                    if (line.front() == '/') { command(line); }
                    else { ask(line); }
                }
                catch (error const& failed)    // nothing has changed: the chat goes on
                {
                    if (!m_io.out) { throw; }
                    m_io.err << "gemma4: " << failed.what() << '\n';
                }
            }
            m_io.err << '\n';
            if (!m_options.save.empty()) { m_session->save(m_options.save); }
        }

    private:
        // What is wrong on the command line is said before the model is loaded.
        static session_options checked_settings(run_options const& o)
        {
            if (!o.save.empty()) { demand_writable(o.save); }
            return session_options_of(o);
        }

        bool read(std::string const& prompt, std::string& line)
        {
            m_ctrl_c.on_interrupt([this, prompt](int)
                                  { m_io.err << "\n(Ctrl-D ends the chat)\n"
                                             << prompt << std::flush; });
            if (m_io.read_line) { return m_io.read_line(prompt, line); }
            m_io.err << prompt << std::flush;
            return bool(std::getline(m_io.in, line));
        }

        void ask(std::string const& line)
        {
            auto said = user_turn(line, m_media);
            for (;;)
            {
                m_generation.mask = m_masks.next();
                m_ctrl_c.on_interrupt([this](int) { m_session->cancel(); });
                auto const result = answer(*m_model, *m_session, std::move(said), line, m_generation, m_io);
                m_media.clear();    // not where it fails: they are still to be asked about
                auto const calls = unanswered_calls(m_session->messages());
                if (calls.empty() || result.said.end != turn_end::run_tools) { return; }
                said = turn();
                for (std::size_t i = 0; i != calls.size(); ++i)
                {
                    std::string value;
                    if (!read(result.said.tool_calls[i].name + " gives: ", value)) { return; }
                    said.messages.push_back(tool_message(calls[i], typed_result(value)));
                }
            }
        }

        void command(std::string const& line)
        {
            auto const space = line.find(' ');
            auto const name = line.substr(0, space);
            auto const argument = space == line.npos ? std::string() : line.substr(space + 1);
            auto const demand_turns = [&](std::string_view command)
            {
                if (m_model->is_chat()) { return; }
                throw argument_error(
                    sentence(command, " is for chats, but this is a base model, which continues text"));
            };
            auto const demand = [&](char const* what)
            {
                if (argument.empty()) { throw argument_error(sentence(name, " needs ", what)); }
            };
            if (name == "/reset" || name == "/clear")
            {
                m_session->clear();
                m_media.clear();
            }
            else if (name == "/system")
            {
                demand_turns(name);
                auto settings = m_session->options();
                settings.system = argument;
                m_session = m_model->session(std::move(settings));
            }
            else if (name == "/save")
            {
                demand("a file");
                demand_turns(name);
                demand_writable(argument);
                m_session->save(argument);
            }
            else if (name == "/load")
            {
                demand("a file");
                demand_turns(name);
                m_session->load(argument);
            }
            else if (name == "/image")
            {
                demand("a file");
                m_media.push_back(encode_image(*m_model, read_image(argument),
                                               m_options.media.image_budget.value_or(default_image_budget)));
            }
            else if (name == "/audio")
            {
                demand("a file");
                m_media.push_back(encode_audio(*m_model, read_clip(argument)));
            }
            else if (name == "/help")
            {
                m_io.err << "/reset         forget the conversation\n"
                            "/system TEXT   begin anew with this system text\n"
                            "/image FILE    about this image is the next question\n"
                            "/audio FILE    about this sound is the next question\n"
                            "/save FILE     keep the conversation in a file\n"
                            "/load FILE     go on with the conversation of a file\n";
            }
            else
            {
                throw argument_error(
                    sentence(name, " is no command; /help lists them (a space before / makes it text)"));
            }
        }

        run_options const& m_options;
        console const& m_io;
        session_options m_settings;
        std::stop_source m_loading;
        interrupts m_ctrl_c;
        std::unique_ptr<any_model> m_model;
        schema_masks m_masks;
        std::unique_ptr<any_session> m_session;
        generation_options m_generation;
        std::vector<medium> m_media;    // of the next question
    };

    // Throws file_error where standard input cannot be read (a folder, a terminal that is gone).
    inline std::string read_all(std::istream& in)
    {
        std::string text;
        for (char piece[4096]; in.read(piece, sizeof piece) || in.gcount() != 0;)
        {
            text.append(piece, std::size_t(in.gcount()));
        }
        if (in.bad()) { throw file_error("standard input cannot be read"); }
        return text;
    }

    inline void run(run_options const& o, std::span<known_variant const> known, console const& io)
    {
        if (!o.prompt && io.in_is_terminal) { return interactive(o, known, io).run(); }
        demand_media_of_budgets(o.media);
        auto text = o.prompt.value_or("");
        if (!o.prompt)
        {
            text = read_all(io.in);
            if (text.empty()) { throw argument_error("standard input is empty, expected a prompt"); }
            if (text.back() == '\n') { text.pop_back(); }
        }
        run_once(o, text, known, io);
    }
}
