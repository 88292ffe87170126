// Where one may be in a grammar: sets of configurations, a configuration being a node and the stack of calls
// to return from.
//
// Stacks share their lower parts, and equal ones are one object (a frame), so a configuration is two numbers.
// Frame 0 is the bottom: in a text's own state nothing is below it; in a local state (token_grammar) what is
// below is not known.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gemma4/core/types.hpp>
#include <gemma4/grammar/automaton.hpp>

namespace gemma4::inline v0
{
    struct configuration
    {
        std::uint32_t frame = 0;
        automaton::node_id node = 0;

        auto operator<=>(configuration const&) const = default;
    };

    // Everything that the text so far may mean. Only nodes that take a byte or a token are kept.
    struct pushdown_state
    {
        std::vector<configuration> items;    // ascending, no two equal
        bool ended = false;                  // the bottom has been returned from: the text may stop here

        bool alive() const noexcept { return ended || !items.empty(); }
        bool operator==(pushdown_state const&) const = default;
    };

    class pushdown
    {
    public:
        using node_id = automaton::node_id;
        using frame_id = std::uint32_t;

        struct return_place
        {
            node_id target;
            frame_id parent;    // the frame of target
        };

        explicit pushdown(automaton nodes)
            : m_nodes(std::move(nodes))
            , m_frames(1, return_place{0, 0})
        {}

        automaton const& nodes() const noexcept { return m_nodes; }
        // Where the call of frame f returns to.
        return_place const& operator[](frame_id f) const noexcept { return m_frames[f]; }

        // The state at a node above the bottom.
        pushdown_state at(node_id node)
        {
            begin();
            add({0, node});
            return close();
        }

        pushdown_state after_byte(pushdown_state const& state, unsigned char byte)
        {
            begin();
            for (auto const& [frame, node] : state.items)
            {
                for (auto const& edge : m_nodes[node].bytes)
                {
                    if (edge.low <= byte && byte <= edge.high) { add({frame, edge.target}); }
                }
            }
            return close();
        }

        pushdown_state after_token(pushdown_state const& state, token_id token)
        {
            begin();
            for (auto const& [frame, node] : state.items)
            {
                for (auto const& edge : m_nodes[node].tokens)
                {
                    if (edge.token == token) { add({frame, edge.target}); }
                }
            }
            return close();
        }

    private:
        void begin()
        {
            m_seen.clear();
            m_seen_many.clear();
            m_ended = false;
        }

        void add(configuration c)
        {
            if (m_seen.size() < few)
            {
                if (std::ranges::find(m_seen, c) != m_seen.end()) { return; }
            }
            else
            {
                if (m_seen_many.empty()) { m_seen_many.insert(m_seen.begin(), m_seen.end()); }
                if (!m_seen_many.insert(c).second) { return; }
            }
            m_seen.push_back(c);
        }

        // Follows silent edges, calls and returns until nothing is added.
        pushdown_state close()
        {
            pushdown_state out;
            for (std::size_t i = 0; i != m_seen.size(); ++i)
            {
                auto const [frame, node] = m_seen[i];
                auto const& at = m_nodes[node];
                if (!at.bytes.empty() || !at.tokens.empty()) { out.items.push_back({frame, node}); }
                for (auto const target : at.silent) { add({frame, target}); }
                for (auto const& call : at.calls)
                {
                    add({m_nodes.only_ends(call.target) ? frame : push(call.target, frame), call.start});
                }
                if (!at.end) { continue; }
                if (frame == 0) { m_ended = true; }
                else { add({m_frames[frame].parent, m_frames[frame].target}); }
            }
            std::ranges::sort(out.items);
            out.ended = m_ended;
            return out;
        }

        frame_id push(node_id target, frame_id parent)
        {
            auto const key = (std::uint64_t(target) << 32) | parent;
            auto const [place, is_new] = m_known.try_emplace(key, frame_id(m_frames.size()));
            if (is_new) { m_frames.push_back({target, parent}); }
            return place->second;
        }

        static constexpr std::size_t few = 24;

        automaton m_nodes;
        std::vector<return_place> m_frames;
        std::unordered_map<std::uint64_t, frame_id> m_known;
        std::vector<configuration> m_seen;      // of the closure being made
        std::set<configuration> m_seen_many;    // the same, once there are many
        bool m_ended = false;
    };
}
