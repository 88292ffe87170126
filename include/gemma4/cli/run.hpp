// gemma4 run
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/marker.hpp>
#include <gemma4/chat/tool_list.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/media.hpp>
#include <gemma4/cli/out_file.hpp>
#include <gemma4/cli/prompt.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_trie.hpp>
#include <gemma4/io/file_bytes.hpp>

namespace gemma4::inline v0::cli
{
    // The checkpoint's defaults, changed by what the command line says. Any sampling option switches sampling
    // on.
    inline generation_options generation_options_of(run_options const& o, generation_config const& defaults)
    {
        generation_options to;
        to.sampling = defaults.sampling;
        to.stop = defaults.stop;
        auto& s = to.sampling;
        s.do_sample = s.do_sample || o.temperature || o.top_k || o.top_p || o.min_p;
        s.temperature = o.temperature.value_or(s.temperature);
        s.top_k = o.top_k.value_or(s.top_k);
        s.top_p = o.top_p.value_or(s.top_p);
        s.min_p = o.min_p.value_or(s.min_p);
        s.seed = o.seed ? *o.seed : std::uint64_t(std::random_device()()) << 32 | std::random_device()();
        to.stop.max_tokens = o.max_tokens.value_or(to.stop.max_tokens);
        to.thinking_budget = o.thinking_budget;
        return to;
    }

    inline json_value read_json_value_file(std::string const& path)
    {
        return read_json_value(file_bytes(path).text(), path);
    }

    inline session_options session_options_of(run_options const& o)
    {
        session_options to;
        to.system = o.system.value_or("");
        to.thinking = o.think;
        if (!o.tools.empty()) { to.tools = read_tool_list(read_json_value_file(o.tools), o.tools); }
        return to;
    }

    // Throws argument_error where the model has no use for an option: a base model continues text and has no
    // turns, others may lack the tokens of thoughts or calls.
    inline void demand_use(run_options const& o, any_model const& model)
    {
        auto const refuse = [&](bool given, std::string_view option, std::string_view why)
        {
            if (given) { throw argument_error(sentence(option, ": ", model.path().string(), " ", why)); }
        };
        if (!model.is_chat())
        {
            auto const why = "has no chat template: it is a base model, which continues text";
            refuse(o.system.has_value(), "--system", why);
            refuse(o.think, "--think", why);
            refuse(o.thinking_budget.has_value(), "--thinking-budget", why);
            refuse(!o.tools.empty(), sentence("--tools ", o.tools), why);
            refuse(!o.save.empty(), sentence("--save ", o.save), why);
            refuse(!o.load.empty(), sentence("--load ", o.load), why);
            return;
        }
        auto const lacks = [&](marker m) { return !model.tokens().find(name_of(m)); };
        refuse(o.think && lacks(marker::open_channel), "--think", "has no token <|channel>: it cannot think");
        refuse(o.thinking_budget && lacks(marker::open_channel), "--thinking-budget",
               "has no token <|channel>: it cannot think");
        refuse(!o.tools.empty() && lacks(marker::open_call), sentence("--tools ", o.tools),
               "has no token <|tool_call>: it cannot call tools");
    }

    // A new conversation with these settings, or that of --load, with those of the settings that were given.
    inline std::unique_ptr<any_session> open_session(any_model const& model, run_options const& o,
                                                     session_options const& settings)
    {
        auto session = model.session(settings);
        if (o.load.empty()) { return session; }
        session->load(o.load);
        auto to = session->options();
        if (o.system) { to.system = settings.system; }
        if (o.think) { to.thinking = true; }
        if (!o.tools.empty()) { to.tools = settings.tools; }
        session->set_options(std::move(to));
        return session;
    }

    inline void warn_of_seed(run_options const& o, generation_options const& options, console const& io)
    {
        if (!o.seed || !options.sampling.greedy()) { return; }
        io.err << "gemma4: --seed changes nothing: the likeliest token is always chosen (--temperature)\n";
    }

    // Makes the masks of --schema; without it none.
    class schema_masks
    {
    public:
        schema_masks(run_options const& o, any_model const& model)
        {
            if (o.schema.empty()) { return; }
            m_grammar = std::make_shared<token_grammar>(json_schema_grammar(read_json_value_file(o.schema)),
                                                        std::make_shared<token_trie const>(model.tokens()));
        }

        std::shared_ptr<token_mask> next() const
        {
            return m_grammar ? std::make_shared<grammar_mask>(m_grammar, std::vector<token_id>()) : nullptr;
        }

    private:
        std::shared_ptr<token_grammar> m_grammar;
    };

    // Writes an answer to io.out as it comes: text as it is, calls as a line of JSON each; thoughts, dimmed,
    // on a terminal only.
    class answer_printer
    {
    public:
        explicit answer_printer(console const& io)
            : m_io(io)
            , m_bar(io, "prompt")
        {}

        void progress(std::size_t done, std::size_t all) { m_bar.show(done, all); }

        void show(answer_event const& event)
        {
            m_bar.clear();
            if (auto const* const piece = std::get_if<answer_text>(&event)) { write(piece->text); }
            else if (auto const* const thought = std::get_if<thought_text>(&event))
            {
                if (m_io.out_is_terminal) { write("\x1b[2m" + thought->text + "\x1b[0m", true); }
            }
            else if (auto const* const call = std::get_if<tool_call>(&event))
            {
                json_value const line(
                    json_value::object{{"name", call->name}, {"arguments", call->arguments}});
                close_line();
                write(to_json(line) + "\n");
            }
            else if (auto const* const bad = std::get_if<malformed_call>(&event))
            {
                m_io.err << "gemma4: the model wrote a call that cannot be read (" << bad->reason
                         << "): " << bad->raw << '\n';
            }
            else if (auto const* const half = std::get_if<incomplete_answer>(&event))
            {
                close_line();
                m_io.err << "gemma4: " << half->reason << '\n';
            }
        }

        // The answer is at its end.
        void finish(run_result const& result)
        {
            m_bar.clear();
            if (!m_any) { m_io.out << '\n'; }
            close_line();
            m_io.flush();
            if (result.reason == stop_reason::max_tokens || result.reason == stop_reason::context_full)
            {
                m_io.err << "gemma4: " << name(result.reason) << " after " << result.tokens.size()
                         << " new tokens\n";
            }
        }

    private:
        void write(std::string_view text, bool thought = false)
        {
            if (m_thinking && !thought) { m_io.out << '\n'; }
            m_thinking = thought;
            m_io.out << text;
            m_io.flush();
            if (!text.empty()) { m_line_open = text.back() != '\n'; }
            m_any = true;
        }

        void close_line()
        {
            if (m_line_open) { m_io.out << '\n'; }
            m_line_open = m_thinking = false;
        }

        console const& m_io;
        progress_bar m_bar;
        bool m_any = false;
        bool m_line_open = false;
        bool m_thinking = false;    // the last piece was a thought
    };

    // Streams one answer (of a base model: continuation) and ends it with a new line.
    inline run_result answer(any_model const& model, any_session& session, turn said, std::string_view text,
                             generation_options options, console const& io)
    {
        answer_printer printer(io);
        options.progress = [&](std::size_t done, std::size_t all) { printer.progress(done, all); };
        auto stream = model.is_chat() ? session.send(std::move(said), options)
                                      : session.extend(encode(text, said.media, model), options);
        auto result = session.run_events(std::move(stream), [&](answer_event const& e) { printer.show(e); });
        printer.finish(result);
        return result;
    }

    // The result of a call as a user types it: JSON, or plain text.
    inline json_value typed_result(std::string_view line)
    {
        try
        {
            return read_json_value(line, "result");
        }
        catch (argument_error const&)
        {
            return line;
        }
    }

    // One answer: to a prompt, or, where the loaded conversation waits for the results of calls, to those, a
    // line each.
    inline void run_once(run_options const& o, std::string const& text, std::span<known_variant const> known,
                         console const& io)
    {
        auto const settings = session_options_of(o);
        std::optional<unfinished_file> interrupted;
        if (!o.save.empty())
        {
            demand_writable(o.save);
            interrupted.emplace(o.save);
        }
        auto const model = load_model(known, o.model, io);
        demand_use(o, *model);
        auto const session = open_session(*model, o, settings);
        auto options = generation_options_of(o, model->defaults());
        warn_of_seed(o, options, io);
        options.mask = schema_masks(o, *model).next();

        turn said;
        if (auto const calls = unanswered_calls(session->messages()); !calls.empty())
        {
            if (!o.media.empty())
            {
                throw argument_error("the conversation waits for results of calls, not for media");
            }
            std::string_view rest = text;
            for (auto const& call : calls)
            {
                auto const end = rest.find('\n');
                said.messages.push_back(tool_message(call, typed_result(rest.substr(0, end))));
                rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
            }
        }
        else { said = user_turn(text, encode_media(o.media, *model)); }
        (void)answer(*model, *session, std::move(said), text, options, io);
        if (!o.save.empty()) { session->save(o.save); }
    }
}
