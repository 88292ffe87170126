// argv -> one command. The only header that includes CLI11 (seconds to compile): a program includes it once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

        // The same, and -1, as llama.cpp has it, for `instead`.
        template <class Number>
        CLI::Option* number_or_minus_one(CLI::App& app, char const* name, std::optional<Number>& to,
                                         std::optional<Number> instead, char const* help)
        {
            return app
                .add_option_function<std::string>(
                    name,
                    [&to, name, instead](std::string const& digits)
                    {
                        if (digits == "-1") { to = instead; }
                        else if (digits.starts_with('-'))
                        {
                            throw usage_error(
                                sentence(name, " is ", digits, ", expected a whole number from 0, or -1"));
                        }
                        else { to = parse_number(digits, name); }
                    },
                    help)
                ->type_name("N");
        }

        inline CLI::Option* file(CLI::App& app, char const* name, std::string& to, char const* help)
        {
            return app
                .add_option_function<std::string>(
                    name,
                    [&to, name](std::string const& path)
                    {
                        if (path.empty()) { throw usage_error(sentence(name, " is empty, expected a file")); }
                        to = path;
                    },
                    help)
                ->type_name("FILE");
        }

        inline CLI::Option* bytes(CLI::App& app, char const* name, std::size_t& to, char const* help)
        {
            return app
                .add_option_function<std::string>(
                    name, [&to, name](std::string const& text) { to = parse_bytes(text, name); }, help)
                ->type_name("BYTES");
        }

        // One of a few words. `to` is the enumeration or an optional one.
        template <class Value, class Words = std::vector<std::pair<std::string, Value>>>
        CLI::Option* choice(CLI::App& app, char const* name, auto& to, Words words, char const* help)
        {
            std::string list;
            for (auto const& [word, value] : words) { list += (list.empty() ? "" : "|") + word; }
            return app
                .add_option_function<std::string>(
                    name,
                    [&to, name, words, list](std::string const& given)
                    {
                        for (auto const& [word, value] : words)
                        {
                            if (word == given)
                            {
                                to = value;
                                return;
                            }
                        }
                        throw usage_error(sentence(name, " is ", given, ", expected ", list));
                    },
                    help)
                ->type_name(list);
        }

        inline CLI::Option* folder(CLI::App& app, std::string& to)
        {
            return file(app, "--model", to, "folder of a checkpoint, as Hugging Face has it, or a GGUF file")
                ->type_name("DIR");
        }

        inline void chat_template(CLI::App& app, std::string& to)
        {
            file(app, "--template", to,
                 "chat template: a name of `gemma4 templates`, or of one of the model's own, a file "
                 "that holds a published one, or none (as the model has it)")
                ->type_name("NAME|FILE|none");
        }

        inline void precision(CLI::App& app, weight_precision& to)
        {
            choice<weight_precision>(
                app, "--weights", to,
                {{"stored", weight_precision::stored},
                 {"f32", weight_precision::f32},
                 {"bf16", weight_precision::bf16},
                 {"int8", weight_precision::int8},
                 {"int4", weight_precision::int4}},
                "precision of a checkpoint's matrices on the fast path (as they are stored)");
        }

        inline void threads(CLI::App& app, std::size_t& to)
        {
            number(app, "--threads", to, "threads that work, at most as many as there are cores (all)");
        }

        inline void no_mmap(CLI::App& app, bool& to)
        {
            app.add_flag("--no-mmap", to,
                         "read the model's files into memory instead of mapping them: they may be changed or "
                         "removed then");
        }

        inline void memory(CLI::App& app, model_options& to)
        {
            file(app, "--mmproj", to.mmproj,
                 "GGUF file of the eyes and ears of a GGUF model; none is looked for");
            number(app, "--context", to.context,
                   "positions of a conversation (0: 8192, or less where the model has less)");
            bytes(app, "--max-memory", to.max_memory,
                  "refuse a context that would need more; K, M and G are understood");
            threads(app, to.threads);
            no_mmap(app, to.no_mmap);
            app.add_flag("--strict", to.strict, "a tensor that the model does not know is an error");
            choice<compute_mode>(
                app, "--compute", to.compute, {{"exact", compute_mode::exact}, {"fast", compute_mode::fast}},
                to.compute == compute_mode::exact ? "float32 arithmetic (exact, the default) or the "
                                                    "machine's integer and bfloat16 units (fast)"
                                                  : "the machine's integer and bfloat16 units (fast, the "
                                                    "default) or float32 arithmetic (exact)");
            precision(app, to.weights);
            choice<kv_type>(app, "--kv", to.kv,
                            {{"f32", kv_type::f32}, {"bf16", kv_type::bf16}, {"int8", kv_type::int8}},
                            "what keys and values are kept in on the fast path (bf16)");
        }

        inline void media(CLI::App& app, media_options& to)
        {
            auto const files = [&](char const* name, std::vector<std::string>& list, char const* help) {
                app.add_option(name, list, help)
                    ->type_name("FILE")
                    ->expected(1)
                    ->take_all()
                    ->allow_extra_args(false);
            };
            files("--image", to.images, "PNG, JPEG, WebP, GIF or BMP; may be given again");
            files("--audio", to.sounds,
                  "WAV, and FLAC, Ogg, MP3 where libsndfile is built in; at most 30 s; may be given again");
            files("--video", to.videos, "video file, animated GIF or folder of frames; may be given again");
            number(app, "--image-budget", to.image_budget,
                   "soft tokens of an image: 70, 140, 280, 560 or 1120 (280)");
            number(app, "--video-budget", to.video_budget,
                   "soft tokens of a frame of a video, likewise (70)");
        }

        inline void chunk(CLI::App& app, model_options& to)
        {
            number(app, "--chunk", to.chunk, "prompt tokens of one forward call (512)");
        }

        // Throws usage_error where one of them is given: it would have nothing to work on.
        inline void refuse(CLI::App const& app, std::initializer_list<char const*> options,
                           std::string_view why)
        {
            for (auto const* const option : options)
            {
                if (app.count(option) == 0) { continue; }
                throw usage_error(sentence(app.get_name(), " ", option, ": ", why));
            }
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
        chat_template(on_info, info.model.chat_template);
        on_info.add_flag("--json", info.json, "one JSON object");

        run_options run;
        run.model.compute = compute_mode::fast;
        auto& on_run =
            *app.add_subcommand("run", "Answers a prompt, or chats: without --prompt, text from a pipe is "
                                       "the prompt, and a terminal is a chat.\n"
                                       "A base model, which has no chat template, continues the text");
        folder(on_run, run.model.model)->required();
        text(on_run, "--prompt", run.prompt, "what to answer, or to continue");
        number_or_minus_one(on_run, "--max-tokens", run.max_tokens, std::optional<std::size_t>(0),
                            "new tokens of an answer at most; -1: no limit");
        real(on_run, "--temperature", run.temperature, "0: always the likeliest token");
        number_or_minus_one(on_run, "--top-k", run.top_k, std::optional<std::size_t>(0),
                            "choose among the K likeliest tokens; 0 or -1: all");
        real(on_run, "--top-p", run.top_p,
             "choose among the likeliest tokens that together have probability P");
        real(on_run, "--min-p", run.min_p, "drop tokens below P times the likeliest one's probability");
        number_or_minus_one(on_run, "--seed", run.seed, std::optional<std::uint64_t>(),
                            "the same seed, the same answer (-1: a random one)");
        text(on_run, "--system", run.system, "what the model is told before the conversation");
        on_run.add_flag("--think", run.think,
                        "the model thinks before it answers; shown, dimmed, on a terminal only");
        number(on_run, "--thinking-budget", run.thinking_budget,
               "tokens of a thought at most, also of one that the model begins without --think");
        file(on_run, "--tools", run.tools,
             "a JSON list of tools that the model may call, as OpenAI, Anthropic, Gemini or MCP write it; "
             "calls are printed as JSON lines, a chat asks for their results");
        chat_template(on_run, run.model.chat_template);
        file(on_run, "--schema", run.schema, "a JSON schema that the answer obeys");
        file(on_run, "--save", run.save, "keep the conversation in this file at the end");
        file(on_run, "--load", run.load,
             "go on with the conversation of this file; --system, --think and --tools replace what it was "
             "held with");
        media(on_run, run.media);
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
        auto& on_render = *app.add_subcommand("render", "One JSON request (messages, tools, options) a line "
                                                        "in, the prompt's text as a JSON string a line out");
        folder(on_render, render.model);
        chat_template(on_render, render.chat_template);

        templates_options templates;
        auto& on_templates =
            *app.add_subcommand("templates", "The chat templates that prompts can be rendered with");
        on_templates.add_flag("--json", templates.json, "a JSON list of {name, used_by, sha256}");

        parse_options parse;
        auto& on_parse = *app.add_subcommand(
            "parse",
            "One answer of a model a line in, its thinking, content and tool calls as JSON a line out");

        logits_options logits;
        auto& on_logits = *app.add_subcommand(
            "logits", "The logits of every token of a prompt, as a .npy file float32 [n, vocab]");
        folder(on_logits, logits.model.model)->required();
        text(on_logits, "--tokens", logits.tokens, "token ids with commas between them, run as they are")
            ->type_name("IDS");
        text(on_logits, "--prompt", logits.prompt, "text; <bos> is put in front unless it is there");
        media(on_logits, logits.media);
        file(on_logits, "--out", logits.out, "the .npy file to write")->required();
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
        number_or_minus_one(on_generate, "--max-tokens", generate.max_tokens, std::optional<std::size_t>(),
                            "new tokens; -1: until the context is full")
            ->required();
        on_generate.add_flag("--stop", generate.stop,
                             "end at the checkpoint's stop tokens, which are not printed");
        media(on_generate, generate.media);
        memory(on_generate, generate.model);
        chunk(on_generate, generate.model);

        encode_command encode;
        auto& on_encode = *app.add_subcommand("encode", "The soft tokens of an image, a sound or a video, as "
                                                        "a .npy file float32 [soft tokens, text width]");
        folder(on_encode, encode.model.model)->required();
        media(on_encode, encode.media);
        choice<encode_stage>(
            on_encode, "--stage", encode.stage,
            {{"pixels", encode_stage::pixels},
             {"features", encode_stage::features},
             {"tower", encode_stage::tower},
             {"projected", encode_stage::projected}},
            "pixels [patches, 768] of an image, features [frames, 128] of a sound, the tower's output, or "
            "projected to the text width (projected)");
        file(on_encode, "--out", encode.out, "the .npy file to write")->required();
        memory(on_encode, encode.model);

        perplexity_options perplexity;
        auto& on_perplexity = *app.add_subcommand(
            "perplexity",
            "How well a model predicts a text: exp of the mean negative log-probability of its tokens");
        folder(on_perplexity, perplexity.model.model)->required();
        file(on_perplexity, "--file", perplexity.file, "the text")->required()->type_name("TEXT");
        number(on_perplexity, "--window", perplexity.window,
               "tokens of a window, of which the second half is predicted (512)");
        number(on_perplexity, "--windows", perplexity.windows, "the first N windows only (all)");
        file(on_perplexity, "--kl-save", perplexity.kl_save,
             "write the log-probabilities of every prediction, float32");
        file(on_perplexity, "--kl-from", perplexity.kl_from,
             "report the divergence from a run that --kl-save wrote");
        on_perplexity.add_flag("--json", perplexity.json, "one JSON object");
        memory(on_perplexity, perplexity.model);
        chunk(on_perplexity, perplexity.model);

        pack_command pack;
        auto& on_pack = *app.add_subcommand("pack", "Writes a model as one file that starts at once: packed "
                                                    "for the fast kernels and run where it lies");
        folder(on_pack, pack.model)->required();
        file(on_pack, "--mmproj", pack.mmproj, "GGUF file of the eyes and ears of a GGUF model");
        precision(on_pack, pack.weights);
        file(on_pack, "--out", pack.out, "the packed file")->required();
        threads(on_pack, pack.threads);
        no_mmap(on_pack, pack.no_mmap);

        bench_options bench;
        bench.model.compute = compute_mode::fast;
        auto& on_bench = *app.add_subcommand(
            "bench", "How fast a model reads a prompt and writes, beside what the memory allows");
        folder(on_bench, bench.model.model);
        on_bench
            .add_option("--variant", bench.variant,
                        "random weights of this model's shapes; no file is needed")
            ->type_name("NAME");
        on_bench
            .add_option_function<std::string>(
                "--random", [&](std::string const& text) { bench.weights = parse_dtype(text, "--random"); },
                "what the random weights of --variant are made in: f32, bf16 or f16 (bf16)")
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
        text(on_bench, "--media", bench.media,
             "time the eyes and ears instead: all, or a list such as image:280,audio:10 (soft tokens of an "
             "image, seconds of a sound)")
            ->type_name("CASES");
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
        if (on_run.parsed())
        {
            if (run.max_tokens == std::size_t(0)
                && on_run.get_option("--max-tokens")->results().front() != "-1")
            {
                throw usage_error("--max-tokens is 0, expected at least 1, or -1 for no limit");
            }
            if (!run.schema.empty())
            {
                refuse(on_run, {"--tools"}, "an answer that obeys --schema cannot be a call of a tool");
            }
            demand_media_of_budgets(run.media, !run.prompt);
            run.model.image_budget = run.media.largest_budget();
            return run;
        }
        if (on_tokenize.parsed()) { return tokenize; }
        if (on_detokenize.parsed()) { return detokenize; }
        if (on_render.parsed()) { return render; }
        if (on_templates.parsed()) { return templates; }
        if (on_parse.parsed()) { return parse; }
        if (on_logits.parsed())
        {
            exactly_one("logits", "--tokens and --prompt",
                        logits.tokens.has_value() + std::size_t(logits.prompt.has_value()));
            demand_media_of_budgets(logits.media);
            logits.model.image_budget = logits.media.largest_budget();
            return logits;
        }
        if (on_generate.parsed())
        {
            exactly_one("generate", "--tokens, --prompt and --batch",
                        generate.tokens.has_value() + std::size_t(generate.prompt.has_value())
                            + generate.batch.has_value());
            demand_media_of_budgets(generate.media);
            generate.model.image_budget = generate.media.largest_budget();
            return generate;
        }
        if (on_perplexity.parsed()) { return perplexity; }
        if (on_encode.parsed())
        {
            exactly_one("encode", "--image, --audio and --video", encode.media.size());
            demand_media_of_budgets(encode.media);
            encode.model.image_budget = encode.media.largest_budget();
            return encode;
        }
        if (on_pack.parsed()) { return pack; }
        exactly_one("bench", "--model and --variant",
                    !bench.model.model.empty() + std::size_t(!bench.variant.empty()));
        if (bench.variant.empty()) { refuse(on_bench, {"--random"}, "weights are those of --model"); }
        else { refuse(on_bench, {"--mmproj", "--strict", "--no-mmap"}, "--variant reads no file"); }
        if (bench.media)
        {
            refuse(
                on_bench,
                {"--prompt-tokens", "--new-tokens", "--depth", "--batch", "--roof-bytes", "--chunk", "--kv"},
                "--media runs the eyes and ears only");
            if (!bench.variant.empty())
            {
                refuse(on_bench, {"--context", "--max-memory"}, "--media of --variant makes no decoder");
            }
        }
        else if (bench.model.chunk && *bench.model.chunk < bench.batch)
        {
            throw usage_error(sentence("--chunk is ", *bench.model.chunk, ", but --batch ", bench.batch,
                                       " runs as many tokens in one call"));
        }
        return bench;
    }
}
