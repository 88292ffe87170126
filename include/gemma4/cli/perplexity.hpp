// gemma4 perplexity
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>

#include <gemma4/api/perplexity.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/measure.hpp>
#include <gemma4/cli/out_file.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/io/npy.hpp>

namespace gemma4::inline v0::cli
{
    namespace detail
    {
        // How another run's distributions differ from those of --kl-from.
        struct divergence
        {
            double sum = 0, largest = 0;
            std::size_t same_top = 0, count = 0;

            void add(std::span<float const> from, std::span<float const> other)
            {
                auto const top = [](std::span<float const> p)
                { return std::ranges::max_element(p) - p.begin(); };
                auto const one = kl_divergence(from, other);
                sum += one;
                largest = std::max(largest, one);
                same_top += top(from) == top(other);
                ++count;
            }

            nlohmann::ordered_json json() const
            {
                return {{"mean", sum / double(count)},
                        {"max", largest},
                        {"same_top_token", double(same_top) / double(count)}};
            }
        };
    }

    // --kl-save writes the log-probabilities of every scored position as .npy float32 [positions, vocab];
    // --kl-from reads such a file and reports how far this run's distributions are from those in it.
    inline void perplexity(perplexity_options const& o, std::span<known_variant const> known,
                           console const& io)
    {
        std::optional<unfinished_file> interrupted;
        if (!o.kl_save.empty())
        {
            demand_writable(o.kl_save);
            interrupted.emplace(o.kl_save);
        }
        file_bytes const file(o.file);
        auto const text = file.text();
        std::optional<npy_rows> from;
        if (!o.kl_from.empty()) { from.emplace(o.kl_from); }
        constexpr std::size_t logit_rows = 64;    // one block of a matrix product
        auto const model = load_model(known, o.model, io, o.window, {}, logit_rows);
        if (from && from->columns() != model->text().vocab)
        {
            throw mismatch_error(sentence(o.kl_from, " holds ", from->columns(),
                                          " probabilities a position, but ", model->variant(), " has ",
                                          model->text().vocab, " tokens"));
        }
        std::optional<npy_writer> save;
        if (!o.kl_save.empty()) { save.emplace(o.kl_save, model->text().vocab); }

        progress_bar bar(io, "windows");
        detail::divergence kl;
        gemma4::perplexity_options options{.window = o.window, .windows = o.windows};
        options.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };
        options.each = [&](std::span<float const> p, token_id)
        {
            if (save) { save->append(p); }
            if (from)
            {
                if (kl.count == from->rows())
                {
                    throw mismatch_error(
                        sentence(o.kl_from, " holds ", from->rows(), " positions, but this text has more"));
                }
                kl.add((*from)[kl.count], p);
            }
        };
        stopwatch const time;
        auto const result = gemma4::perplexity(*model, text, options);
        auto const seconds = time.seconds();
        bar.clear();
        if (save) { save->finish(); }
        if (from && kl.count != from->rows())
        {
            throw mismatch_error(
                sentence(o.kl_from, " holds ", from->rows(), " positions, but this text has ", kl.count));
        }
        nlohmann::ordered_json out{
            {"variant", model->variant()}, {"window", o.window},          {"tokens", result.tokens},
            {"windows", result.windows},   {"scored", result.scored},     {"perplexity", result.perplexity},
            {"error", result.error},       {"mean_nll", result.mean_nll}, {"seconds", seconds}};
        if (from) { out["kl"] = kl.json(); }
        if (o.json)
        {
            io.out << out.dump() << '\n';
            return;
        }
        char line[256];
        std::snprintf(line, sizeof line,
                      "perplexity %.4f +/- %.4f (%zu windows of %zu tokens, %zu predictions)\n",
                      result.perplexity, result.error, result.windows, o.window, result.scored);
        io.out << line;
        if (from)
        {
            auto const n = double(kl.count);
            std::snprintf(line, sizeof line,
                          "kl divergence %.6f mean, %.6f max; same likeliest token %.2f %%\n", kl.sum / n,
                          kl.largest, 100 * double(kl.same_top) / n);
            io.out << line;
        }
    }
}
