// gemma4 pack
#pragma once

#include <cstddef>
#include <span>

#include <gemma4/api/any_model.hpp>
#include <gemma4/cli/console.hpp>
#include <gemma4/cli/options.hpp>
#include <gemma4/cli/out_file.hpp>
#include <gemma4/cli/progress.hpp>

namespace gemma4::inline v0::cli
{
    // One file, written under its name when it is whole.
    inline void pack(pack_command const& o, std::span<known_variant const> known, console const& io)
    {
        demand_writable(o.out);
        unfinished_file const interrupted(o.out);
        auto const access = o.no_mmap ? file_access::read : file_access::map;
        auto const opened = open_any_of(known, o.model, {.mmproj = o.mmproj, .access = access});
        progress_bar bar(io, "packing");
        pack_options options{.weights = o.weights, .threads = o.threads, .progress = {}, .stop = {}};
        options.progress = [&bar](std::size_t done, std::size_t all) { bar.show(done, all); };
        opened.variant.pack(opened.model, o.out, options);
    }
}
