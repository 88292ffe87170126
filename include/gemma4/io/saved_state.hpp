// The keys and values of a conversation in a sealed file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gemma4/core/math.hpp>
#include <gemma4/io/sealed_file.hpp>
#include <gemma4/model/state.hpp>

namespace gemma4::inline v0
{
    // Whole pages, each once: what checkpoints share with the present stays shared.
    template <text_model M>
    class saved_state
    {
        static constexpr auto const& schedule = architecture<M>::schedule;
        static constexpr auto owners = schedule.owners;
        using snapshot = typename state<M>::snapshot;

    public:
        static void write(state<M> const& from, sealed_writer& to)
        {
            std::array<page_list, 2> lists;
            std::vector<snapshot const*> all{&from.present()};
            for (auto const& c : from.checkpoints()) { all.push_back(&c); }
            to.number(std::uint64_t(from.options().kv));
            to.number(all.size());
            for (auto const* const one : all)
            {
                to.number(one->size);
                to.number(one->low);
                for (std::size_t l = 0; l != owners; ++l)
                {
                    auto const& cache = one->caches[l];
                    auto const pages = pages_of(cache, one->size);
                    to.number(pages.empty() ? 0 : cache.first());
                    to.number(pages.size());
                    for (auto const& page : pages) { to.number(lists[is_global(l)].place(page)); }
                }
            }
            for (auto const& list : lists) { to.number(list.pages.size()); }
            for (std::size_t global = 0; global != 2; ++global)
            {
                auto const size = from.page_bytes(global != 0);
                for (auto const* const page : lists[global].pages) { to.bytes({page, size}); }
            }
        }

        // A state with these options. mismatch_error: keys and values of another type; capacity_error: longer
        // than the context; file_error: damaged.
        static state<M> read(sealed_reader& from, state_options const& options,
                             std::pmr::memory_resource* memory)
        {
            state<M> out(options, memory);
            if (auto const kv = from.number(); kv != std::uint64_t(options.kv))
            {
                throw mismatch_error(sentence(from.file(), " holds keys and values of type ", kv,
                                              ", but this engine keeps type ", int(options.kv),
                                              " (0: float32, 1: bfloat16, 2: int8)"));
            }
            std::vector<plan> plans(from.count(16, "the number of checkpoints"));
            if (plans.empty()) { from.damaged("it holds no state"); }
            for (auto& p : plans) { p = read_plan(from); }
            auto const size = plans.front().size;
            if (size > options.context)
            {
                throw capacity_error(sentence(from.file(), " holds a conversation of ", size,
                                              " tokens, but the context holds ", options.context));
            }
            for (std::size_t i = 1; i < plans.size(); ++i)
            {
                if (plans[i].size > size || (i > 1 && plans[i].size <= plans[i - 1].size))
                {
                    from.damaged("its checkpoints are out of order");
                }
            }

            std::array<std::vector<page_ref>, 2> lists;
            std::array<std::size_t, 2> counts{};
            for (std::size_t global = 0; global != 2; ++global)
            {
                counts[global] = from.count(1, "the number of pages");
            }
            for (std::size_t global = 0; global != 2; ++global)
            {
                auto const bytes = out.page_bytes(global != 0);
                for (std::size_t i = 0; i != counts[global]; ++i)
                {
                    auto const data = from.bytes(bytes);
                    page_ref page(out.pool(global != 0));
                    std::memcpy(page.data(), data.data(), bytes);
                    lists[global].push_back(std::move(page));
                }
            }

            std::vector<snapshot> snapshots;
            for (auto const& p : plans) { snapshots.push_back(made(p, lists, from)); }
            auto present = std::move(snapshots.front());
            snapshots.erase(snapshots.begin());
            out.restore(std::move(present), std::move(snapshots));
            return out;
        }

    private:
        struct page_list
        {
            std::unordered_map<std::byte const*, std::size_t> places{};
            std::vector<std::byte const*> pages{};

            std::size_t place(page_ref const& page)
            {
                auto const [at, is_new] = places.emplace(page.data(), pages.size());
                if (is_new) { pages.push_back(page.data()); }
                return at->second;
            }
        };

        struct table
        {
            std::size_t first = 0;
            std::vector<std::size_t> pages{};
        };

        struct plan
        {
            position size = 0;
            position low = 0;
            std::array<table, owners> tables{};
        };

        static constexpr bool is_global(std::size_t owner) { return schedule.specs[owner].is_global(); }

        // Without those that a step has prepared and not filled.
        static std::span<page_ref const> pages_of(kv_cache const& cache, position size)
        {
            auto const end = ceil_div(size, kernels::page_positions);
            auto const count = end > cache.first() ? end - cache.first() : 0;
            return cache.pages().first(std::min<std::size_t>(cache.pages().size(), count));
        }

        static plan read_plan(sealed_reader& from)
        {
            plan p;
            p.size = from.number(std::numeric_limits<std::int32_t>::max(), "a number of tokens");
            p.low = from.number(p.size, "a position");
            auto const end = ceil_div(std::size_t(p.size), kernels::page_positions);
            for (std::size_t l = 0; l != owners; ++l)
            {
                auto& [first, pages] = p.tables[l];
                first =
                    std::size_t(from.number(is_global(l) ? 0 : p.low / kernels::page_positions, "a page"));
                pages.resize(from.count(8, "a number of pages"));
                if (pages.size() != end - (p.size == 0 ? 0 : first) || (p.size == 0 && first != 0))
                {
                    from.damaged(sentence("layer ", l, " has ", pages.size(), " pages from page ", first,
                                          " on for ", p.size, " tokens"));
                }
                for (auto& page : pages) { page = std::size_t(from.number()); }
            }
            return p;
        }

        static snapshot made(plan const& p, std::array<std::vector<page_ref>, 2> const& lists,
                             sealed_reader const& from)
        {
            snapshot out{p.size, p.low, {}};
            for (std::size_t l = 0; l != owners; ++l)
            {
                auto const& list = lists[is_global(l)];
                std::vector<page_ref> pages;
                for (auto const index : p.tables[l].pages)
                {
                    if (index >= list.size()) { from.damaged(sentence("there is no page ", index)); }
                    pages.push_back(list[index]);
                }
                out.caches[l] = kv_cache(p.tables[l].first, std::move(pages));
            }
            return out;
        }
    };
}
