// What a model will need, to the byte, before any of it is taken.
#pragma once

#include <cstddef>

#include <gemma4/core/error.hpp>
#include <gemma4/model/state.hpp>
#include <gemma4/model/workspace.hpp>

namespace gemma4::inline v0
{
    // Bytes of weights: those that stay where their file is mapped, files that were read into memory, what
    // is made of either (vectors as float32, matrices that a file has in pieces), and matrices that are
    // packed for the fast path.
    struct weight_bytes
    {
        std::size_t mapped = 0;
        std::size_t read = 0;
        std::size_t converted = 0;
        std::size_t packed = 0;    // on the fast path

        std::size_t all() const { return mapped + read + converted + packed; }
    };

    struct memory_plan
    {
        std::size_t context = 0;    // positions
        weight_bytes weights;
        // Keys and values of one state at position 0: the sliding layers' pages.
        std::size_t caches_empty = 0;
        std::size_t caches_full = 0;    // the same with `context` positions: global layers grow by pages
        std::size_t scratch = 0;        // one workspace
        std::size_t towers = 0;         // scratch of eyes and ears

        std::size_t now() const { return weights.all() + caches_empty + scratch + towers; }
        std::size_t full() const { return weights.all() + caches_full + scratch + towers; }
    };

    template <text_model M>
    memory_plan plan_memory(weight_bytes weights, state_options const& state, workspace_options const& work,
                            std::size_t towers)
    {
        constexpr auto const& schedule = architecture<M>::schedule;
        memory_plan plan{.context = state.context, .weights = weights, .towers = towers};
        for (std::size_t l = 0; l != schedule.owners; ++l)
        {
            auto const& spec = schedule.specs[l];
            auto const page = page_pool::bytes_per_page(kv_shape_of(spec, state.kv).page_bytes());
            if (spec.is_global())
            {
                plan.caches_full += page * ceil_div(state.context, kernels::page_positions);
            }
            else { plan.caches_empty += page * sliding_pages(M::text, state); }
        }
        plan.caches_full += plan.caches_empty;
        plan.scratch = workspace<M>::bytes(work);
        return plan;
    }

    struct planned_options
    {
        state_options state;
        workspace_options work;
    };

    // The plan of `context` positions. options_of(positions): the planned_options of so many. Throws
    // capacity_error when the full plan exceeds `cap` bytes (0: no cap), naming the largest context that
    // fits.
    template <text_model M, class OptionsOf>
    memory_plan plan_memory(weight_bytes weights, std::size_t context, OptionsOf const& options_of,
                            std::size_t towers, std::size_t cap)
    {
        auto const plan_of = [&](std::size_t positions)
        {
            planned_options const o = options_of(positions);
            return plan_memory<M>(weights, o.state, o.work, towers);
        };
        auto const plan = plan_of(context);
        if (cap == 0 || plan.full() <= cap) { return plan; }
        std::size_t good = 0, bad = context;
        while (bad - good > 1)
        {
            auto const middle = good + (bad - good) / 2;
            (plan_of(middle).full() <= cap ? good : bad) = middle;
        }
        auto const cost = sentence("a context of ", plan.context, " needs ", plan.full(), " bytes (weights ",
                                   weights.all(), ", keys and values ", plan.caches_full, ", scratch ",
                                   plan.scratch + plan.towers, "), but the cap is ", cap, "; ");
        throw capacity_error(
            cost
            + (good ? sentence("the largest context that fits is ", good) : std::string("no context fits")));
    }
}
