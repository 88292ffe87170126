// argv -> one command. The only header that includes CLI11 (seconds to compile): a program includes it once.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <gemma4/cli/options.hpp>

namespace gemma4::inline v0::cli
{
    namespace detail
    {
        inline CLI::Option* text(CLI::App& app, char const* name, std::optional<std::string>& to,
                                 char const* help)
        {
            return app
                .add_option_function<std::string>(
                    name, [&to](std::string const& value) { to = value; }, help)
                ->type_name("TEXT");
        }

        inline CLI::Option* real(CLI::App& app, char const* name, std::optional<double>& to, char const* help)
        {
            return app
                .add_option_function<double>(
                    name, [&to](double value) { to = value; }, help)
                ->type_name("X");
        }

        // CLI11 takes -1 and 010 for numbers, so it is given text. `to` is an integer or an optional one.
        template <class Number>
        CLI::Option* number(CLI::App& app, char const* name, Number& to, char const* help)
        {
            return app
                .add_option_function<std::string>(
                    name, [&to, name](std::string const& digits) { to = parse_number(digits, name); }, help)
                ->type_name("N");
        }

        inline CLI::Option* bytes(CLI::App& app, char const* name, std::size_t& to, char const* help)
        {
            return app
                .add_option_function<std::string>(
                    name, [&to, name](std::string const& text) { to = parse_bytes(text, name); }, help)
                ->type_name("BYTES");
        }

        inline CLI::Option* folder(CLI::App& app, std::string& to)
        {
            return app.add_option("--model", to, "folder of a checkpoint, as Hugging Face has it")
                ->type_name("DIR");
        }

        inline void memory(CLI::App& app, model_options& to)
        {
            number(app, "--context", to.context,
                   "positions of a conversation (8192, or less where the model has less)");
            bytes(app, "--max-memory", to.max_memory,
                  "refuse a context that would need more; K, M and G are understood");
            number(app, "--threads", to.threads, "threads that work (all cores that are really available)");
            app.add_flag("--strict", to.strict, "a tensor that the model does not know is an error");
        }

        inline void chunk(CLI::App& app, model_options& to)
        {
            number(app, "--chunk", to.chunk, "prompt tokens of one forward call (256)");
        }

        inline void exactly_one(char const* command, char const* choices, std::size_t given)
        {
            if (given != 1) { throw usage_error(sentence(command, " takes exactly one of ", choices)); }
        }
    }

    // Throws usage_error. `variants` are the names that --variant knows.
    inline command parse_command_line(int argc, char const* const* argv,
                                      std::vector<std::string> const& variants)
    {
        using namespace detail;
        CLI::App app("Gemma 4 on this computer's processor.", "gemma4");
        app.require_subcommand(1);
        std::string names;
        for (auto const& name : variants) { names += (names.empty() ? "" : ", ") + name; }
        app.footer("Models compiled in: " + names + ".\ngemma4 COMMAND --help says what a command takes.");

        info_options info;
        auto& on_info =
            *app.add_subcommand("info", "What a checkpoint is, its tensors, and the memory that it needs");
        folder(on_info, info.model.model)->required();
        memory(on_info, info.model);
        chunk(on_info, info.model);
        on_info.add_flag("--json", info.json, "one JSON object");

        run_options run;
        auto& on_run =
            *app.add_subcommand("run", "Answers a prompt, or chats: without --prompt, text from a pipe is "
                                       "the prompt, and a terminal is a chat.\n"
                                       "A base model, which has no chat template, continues the text");
        folder(on_run, run.model.model)->required();
        text(on_run, "--prompt", run.prompt, "what to answer, or to continue");
        number(on_run, "--max-tokens", run.max_tokens, "new tokens of an answer at most");
        real(on_run, "--temperature", run.temperature, "0: always the likeliest token");
        number(on_run, "--top-k", run.top_k, "choose among the K likeliest tokens; 0: all");
        real(on_run, "--top-p", run.top_p,
             "choose among the likeliest tokens that together have probability P");
        real(on_run, "--min-p", run.min_p, "drop tokens below P times the likeliest one's probability");
        number(on_run, "--seed", run.seed, "the same seed, the same answer (random)");
        memory(on_run, run.model);
        chunk(on_run, run.model);

        tokenize_options tokenize;
        auto& on_tokenize = *app.add_subcommand(
            "tokenize", "One JSON string a line in, one JSON list of token ids a line out");
        folder(on_tokenize, tokenize.model)->required();
        on_tokenize.add_flag("--bos", tokenize.bos, "put <bos> in front unless it is there");

        detokenize_options detokenize;
        auto& on_detokenize = *app.add_subcommand(
            "detokenize",
            "{\"ids\": [...], \"skip_special_tokens\": false} a line in, one JSON string a line out");
        folder(on_detokenize, detokenize.model)->required();

        render_options render;
        auto& on_render = *app.add_subcommand(
            "render", "One JSON request (messages, tools, options) a line in, the prompt's text as a JSON string a line out");
        folder(on_render, render.model);

        parse_options parse;
        auto& on_parse = *app.add_subcommand(
            "parse", "One answer of a model a line in, its thinking, content and tool calls as JSON a line out");

        logits_options logits;
        auto& on_logits = *app.add_subcommand(
            "logits", "The logits of every token of a prompt, as a .npy file float32 [n, vocab]");
        folder(on_logits, logits.model.model)->required();
        text(on_logits, "--tokens", logits.tokens, "token ids with commas between them, run as they are")
            ->type_name("IDS");
        text(on_logits, "--prompt", logits.prompt, "text; <bos> is put in front unless it is there");
        on_logits.add_option("--out", logits.out, "the .npy file to write")->required()->type_name("FILE");
        on_logits.add_flag("--last", logits.last, "the last token's row only");
        memory(on_logits, logits.model);
        chunk(on_logits, logits.model);

        generate_options generate;
        auto& on_generate =
            *app.add_subcommand("generate", "The likeliest continuation, as one JSON list of new token ids");
        folder(on_generate, generate.model.model)->required();
        text(on_generate, "--tokens", generate.tokens, "token ids with commas between them, run as they are")
            ->type_name("IDS");
        text(on_generate, "--prompt", generate.prompt, "text; <bos> is put in front unless it is there");
        text(on_generate, "--batch", generate.batch,
             "a file with a prompt a line, run together, a list a line out; a prompt is \"text\", "
             "{\"prompt\": \"text\"},\n"
             "{\"tokens\": [ids]} or [ids]")
            ->type_name("FILE");
        number(on_generate, "--max-tokens", generate.max_tokens, "new tokens")->required();
        on_generate.add_flag("--stop", generate.stop,
                             "end at the checkpoint's stop tokens, which are not printed");
        memory(on_generate, generate.model);
        chunk(on_generate, generate.model);

        bench_options bench;
        auto& on_bench = *app.add_subcommand(
            "bench", "How fast a model reads a prompt and writes, beside what the memory allows");
        folder(on_bench, bench.model.model);
        on_bench
            .add_option("--variant", bench.variant,
                        "random weights of this model's shapes; no file is needed")
            ->type_name("NAME");
        on_bench
            .add_option_function<std::string>(
                "--weights", [&](std::string const& text) { bench.weights = parse_dtype(text, "--weights"); },
                "of --variant: f32, bf16 or f16 (bf16)")
            ->type_name("F");
        number(on_bench, "--prompt-tokens", bench.prompt_tokens,
               "tokens of the prompt, timed from an empty conversation (512)");
        number(on_bench, "--new-tokens", bench.new_tokens,
               "tokens decoded one after the other, and timed (32)");
        number(on_bench, "--depth", bench.depth, "more prompt tokens before decoding begins, not timed (0)");
        number(on_bench, "--batch", bench.batch, "conversations that decode together (1)");
        number(on_bench, "--repeat", bench.repeat, "runs; medians are reported (3)");
        bytes(on_bench, "--roof-bytes", bench.roof_bytes,
              "size of the plain read that measures the memory (1G)");
        on_bench.add_flag("--json", bench.json, "one JSON object");
        memory(on_bench, bench.model);
        chunk(on_bench, bench.model);

        try
        {
            app.parse(argc, argv);
        }
        catch (CLI::CallForHelp const&)
        {
            return help_text{app.help()};
        }
        catch (CLI::ParseError const& failed)
        {
            throw usage_error(failed.what());
        }

        if (on_info.parsed()) { return info; }
        if (on_run.parsed()) { return run; }
        if (on_tokenize.parsed()) { return tokenize; }
        if (on_detokenize.parsed()) { return detokenize; }
        if (on_render.parsed()) { return render; }
        if (on_parse.parsed()) { return parse; }
        if (on_logits.parsed())
        {
            exactly_one("logits", "--tokens and --prompt",
                        logits.tokens.has_value() + std::size_t(logits.prompt.has_value()));
            return logits;
        }
        if (on_generate.parsed())
        {
            exactly_one("generate", "--tokens, --prompt and --batch",
                        generate.tokens.has_value() + std::size_t(generate.prompt.has_value())
                            + generate.batch.has_value());
            return generate;
        }
        exactly_one("bench", "--model and --variant",
                    !bench.model.model.empty() + std::size_t(!bench.variant.empty()));
        return bench;
    }
}
