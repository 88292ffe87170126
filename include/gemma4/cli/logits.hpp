// gemma4 logits
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/load.hpp>
#include <gemma4/cli/out_file.hpp>
#include <gemma4/cli/prompt.hpp>
#include <gemma4/io/npy.hpp>

namespace gemma4::inline v0::cli
{
    // Writes rows as they are made: memory does not grow with the prompt's rows of logits.
    inline void logits(logits_options const& o, std::span<known_variant const> known, console const& io)
    {
        demand_writable(o.out);
        unfinished_file const interrupted(o.out);
        auto const from = prompt_of(o.tokens, o.prompt);
        auto const model = load_model(known, o.model, io, from.tokens.size());
        auto const given = encode(from, o.media, *model);
        auto const& ids = given.tokens;
        demand_room(from, ids.size(), *model);

        npy_writer file(o.out, model->text().vocab);
        progress_bar bar(io, "prompt");
        auto const session = model->session();
        auto const chunk = model->options().chunk;
        std::vector<soft_span> soft;
        for (std::size_t at = 0, count = 0; at < ids.size(); at += count)
        {
            bar.show(at, ids.size());
            count =
                whole_blocks(given.soft, at, std::min(chunk, ids.size() - at), model->text().media_both_ways);
            soft_spans_of(given.soft, at, count, soft);
            auto const part = std::span(ids).subspan(at, count);
            bool const last = at + part.size() == ids.size();
            auto const wanted = !o.last ? wanted_logits::all
                                : last  ? wanted_logits::last
                                        : wanted_logits::none;
            feed_step const step{session.get(), part, wanted, soft};
            model->feed(std::span(&step, 1), [&](std::size_t, std::span<float> row) { file.append(row); });
        }
        file.finish();
    }
}
