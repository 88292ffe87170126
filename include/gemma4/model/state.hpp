// The state of one conversation: its position and the pages of keys and values of every layer that owns some.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/layers/kv_cache.hpp>
#include <gemma4/spec/architecture.hpp>

namespace gemma4::inline v0
{
    struct state_options
    {
        std::size_t context = 4096;    // positions at most
        std::size_t chunk = 512;       // rows of one forward call at most
        // Positions that a sliding layer keeps beyond its window, for rewind().
        std::size_t rewind_reserve = 128;
        kv_type kv = kv_type::f32;    // how keys and values are kept
    };

    // Pages of one sliding layer that a single state can need: window + reserve + chunk positions at any
    // alignment.
    constexpr std::size_t sliding_pages(text_config const& t, state_options const& o)
    {
        auto const positions = t.window + o.rewind_reserve + o.chunk;
        auto const any_alignment = (positions + kernels::page_positions - 2) / kernels::page_positions + 1;
        return std::min(any_alignment, ceil_div(o.context, kernels::page_positions));
    }

    // Copying is forking: pages are shared until one of the copies writes to them.
    template <text_model M>
    class state
    {
        static constexpr auto const& schedule = architecture<M>::schedule;
        static constexpr auto owners = schedule.owners;

    public:
        // What the state holds, or held at a checkpoint.
        struct snapshot
        {
            position size = 0;
            position low = 0;                       // sliding layers hold positions from here on
            std::array<kv_cache, owners> caches;    // by owner
        };

        explicit state(state_options const& options,
                       std::pmr::memory_resource* memory = std::pmr::get_default_resource())
            : m_options(options)
            , m_pools(std::make_shared<pools>(options.kv, memory))
        {
            std::size_t sliding = 0;
            for (std::size_t l = 0; l != owners; ++l) { sliding += !schedule.specs[l].is_global(); }
            m_pools->sliding.reserve(sliding * sliding_pages(M::text, options));
        }

        state(state const&) = default;
        state(state&&) = default;

        // By swap: pages of the old value go back to their pool before the pool itself goes.
        state& operator=(state other) noexcept
        {
            std::swap(m_options, other.m_options);
            std::swap(m_pools, other.m_pools);
            std::swap(m_now, other.m_now);
            std::swap(m_checkpoints, other.m_checkpoints);
            return *this;
        }

        position size() const noexcept { return m_now.size; }
        state_options const& options() const noexcept { return m_options; }

        // A second conversation with the same past. Costs page tables only.
        state fork() const { return *this; }

        void clear()
        {
            m_now = {};
            m_checkpoints.clear();
        }

        // Keeps the pages of the present position alive, so that rewind(size()) stays possible however far it
        // goes on.
        void pin()
        {
            if (m_checkpoints.empty() || m_checkpoints.back().size != m_now.size)
            {
                m_checkpoints.push_back(m_now);
            }
        }

        // Drops every checkpoint but the first `keep`.
        void unpin(std::size_t keep = 0)
        {
            m_checkpoints.erase(m_checkpoints.begin() + std::ptrdiff_t(std::min(keep, m_checkpoints.size())),
                                m_checkpoints.end());
        }

        // Whether rewind(to) is possible.
        bool can_rewind(position to) const { return to <= m_now.size && (reachable(to) || find(to)); }

        // The last pinned position at or before `to`, from which a caller can compute again; 0 is always one.
        position nearest_checkpoint(position to) const
        {
            position nearest = 0;
            for (auto const& c : m_checkpoints)
            {
                if (c.size <= to) { nearest = c.size; }
            }
            return nearest;
        }

        // Goes back to the first `to` tokens, exactly: to a checkpoint, or within what sliding layers still
        // hold. Throws argument_error naming the nearest checkpoint otherwise; the state is then unchanged.
        void rewind(position to)
        {
            if (to > m_now.size)
            {
                throw argument_error(
                    sentence("rewind to position ", to, ": the conversation holds ", m_now.size, " tokens"));
            }
            if (to == 0)
            {
                clear();
                return;
            }
            if (!reachable(to))
            {
                auto const* pinned = find(to);
                if (!pinned)
                {
                    throw argument_error(
                        sentence("rewind to position ", to, " of ", m_now.size,
                                 ": sliding layers keep positions from ", m_now.low,
                                 " on and none before can be restored; the nearest checkpoint is ",
                                 nearest_checkpoint(to)));
                }
                auto restored = *pinned;    // may throw
                m_now = std::move(restored);
            }
            for (auto& cache : m_now.caches) { cache.truncate(to); }
            m_now.size = to;
            std::erase_if(m_checkpoints, [&](snapshot const& c) { return c.size > to; });
        }

        // Bytes that this state and its forks have taken from the memory resource.
        std::size_t cache_bytes() const { return m_pools->sliding.bytes() + m_pools->global.bytes(); }

        // For text_model: room for `rows` more positions in every cache, pages of others copied first.
        void prepare(std::size_t rows)
        {
            for (std::size_t l = 0; l != owners; ++l)
            {
                auto const global = schedule.specs[l].is_global();
                m_now.caches[l].prepare(m_now.size, m_now.size + rows,
                                        global ? m_pools->global : m_pools->sliding);
            }
        }

        // For text_model: the prepared rows are there now; sliding layers forget what no rewind within
        // reserve can need.
        void commit(std::size_t rows)
        {
            m_now.size += rows;
            auto const keep = M::text.window + m_options.rewind_reserve;
            m_now.low = std::max(m_now.low, m_now.size > keep ? m_now.size - keep : 0);
            for (std::size_t l = 0; l != owners; ++l)
            {
                if (!schedule.specs[l].is_global()) { m_now.caches[l].release(m_now.low); }
            }
        }

        kv_cache* caches() noexcept { return m_now.caches.data(); }

        // For files: all that there is, and a way to put it back. Pages are of this state's pools.
        snapshot const& present() const noexcept { return m_now; }
        std::vector<snapshot> const& checkpoints() const noexcept { return m_checkpoints; }
        page_pool& pool(bool global) const noexcept { return global ? m_pools->global : m_pools->sliding; }
        std::size_t page_bytes(bool global) const noexcept { return pool(global).page_bytes(); }

        void restore(snapshot present, std::vector<snapshot> checkpoints)
        {
            m_now = std::move(present);
            m_checkpoints = std::move(checkpoints);
        }

    private:
        struct pools
        {
            pools(kv_type kv, std::pmr::memory_resource* memory)
                : sliding(kv_shape_of(spec_of(M::text, 0), kv).page_bytes(), memory)
                , global(kv_shape_of(spec_of(M::text, M::text.global_every - 1), kv).page_bytes(), memory)
            {}
            page_pool sliding, global;
        };

        // The next token, at `to`, sees to - window + 1 and later.
        bool reachable(position to) const { return m_now.low == 0 || to + 1 >= m_now.low + M::text.window; }

        snapshot const* find(position to) const
        {
            auto const at = std::find_if(m_checkpoints.begin(), m_checkpoints.end(),
                                         [&](snapshot const& c) { return c.size == to; });
            return at == m_checkpoints.end() ? nullptr : &*at;
        }

        state_options m_options;
        std::shared_ptr<pools> m_pools;    // outlives the page references below
        snapshot m_now;
        std::vector<snapshot> m_checkpoints;    // ascending
    };
}
