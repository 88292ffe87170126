// gemma4 bench --media
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/bench_towers.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/measure.hpp>
#include <gemma4/cli/media_cost.hpp>
#include <gemma4/cli/roofs.hpp>
#include <gemma4/io/packed_file.hpp>
#include <gemma4/media/audio_features.hpp>
#include <gemma4/parallel/pool.hpp>

namespace gemma4::inline v0::cli
{
    // An image of so many soft tokens, or a sound of so many seconds.
    struct media_case
    {
        bool is_sound = false;
        std::size_t size = 0;
    };

    inline std::string name(media_case const& c)
    {
        return sentence(c.is_sound ? "audio:" : "image:", c.size);
    }

    // "image:280,audio:10"; "all": images of 70, 280 and 1120 soft tokens, and, where there are ears, sounds
    // of 10 and 30 seconds. Throws usage_error.
    inline std::vector<media_case> parse_media_cases(std::string_view text, bool has_ears)
    {
        if (text == "all")
        {
            std::vector<media_case> all{{false, 70}, {false, 280}, {false, 1120}};
            if (has_ears) { all.insert(all.end(), {{true, 10}, {true, 30}}); }
            return all;
        }
        std::vector<media_case> cases;
        for (std::size_t at = 0; at <= text.size();)
        {
            auto const end = std::min(text.find(',', at), text.size());
            auto const word = text.substr(at, end - at);
            at = end + 1;
            bool const is_sound = word.starts_with("audio:");
            if (!is_sound && !word.starts_with("image:"))
            {
                throw usage_error(sentence("--media has \"", word,
                                           "\", expected all, or a list such as image:280,audio:10"));
            }
            auto const size = std::size_t(parse_number(word.substr(6), "--media"));
            bool const is_budget = std::ranges::find(image_budgets, size) != image_budgets.end();
            if (is_sound ? size == 0 || size > longest_clip / audio_rate : !is_budget)
            {
                throw usage_error(sentence("--media has ", word,
                                           is_sound ? ", expected 1 to 30 seconds"
                                                    : ", expected 70, 140, 280, 560 or 1120 soft tokens"));
            }
            cases.push_back({is_sound, size});
        }
        return cases;
    }

    namespace detail
    {
        // Fixed pseudo-random numbers in 0 .. 1.
        inline std::vector<float> noise(std::size_t count)
        {
            std::vector<float> values(count);
            std::uint64_t x = 0x9e3779b97f4a7c15u;
            for (auto& value : values)
            {
                x = x * 6364136223846793005u + 1442695040888963407u;
                value = float(x >> 40) / float(1 << 24);
            }
            return values;
        }

        // The picture nearest to a square that fills its budget: 280 are 20 x 14, 960 x 672 pixels.
        inline image_patches patches_of(std::size_t budget)
        {
            auto rows = std::size_t(std::sqrt(double(budget)));
            while (budget % rows != 0) { --rows; }
            image_patches made{budget / rows * pooled_patches, rows * pooled_patches, {}};
            made.pixels = noise(made.rows * made.columns * image_patches::values_per_patch);
            return made;
        }

        struct media_run
        {
            std::vector<double> seconds;
            std::size_t rows = 0;
            std::uint64_t hash = 0;
        };

        // One run to warm up, then `repeat` timed ones.
        inline media_run time_encoding(std::size_t repeat, std::function<soft_tokens()> const& encode)
        {
            media_run result;
            for (std::size_t r = 0; r <= repeat; ++r)
            {
                stopwatch const time;
                auto const made = encode();
                if (r != 0) { result.seconds.push_back(time.seconds()); }
                result.rows = made.count;
                result.hash = fnv1a(made.values, fnv1a_start);
                if (!std::ranges::all_of(made.values, [](float v) { return std::isfinite(v); }))
                {
                    throw error("bench: a soft token is not finite");
                }
            }
            return result;
        }
    }

    // Of each case the time from patches or features to soft tokens, medians, beside the operations that it
    // takes and the scratch that it is planned with. Random weights are those of the towers alone.
    inline void bench_media(bench_options const& o, std::span<known_variant const> known,
                            std::span<known_towers const> towers, console const& io)
    {
        if (o.repeat == 0) { throw usage_error("--repeat is 0, expected at least 1"); }
        auto const threads = std::make_shared<pool>(useful_threads(o.model.threads));
        std::unique_ptr<any_model> model;
        if (o.variant.empty())
        {
            auto to = load_options_of(o.model, io);
            to.executor = threads;
            to.context = to.context ? to.context : 16;    // of the decoder, which has nothing to do
            progress_bar bar(io, "loading");
            to.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };
            model = load_any_of(known, o.model.model, std::move(to));
        }
        auto const wanted = model ? model->variant() : std::string_view(o.variant);
        auto const found = std::ranges::find(towers, wanted, &known_towers::name);
        if (found == towers.end())
        {
            std::string names;
            for (auto const& t : towers) { names += sentence(names.empty() ? "" : ", ", t.name); }
            throw usage_error(sentence("--media knows no variant \"", wanted, "\", expected one of ", names));
        }
        auto const& variant = *found;
        bool const sees = model ? has(model->media(), modality::image) : bool(variant.vision);
        bool const hears = model ? has(model->media(), modality::audio) : bool(variant.audio);
        auto const cases = parse_media_cases(o.media.value_or("all"), hears);
        for (auto const& c : cases)
        {
            if (c.is_sound ? !hears : !sees)
            {
                throw argument_error(
                    sentence(wanted, c.is_sound ? " has no ears" : " has no eyes", " to bench"));
            }
        }
        std::unique_ptr<lone_towers> alone;
        if (!model) { alone = variant.random({o.weights, o.model.weights, o.model.compute, threads}); }
        auto const encode = [&](auto const& medium)
        { return model ? model->encode(medium) : alone->encode(medium); };

        auto const* const fast = fast_table_for(o.model.compute);
        auto const peaks = measure_arithmetic(*threads);
        auto const slots = threads->concurrency();
        nlohmann::ordered_json out{
            {"variant", variant.name},
            {"compute", fast ? "fast" : "exact"},
            {"threads", slots},
            {"repeat", o.repeat},
            {"kernels", kernels::best().name},
            {"fast_kernels", fast ? fast->name : "none"},
            {"peak_tflops", nlohmann::ordered_json::object()},
            {"cases", nlohmann::ordered_json::array()},
        };
        for (auto const& [kind, rate] : peaks) { out["peak_tflops"][kind] = rate / 1e12; }
        progress_bar bar(io, "encoding");
        for (std::size_t i = 0; i != cases.size(); ++i)
        {
            bar.show(i, cases.size());
            auto const& c = cases[i];
            detail::media_run run;
            double flops = 0;
            std::size_t scratch = 0;
            stopwatch const preparing;
            double prepare_s = 0;
            if (c.is_sound)
            {
                auto samples = detail::noise(c.size * audio_rate);
                for (auto& s : samples) { s = s * 0.2f - 0.1f; }
                auto const features = make_features(samples);
                prepare_s = preparing.seconds();
                flops = audio_flops(variant.audio, features.valid_frames().rows, variant.text_hidden);
                scratch = variant.audio_scratch(slots, fast);
                run = detail::time_encoding(o.repeat, [&] { return encode(features); });
            }
            else
            {
                auto const image = detail::patches_of(c.size);
                flops = image_flops(variant.vision, image.rows * image.columns, variant.text_hidden);
                scratch = variant.image_scratch(image.rows * image.columns, slots, fast);
                run = detail::time_encoding(o.repeat, [&] { return encode(image); });
            }
            auto const seconds = median(run.seconds);
            nlohmann::ordered_json shares = nlohmann::ordered_json::object(), runs;
            for (auto const& [kind, rate] : peaks) { shares[kind] = flops / seconds / rate; }
            for (auto const s : run.seconds) { runs.push_back(1e3 * s); }
            out["cases"].push_back({{"case", name(c)},
                                    {"soft_tokens", run.rows},
                                    {"encode_ms", 1e3 * seconds},
                                    {"encode_runs", runs},
                                    {"features_ms", 1e3 * prepare_s},
                                    {"flops", flops},
                                    {"tflops", flops / seconds / 1e12},
                                    {"share_of_peak", shares},
                                    {"scratch_bytes", scratch},
                                    {"hash", checksum_text(run.hash)}});
        }
        bar.clear();
        out["peak_resident_bytes"] = peak_resident_bytes();
        if (o.json)
        {
            io.out << out.dump() << '\n';
            return;
        }
        for (auto const& [key, value] : out.items())
        {
            if (key == "cases") { continue; }
            io.out << key << std::string(key.size() < 28 ? 28 - key.size() : 1, ' ')
                   << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
        }
        for (auto const& row : out["cases"])
        {
            char line[160];
            std::snprintf(line, sizeof line,
                          "%-10s %5zu soft tokens %10.1f ms %8.3f TFLOP/s %9.1f MB scratch",
                          row["case"].get<std::string>().c_str(), row["soft_tokens"].get<std::size_t>(),
                          row["encode_ms"].get<double>(), row["tflops"].get<double>(),
                          row["scratch_bytes"].get<double>() / 1e6);
            io.out << line << '\n';
        }
    }
}
