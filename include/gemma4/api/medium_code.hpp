// What api/medium.hpp declares (core/separate.hpp).
#pragma once

#include <algorithm>

#include <gemma4/api/medium.hpp>
#include <gemma4/core/checksum.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::vector<media_item> items_of(std::span<medium const> media)
    {
        std::vector<media_item> items;
        for (auto const& m : media) { items.push_back(m->item); }
        return items;
    }

    GEMMA4_CODE token_prompt with_media(media_prompt prompt, std::span<medium const> media)
    {
        token_prompt made{std::move(prompt.tokens)};
        for (auto const& span : prompt.spans)
        {
            auto const runs = span.media < media.size() ? media[span.media]->runs.size() : 0;
            auto const there = span.frame < runs ? media[span.media]->runs[span.frame]->count : 0;
            if (span.count == 0 || span.count != there)
            {
                throw argument_error(sentence("a prompt has ", span.count, " places for soft tokens of media ",
                                              span.media, ", frame ", span.frame, ", which has ", there));
            }
            auto const& rows = media[span.media]->runs[span.frame];
            auto const print = checksum(std::as_bytes(std::span(rows->values)));
            made.soft.push_back({span.first, span.count, span.visual, rows, print});
        }
        return made;
    }

    GEMMA4_CODE void soft_spans_of(std::span<soft_run const> runs, position at, std::size_t count,
                                   std::vector<soft_span>& out)
    {
        out.clear();
        for (auto const& run : runs)
        {
            auto const begin = std::max(run.first, at);
            auto const end = std::min<position>(run.end(), at + count);
            if (begin >= end) { continue; }
            out.push_back({std::size_t(begin - at), std::size_t(end - begin),
                           run.rows->values.data() + (begin - run.first) * run.rows->width, run.picture});
        }
    }

    GEMMA4_CODE std::optional<picture_block> block_around(std::span<soft_run const> runs, position at)
    {
        std::optional<picture_block> block;
        for (auto const& run : runs)
        {
            if (!run.picture) { continue; }
            if (block && block->end == run.first) { block->end = run.end(); }
            else if (run.first < at) { block = {run.first, run.end()}; }
            else { break; }
        }
        return block && at < block->end ? block : std::nullopt;
    }

    GEMMA4_CODE std::size_t whole_blocks(std::span<soft_run const> runs, position at, std::size_t count,
                                         bool both_ways)
    {
        auto const cut = both_ways ? block_around(runs, at + count) : std::nullopt;
        if (!cut) { return count; }
        return std::size_t(cut->begin > at ? cut->begin - at : cut->end - at);
    }
}
