// gemma4 run
#pragma once

#include <cstdint>
#include <iterator>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/interrupts.hpp>
#include <gemma4/cli/load.hpp>

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
        return to;
    }

    // Streams one answer (of a base model: continuation) to io.out and ends it with a new line.
    inline void answer(any_model const& model, any_session& session, std::string_view text,
                       generation_options options, console const& io)
    {
        progress_bar bar(io, "prompt");
        options.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };
        bool new_line = false;
        auto const piece = [&](std::string_view part)
        {
            bar.clear();
            io.out << part << std::flush;
            new_line = part.empty() ? new_line : part.back() == '\n';
        };
        auto const result =
            model.is_chat() ? session.ask(text, options, piece) : session.complete(text, options, piece);
        bar.clear();
        if (!new_line) { io.out << '\n' << std::flush; }
        if (result.reason == stop_reason::max_tokens || result.reason == stop_reason::context_full)
        {
            io.err << "gemma4: " << name(result.reason) << " after " << result.tokens.size()
                   << " new tokens\n";
        }
    }

    // Lines of a terminal, one answer each, until Ctrl-D. Ctrl-C ends the answer under way.
    inline void chat(run_options const& o, std::span<known_variant const> known, console const& io)
    {
        std::stop_source loading;
        interrupts ctrl_c([&loading] { loading.request_stop(); });    // before the model's threads
        auto const model = load_model(known, o.model, io, 0, loading.get_token());
        auto const session = model->session();
        auto options = generation_options_of(o, model->defaults());

        auto const at_the_prompt = [&io] { io.err << "\n(Ctrl-D ends the chat)\n> " << std::flush; };
        io.err << model->variant() << (model->is_chat() ? "" : ", a base model: it continues your text")
               << ". Ctrl-C stops an answer, /clear forgets the conversation, Ctrl-D ends it.\n";
        for (std::string line;; ++options.sampling.seed)
        {
            ctrl_c.on_interrupt(at_the_prompt);
            io.err << "> " << std::flush;
            if (!std::getline(io.in, line)) { break; }
            if (line.empty()) { continue; }
            if (line == "/clear")
            {
                session->clear();
                continue;
            }
            ctrl_c.on_interrupt([&session] { session->cancel(); });
            try
            {
                answer(*model, *session, line, options, io);
            }
            catch (capacity_error const& full)    // nothing has changed: the chat can go on after /clear
            {
                io.err << "gemma4: " << full.what() << '\n';
            }
        }
        io.err << '\n';
    }

    inline void run(run_options const& o, std::span<known_variant const> known, console const& io)
    {
        if (!o.prompt && io.in_is_terminal) { return chat(o, known, io); }
        auto text = o.prompt.value_or("");
        if (!o.prompt)
        {
            text.assign(std::istreambuf_iterator<char>(io.in), {});
            if (text.empty()) { throw argument_error("standard input is empty, expected a prompt"); }
            if (text.back() == '\n') { text.pop_back(); }
        }
        auto const model = load_model(known, o.model, io);
        answer(*model, *model->session(), text, generation_options_of(o, model->defaults()), io);
    }
}
