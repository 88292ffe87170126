// gemma4 bench
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/cost.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/measure.hpp>
#include <gemma4/cli/roofs.hpp>
#include <gemma4/io/packed_file.hpp>
#include <gemma4/kernels/fast.hpp>
#include <gemma4/parallel/pool.hpp>

namespace gemma4::inline v0::cli
{
    namespace detail
    {
        struct bench_run
        {
            double prefill_s = 0;    // all conversations' prompts
            double decode_s = 0;
            std::uint64_t logits_hash = 0;    // of the last logits, conversation by conversation
        };

        // Prompts are fixed pseudo-random ids, each conversation's own.
        inline std::vector<token_id> bench_prompt(std::size_t count, std::size_t vocab, std::uint64_t seed)
        {
            std::vector<token_id> ids;
            for (auto x = seed * 2 + 1; ids.size() != count;)
            {
                x = x * 6364136223846793005u + 1442695040888963407u;
                ids.push_back(token_id((x >> 33) % vocab));
            }
            return ids;
        }

        // Choosing tokens and hashing logits is not in the times.
        inline bench_run run_bench(any_model const& model, bench_options const& o, progress_bar& bar)
        {
            std::vector<std::unique_ptr<any_session>> sessions;
            std::vector<token_id> next(o.batch);
            std::vector<std::uint64_t> hashes(o.batch);
            bool is_last = o.new_tokens == 0;    // of the steps: its logits are hashed
            double choosing_s = 0;
            auto const chunk = model.options().chunk;
            auto const choose = [&](std::size_t of, std::span<float const> logits)
            {
                stopwatch const time;
                next[of] = token_id(std::max_element(logits.begin(), logits.end()) - logits.begin());
                if (is_last) { hashes[of] = fnv1a(logits, fnv1a_start); }
                choosing_s += time.seconds();
            };
            bench_run result;
            for (std::size_t b = 0; b != o.batch; ++b)
            {
                sessions.push_back(model.session());
                auto const feed = [&](std::span<token_id const> ids)
                {
                    for (std::size_t at = 0; at < ids.size(); at += chunk)
                    {
                        bar.show(at, ids.size());
                        auto const part = ids.subspan(at, std::min(chunk, ids.size() - at));
                        bool const last = at + part.size() == ids.size();
                        feed_step const step{sessions[b].get(), part,
                                             last ? wanted_logits::last : wanted_logits::none};
                        model.feed(std::span(&step, 1),
                                   [&](std::size_t, std::span<float> logits) { choose(b, logits); });
                    }
                };
                auto const ids = bench_prompt(o.prompt_tokens + o.depth, model.text().vocab, b);
                choosing_s = 0;
                stopwatch const time;
                feed(std::span(ids).first(o.prompt_tokens));
                result.prefill_s += time.seconds() - choosing_s;
                feed(std::span(ids).subspan(o.prompt_tokens));
            }
            bar.clear();
            choosing_s = 0;
            stopwatch const time;
            for (std::size_t i = 0; i != o.new_tokens; ++i)
            {
                is_last = i + 1 == o.new_tokens;
                auto const fed = next;
                std::vector<feed_step> steps;
                for (std::size_t b = 0; b != o.batch; ++b)
                {
                    steps.push_back({sessions[b].get(), {&fed[b], 1}, wanted_logits::last});
                }
                model.feed(steps, [&](std::size_t row, std::span<float> logits) { choose(row, logits); });
            }
            result.decode_s = time.seconds() - choosing_s;
            result.logits_hash = fnv1a_start;
            for (auto const hash : hashes)
            {
                result.logits_hash = (result.logits_hash ^ hash) * 0x100000001b3u;
            }
            if (o.batch == 1) { result.logits_hash = hashes.front(); }
            return result;
        }

        // Bytes of matrices by type, the largest first.
        inline nlohmann::ordered_json bytes_by_type(std::span<listed_matrix const> matrices)
        {
            std::map<std::string, std::size_t> sums;
            for (auto const& m : matrices) { sums[name(m.type)] += m.bytes; }
            std::vector<std::pair<std::string, std::size_t>> list(sums.begin(), sums.end());
            std::ranges::sort(list, [](auto const& a, auto const& b) { return a.second > b.second; });
            nlohmann::ordered_json out;
            for (auto const& [type, bytes] : list) { out[type] = bytes; }
            return out;
        }

        constexpr char const* word(kv_type type)
        {
            return type == kv_type::f32 ? "f32" : type == kv_type::bf16 ? "bf16" : "int8";
        }
    }

    // Timed: prompt_tokens from an empty conversation; then, `depth` more untimed, new_tokens one after the
    // other.
    inline void bench(bench_options o, std::span<known_variant const> known, console const& io)
    {
        for (auto const& [value, option] :
             {std::pair(o.prompt_tokens, "--prompt-tokens"), std::pair(o.batch, "--batch"),
              std::pair(o.repeat, "--repeat"), std::pair(o.roof_bytes, "--roof-bytes")})
        {
            if (value == 0) { throw usage_error(sentence(option, " is 0, expected at least 1")); }
        }
        auto to = load_options_of(o.model, io);
        to.executor = std::make_shared<pool>(useful_threads(to.threads));
        to.chunk = std::max(to.chunk, o.batch);
        if (to.context == 0) { to.context = std::max(to.chunk, o.prompt_tokens + o.depth + o.new_tokens); }
        auto const threads = to.executor;
        progress_bar bar(io, "loading");
        to.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };

        stopwatch const loading;
        std::unique_ptr<any_model> model;
        if (o.variant.empty()) { model = load_any_of(known, o.model.model, std::move(to)); }
        else
        {
            auto const v =
                std::find_if(known.begin(), known.end(), [&](auto const& k) { return k.name == o.variant; });
            if (v == known.end())
            {
                std::string names;
                for (auto const& k : known) { names += sentence(names.empty() ? "" : ", ", k.name); }
                throw usage_error(sentence("--variant is \"", o.variant, "\", expected one of ", names));
            }
            model = v->random(o.weights, std::move(to));
        }
        auto const load_s = loading.seconds();
        bar.clear();
        {
            token_id const first[] = {2 % token_id(model->text().vocab)};
            auto const session = model->session();
            feed_step const step{session.get(), first, wanted_logits::last};
            model->feed(std::span(&step, 1), {});
        }
        auto const start_s = loading.seconds();

        auto const start = o.prompt_tokens + o.depth;    // where decoding begins
        if (start + o.new_tokens > model->options().context)
        {
            throw capacity_error(sentence(start + o.new_tokens,
                                          " positions are needed, but the context holds ",
                                          model->options().context, " (--context)"));
        }
        progress_bar prompt(io, "prompt");
        std::vector<double> prefill, decode;
        std::uint64_t hash = 0;
        for (std::size_t r = 0; r != o.repeat; ++r)
        {
            auto const one = detail::run_bench(*model, o, prompt);
            prefill.push_back(double(o.prompt_tokens * o.batch) / one.prefill_s);
            decode.push_back(double(o.new_tokens * o.batch) / one.decode_s);
            hash = one.logits_hash;
        }
        auto const peak = peak_resident_bytes();    // before the roof's own memory
        auto const resident = resident_now();

        auto const& c = model->text();
        auto const& chosen = model->options();
        auto const kv = kv_type_for(chosen.compute, chosen.kv);
        auto const matrices = model->matrices();
        auto const skipped = skipped_in_prefill(c);
        auto const weights = bytes_per_step(c, matrices, o.batch) / double(o.batch);
        auto const bytes = weights + mean_kv_bytes(c, start, o.new_tokens, kv);
        auto const reads = measure_reads(*threads, o.roof_bytes);
        auto const prefill_rate = median(prefill), decode_rate = o.new_tokens ? median(decode) : 0;
        auto const flops = prefill_flops(c, o.prompt_tokens);
        auto const per_s = flops / double(o.prompt_tokens) * prefill_rate;
        auto const peaks = measure_arithmetic(*threads);
        nlohmann::ordered_json peak_tflops = nlohmann::ordered_json::object(), shares = peak_tflops;
        for (auto const& [kind, rate] : peaks)
        {
            peak_tflops[kind] = rate / 1e12;
            shares[kind] = per_s / rate;
        }

        nlohmann::ordered_json const out{
            {"variant", model->variant()},
            {"compute", chosen.compute == compute_mode::fast ? "fast" : "exact"},
            {"kv", detail::word(kv)},
            {"matrix_bytes", detail::bytes_by_type(matrices)},
            {"prompt_tokens", o.prompt_tokens},
            {"new_tokens", o.new_tokens},
            {"depth", start},
            {"batch", o.batch},
            {"repeat", o.repeat},
            {"threads", model->threads()},
            {"chunk", chosen.chunk},
            {"kernels", model->kernels()},
            {"fast_kernels", chosen.compute == compute_mode::fast ? kernels::fast_best().name : "none"},
            {"load_s", load_s},
            {"start_s", start_s},
            {"prefill_tokens_per_s", prefill_rate},
            {"prefill_runs", prefill},
            {"prefill_flops", flops},
            {"prefill_tflops", per_s / 1e12},
            {"peak_tflops", peak_tflops},
            {"share_of_peak", shares},
            {"skipped_layers", skipped.layers},
            {"skipped_weight_share", skipped.weight_share},
            {"decode_tokens_per_s", decode_rate},
            {"decode_runs", decode},
            {"bytes_per_token", bytes},
            {"weight_bytes_per_token", weights},
            {"decode_bytes_per_s", bytes * decode_rate},
            {"roof_bytes_per_s", reads.plain},
            {"share_of_roof", bytes * decode_rate / reads.plain},
            {"prefetched_roof_bytes_per_s", reads.prefetched},
            {"share_of_prefetched_roof", bytes * decode_rate / reads.prefetched},
            {"peak_resident_bytes", peak},
            {"resident_bytes", resident.all},
            {"resident_anonymous_bytes", resident.anonymous},
            {"resident_file_bytes", resident.files},
            {"logits_hash", checksum_text(hash)},
        };
        if (o.json)
        {
            io.out << out.dump() << '\n';
            return;
        }
        for (auto const& [key, value] : out.items())
        {
            io.out << key << std::string(key.size() < 28 ? 28 - key.size() : 1, ' ');
            if (value.is_number_float())
            {
                char text[32];
                std::snprintf(text, sizeof text, "%.4g", value.get<double>());
                io.out << text << '\n';
            }
            else if (value.is_string()) { io.out << value.get<std::string>() << '\n'; }
            else { io.out << value.dump() << '\n'; }
        }
    }
}
