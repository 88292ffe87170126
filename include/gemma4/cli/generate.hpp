// gemma4 generate
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/prompt.hpp>

namespace gemma4::inline v0::cli
{
    // How many conversations run together: at most 16, and no more than the cap on memory has room for.
    inline std::size_t group_size(any_model const& model)
    {
        constexpr std::size_t most = 16;
        auto const& plan = model.plan();
        auto const cap = model.options().max_memory;
        if (cap == 0 || plan.caches_full == 0) { return most; }
        return std::min(most, 1 + (cap - plan.full()) / plan.caches_full);
    }

    inline void generate(generate_options const& o, std::span<known_variant const> known, console const& io)
    {
        auto const prompts = o.batch ? read_prompts(*o.batch) : std::vector{prompt_of(o.tokens, o.prompt)};
        auto const positions = [&](std::size_t tokens)
        { return tokens + std::max<std::size_t>(o.max_tokens.value_or(1), 1) - 1; };
        std::size_t needed = 0;
        for (auto const& p : prompts) { needed = std::max(needed, positions(p.tokens.size())); }
        auto const model = load_model(known, o.model, io, needed);

        std::vector<token_prompt> ids;
        for (auto const& p : prompts)
        {
            ids.push_back(encode(p, o.media, *model));
            // stop tokens may end a text before the context is full
            auto const tokens = ids.back().tokens.size();
            demand_room(p, o.stop ? tokens : positions(tokens), *model);
        }

        generation_options options{.sampling = model->defaults().sampling};
        options.sampling.do_sample = false;    // what else would change the likeliest token stays
        options.stop.max_tokens = o.max_tokens.value_or(0);
        if (o.stop)
        {
            options.stop.tokens = model->defaults().stop.tokens;
            if (options.stop.tokens.empty())
            {
                throw argument_error(sentence("--stop: ", o.model.model, " names no stop token"));
            }
        }
        progress_bar bar(io, o.batch ? "prompts" : "prompt");
        if (!o.batch)
        {
            options.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };
        }

        auto const group = group_size(*model);
        for (std::size_t first = 0; first < ids.size(); first += group)
        {
            auto const count = std::min(group, ids.size() - first);
            std::vector<run_result> results(count);
            if (o.max_tokens != std::size_t(0))
            {
                auto const begin = ids.begin() + std::ptrdiff_t(first);
                results = model->complete({begin, begin + std::ptrdiff_t(count)}, options);
            }
            bar.clear();
            for (std::size_t i = 0; i != count; ++i)
            {
                io.out << nlohmann::json(results[i].tokens).dump() << '\n';
                io.flush();
                if (results[i].reason == stop_reason::context_full)
                {
                    io.err << "gemma4: " << prompts[first + i].where << ": the context is full after "
                           << results[i].tokens.size() << " new tokens\n";
                }
            }
            if (o.batch) { bar.show(first + count, ids.size()); }
        }
    }
}
