// gemma4 bench
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/cost.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/measure.hpp>
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

        inline bench_run run_bench(any_model const& model, bench_options const& o, progress_bar& bar)
        {
            std::vector<std::unique_ptr<any_session>> sessions;
            std::vector<token_id> next(o.batch);
            std::vector<std::uint64_t> hashes(o.batch);
            auto const chunk = model.options().chunk;
            auto const choose = [&](std::size_t of, std::span<float const> logits)
            {
                next[of] = token_id(std::max_element(logits.begin(), logits.end()) - logits.begin());
                hashes[of] = fnv1a(logits, fnv1a_start);
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
                stopwatch const time;
                feed(std::span(ids).first(o.prompt_tokens));
                result.prefill_s += time.seconds();
                feed(std::span(ids).subspan(o.prompt_tokens));
            }
            bar.clear();
            stopwatch const time;
            for (std::size_t i = 0; i != o.new_tokens; ++i)
            {
                auto const fed = next;
                std::vector<feed_step> steps;
                for (std::size_t b = 0; b != o.batch; ++b)
                {
                    steps.push_back({sessions[b].get(), {&fed[b], 1}, wanted_logits::last});
                }
                model.feed(steps, [&](std::size_t row, std::span<float> logits) { choose(row, logits); });
            }
            result.decode_s = time.seconds();
            result.logits_hash = fnv1a_start;
            for (auto const hash : hashes)
            {
                result.logits_hash = (result.logits_hash ^ hash) * 0x100000001b3u;
            }
            if (o.batch == 1) { result.logits_hash = hashes.front(); }
            return result;
        }

        // Bytes of an element of the matrices: those of the first layer's.
        inline double element_bytes(any_model const& model, dtype random)
        {
            if (model.path().empty()) { return double(size_of(random)); }
            for (auto const& t : model.tensors())
            {
                bool const gate = t.name.ends_with("layers.0.mlp.gate_proj.weight") || t.name == "blk.0.ffn_gate.weight";
                if (gate) { return double(t.bytes) / double(t.shape[0] * t.shape[1]); }
            }
            return sizeof(float);
        }
    }

    // Timed: prompt_tokens from an empty conversation; then, `depth` more untimed, new_tokens one after the
    // other.
    inline void bench(bench_options o, std::span<known_variant const> known, console const& io)
    {
        for (auto const& [value, option] : {std::pair(o.prompt_tokens, "--prompt-tokens"),
                                            std::pair(o.batch, "--batch"), std::pair(o.repeat, "--repeat")})
        {
            if (value == 0) { throw usage_error(sentence(option, " is 0, expected at least 1")); }
        }
        auto to = load_options_of(o.model, io);
        to.executor = std::make_shared<pool>(to.threads ? to.threads : available_cores());
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

        auto const& c = model->text();
        auto const element = detail::element_bytes(*model, o.weights);
        auto const skipped = skipped_in_prefill(c);
        auto const bytes = bytes_per_token(c, element, o.batch, start, o.new_tokens);
        auto const roof = read_bytes_per_second(*threads, o.roof_bytes);
        auto const prefill_rate = median(prefill), decode_rate = o.new_tokens ? median(decode) : 0;
        auto const flops = prefill_flops(c, o.prompt_tokens);
        char hash_text[17];
        std::snprintf(hash_text, sizeof hash_text, "%016llx", static_cast<unsigned long long>(hash));

        nlohmann::ordered_json const out{
            {"variant", model->variant()},
            {"weight_bytes", element},
            {"prompt_tokens", o.prompt_tokens},
            {"new_tokens", o.new_tokens},
            {"depth", start},
            {"batch", o.batch},
            {"repeat", o.repeat},
            {"threads", model->threads()},
            {"chunk", model->options().chunk},
            {"kernels", model->kernels()},
            {"load_s", load_s},
            {"prefill_tokens_per_s", prefill_rate},
            {"prefill_flops", flops},
            {"prefill_tflops", flops / double(o.prompt_tokens) * prefill_rate / 1e12},
            {"skipped_layers", skipped.layers},
            {"skipped_weight_share", skipped.weight_share},
            {"decode_tokens_per_s", decode_rate},
            {"bytes_per_token", bytes},
            {"roof_bytes_per_s", roof},
            {"share_of_roof", bytes * decode_rate / roof},
            {"peak_resident_bytes", peak},
            {"logits_hash", hash_text},
        };
        if (o.json)
        {
            io.out << out.dump() << '\n';
            return;
        }
        for (auto const& [key, value] : out.items())
        {
            io.out << key << std::string(key.size() < 24 ? 24 - key.size() : 1, ' ');
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
