// Loads a model as the command line asks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/console.hpp>
#include <gemma4/cli/options.hpp>
#include <gemma4/cli/progress.hpp>

namespace gemma4::inline v0::cli
{
    inline load_options load_options_of(model_options const& o, console const& io)
    {
        load_options to;
        to.context = o.context;
        to.chunk = o.chunk.value_or(to.chunk);
        to.max_memory = o.max_memory;
        to.image_budget = o.image_budget;
        to.threads = o.threads;
        to.strict = o.strict;
        to.compute = o.compute;
        to.weights = o.weights;
        to.kv = o.kv;
        to.mmproj = o.mmproj;
        to.chat_template = o.chat_template;
        if (o.no_mmap) { to.access = file_access::read; }
        to.log = [&io](std::string_view warning) { io.err << "gemma4: warning: " << warning << '\n'; };
        return to;
    }

    // `needed`: positions that the command will fill; they enlarge a context that was not given.
    inline std::unique_ptr<any_model> load_model(std::span<known_variant const> known, model_options const& o,
                                                 console const& io, std::size_t needed = 0,
                                                 std::stop_token stop = {},
                                                 std::size_t logit_rows = load_options().logit_rows)
    {
        constexpr std::size_t usual_context = 8192;    // as load_options says
        auto to = load_options_of(o, io);
        if (o.context == 0 && needed > usual_context) { to.context = needed; }
        progress_bar bar(io, "loading");
        to.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };
        to.stop = std::move(stop);
        to.logit_rows = logit_rows;
        return load_any_of(known, o.model, std::move(to));
    }
}
