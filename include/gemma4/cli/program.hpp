// The program gemma4 as one call over the models that it knows:
//
//     int main(int argc, char** argv) { return gemma4::program<my_model>(argc, argv); }
#pragma once

#include <cstdio>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <unistd.h>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/bench.hpp>
#include <gemma4/cli/bench_media.hpp>
#include <gemma4/cli/chat.hpp>
#include <gemma4/cli/command_line.hpp>
#include <gemma4/cli/console.hpp>
#include <gemma4/cli/encode.hpp>
#include <gemma4/cli/generate.hpp>
#include <gemma4/cli/info.hpp>
#include <gemma4/cli/interactive.hpp>
#include <gemma4/cli/logits.hpp>
#include <gemma4/cli/pack.hpp>
#include <gemma4/cli/perplexity.hpp>
#include <gemma4/cli/tokenize.hpp>

namespace gemma4::inline v0
{
    namespace cli
    {
        inline void execute(command const& what, std::span<known_variant const> known,
                            std::span<known_towers const> towers, console const& io)
        {
            std::visit(
                [&]<class Options>(Options const& o)
                {
                    if constexpr (std::is_same_v<Options, help_text>) { io.out << o.text; }
                    else if constexpr (std::is_same_v<Options, info_options>) { info(o, known, io); }
                    else if constexpr (std::is_same_v<Options, run_options>) { run(o, known, io); }
                    else if constexpr (std::is_same_v<Options, tokenize_options>) { tokenize(o, io); }
                    else if constexpr (std::is_same_v<Options, detokenize_options>) { detokenize(o, io); }
                    else if constexpr (std::is_same_v<Options, render_options>) { render(o, io); }
                    else if constexpr (std::is_same_v<Options, templates_options>) { templates(o, io); }
                    else if constexpr (std::is_same_v<Options, parse_options>) { parse(o, io); }
                    else if constexpr (std::is_same_v<Options, logits_options>) { logits(o, known, io); }
                    else if constexpr (std::is_same_v<Options, generate_options>) { generate(o, known, io); }
                    else if constexpr (std::is_same_v<Options, perplexity_options>)
                    {
                        perplexity(o, known, io);
                    }
                    else if constexpr (std::is_same_v<Options, encode_command>) { encode(o, known, io); }
                    else if constexpr (std::is_same_v<Options, pack_command>) { pack(o, known, io); }
                    else if (!o.media) { bench(o, known, io); }
                    else { bench_media(o, known, towers, io); }
                },
                what);
            io.flush();
        }
    }

    // Returns the exit status: 0, 1 after an error, 2 after wrong usage; the sentence is on io.err. `towers`
    // are those of `known` that bench --media can time.
    inline int program(std::span<known_variant const> known, int argc, char const* const* argv,
                       cli::console const& io, std::span<cli::known_towers const> towers = {})
    {
        try
        {
            std::vector<std::string> names;
            for (auto const& v : known) { names.emplace_back(v.name); }
            cli::execute(cli::parse_command_line(argc, argv, names), known, towers, io);
            return cli::success;
        }
        catch (cli::usage_error const& wrong)
        {
            io.err << "gemma4: " << wrong.what() << "\ngemma4: see gemma4 --help, gemma4 COMMAND --help\n";
            return cli::wrong_usage;
        }
        catch (std::exception const& failed)
        {
            io.err << "gemma4: " << failed.what() << '\n';
            return cli::failure;
        }
    }

    template <text_model... Ms>
    int program(int argc, char** argv)
    {
        std::ios::sync_with_stdio(false);    // so that failures to read std::cin are seen
        auto const known = variants<Ms...>();
        auto const towers = cli::towers<Ms...>();
        return program(known, argc, argv,
                       {.in = std::cin,
                        .out = std::cout,
                        .err = std::cerr,
                        .in_is_terminal = isatty(STDIN_FILENO) != 0,
                        .err_is_terminal = isatty(STDERR_FILENO) != 0,
                        .out_is_terminal = isatty(STDOUT_FILENO) != 0,
                        .read_line = cli::terminal_lines()},
                       towers);
    }
}
