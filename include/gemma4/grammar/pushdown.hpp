// Where one may be in a grammar: sets of configurations, a configuration being a node, the round of its
// counted loop and the stack of calls to return from.
//
// Stacks share their lower parts, and equal ones are one object (a frame), so a configuration is two numbers.
// Frame 0 is the bottom: in a text's own state nothing is below it; in a local state (token_paths) what is
// below is not known. Nor is the round in which a local state began: it is counted from there, as a
// condition.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/grammar/automaton.hpp>
#include <gemma4/grammar/count_condition.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/pushdown_state.hpp>

namespace gemma4::inline v0
{
    class pushdown
    {
    public:
        using node_id = automaton::node_id;
        using frame_id = std::uint32_t;

        struct return_place
        {
            node_id target;
            frame_id parent;        // the frame of target
            std::uint32_t round;    // of the loop of target

            bool operator==(return_place const&) const = default;
        };

        pushdown(std::shared_ptr<automaton const> nodes, grammar_limits const& limits)
            : m_automaton(std::move(nodes))
            , m_nodes(*m_automaton)
            , m_limits(limits)
            , m_steps_left(limits.steps)
            , m_frames(1, return_place{0, 0, 0})
        {}

        automaton const& nodes() const noexcept { return m_nodes; }

        // The work for another token begins.
        void start_work() noexcept { m_steps_left = m_limits.steps; }

        // argument_error: the work for this token is beyond grammar_limits::steps.
        void spend(std::size_t steps)
        {
            if (steps > m_steps_left)
            {
                throw argument_error(sentence("grammar: expected at most ", m_limits.steps,
                                              " steps for one token (grammar_limits::steps), found more: the "
                                              "text so far may mean too many things"));
            }
            m_steps_left -= steps;
        }

        // Of the frames.
        std::size_t bytes() const noexcept { return m_frames.size() * bytes_of_frame; }
        // Where the call of frame f returns to.
        return_place const& operator[](frame_id f) const noexcept { return m_frames[f]; }

        // The state at a node above the bottom.
        pushdown_state at(node_id node)
        {
            begin();
            add({0, node});
            return close();
        }

        // The local state that begins at a node.
        pushdown_state from(node_id node)
        {
            begin();
            add(beginning(node));
            return close();
        }

        configuration beginning(node_id node) const
        {
            if (m_nodes[node].loop == 0) { return {0, node}; }
            return {0, node, configuration::unknown_round, count_condition::inside(0)};
        }

        pushdown_state after_byte(pushdown_state const& state, unsigned char byte)
        {
            begin();
            spend(state.items.size());
            for (auto const& item : state.items)
            {
                for (auto const& edge : m_nodes[item.node].bytes)
                {
                    if (edge.low <= byte && byte <= edge.high) { go(item, edge.target); }
                }
            }
            return close();
        }

        pushdown_state after_token(pushdown_state const& state, token_id token)
        {
            begin();
            spend(state.items.size());
            for (auto const& item : state.items)
            {
                for (auto const& edge : m_nodes[item.node].tokens)
                {
                    if (edge.token == token) { go(item, edge.target); }
                }
            }
            return close();
        }

    private:
        void begin()
        {
            m_seen.clear();
            m_places.clear();
            m_ends.clear();
        }

        // On to a node of the same rule. Who enters a loop begins with round 0.
        void go(configuration c, node_id target)
        {
            if (m_nodes[target].loop != m_nodes[c.node].loop) { c.round = 0; }
            c.node = target;
            add(c);
        }

        void go_round(configuration const& c)
        {
            auto const& head = m_nodes[c.node];
            auto const& loop = m_nodes.loop(head.loop);
            if (c.round == configuration::unknown_round)
            {
                auto const rounds = c.when.rounds();
                add({c.frame, head.again, c.round, count_condition::inside(rounds + 1)});
                add({c.frame, head.leave, 0, count_condition::outside(rounds)});
                return;
            }
            if (c.round < loop.max)
            {
                // Without a most, rounds beyond the least are all the same.
                auto const next =
                    loop.max == grammar::unbounded && c.round >= loop.min ? c.round : c.round + 1;
                add({c.frame, head.again, next, c.when});
            }
            if (c.round >= loop.min) { add({c.frame, head.leave, 0, c.when}); }
        }

        void add(configuration const& c)
        {
            spend(1);
            if (m_seen.size() < few)
            {
                if (std::ranges::find(m_seen, c) != m_seen.end()) { return; }
                m_seen.push_back(c);
                return;
            }
            if (m_places.size() < 2 * (m_seen.size() + 1)) { grow_places(); }
            auto& place = m_places[place_of(c)];
            if (place != 0) { return; }
            if (m_seen.size() >= m_limits.bytes / bytes_of_seen)
            {
                throw argument_error(too_many_bytes(m_limits));
            }
            m_seen.push_back(c);
            place = std::uint32_t(m_seen.size());
        }

        // Where m_places has c, or nothing yet.
        std::size_t place_of(configuration const& c) const noexcept
        {
            constexpr std::uint64_t odd = 0x9e3779b97f4a7c15u;
            auto hash = ((std::uint64_t(c.frame) << 32) | c.node) * odd;
            hash = (hash ^ (hash >> 32) ^ (std::uint64_t(c.round) << 32) ^ c.when.code()) * odd;
            auto const mask = m_places.size() - 1;
            auto i = std::size_t(hash ^ (hash >> 32)) & mask;
            while (m_places[i] != 0 && m_seen[m_places[i] - 1] != c) { i = (i + 1) & mask; }
            return i;
        }

        void grow_places()
        {
            m_places.assign(std::max<std::size_t>(4 * few, 2 * m_places.size()), 0);
            for (std::size_t i = 0; i != m_seen.size(); ++i)
            {
                m_places[place_of(m_seen[i])] = std::uint32_t(i + 1);
            }
        }

        // Follows silent edges, calls and returns until nothing is added.
        pushdown_state close()
        {
            pushdown_state out;
            for (std::size_t i = 0; i != m_seen.size(); ++i)
            {
                auto const c = m_seen[i];
                auto const& at = m_nodes[c.node];
                if (!at.bytes.empty() || !at.tokens.empty()) { out.items.push_back(c); }
                for (auto const target : at.silent) { go(c, target); }
                if (at.again != automaton::no_node) { go_round(c); }
                for (auto const& call : at.calls)
                {
                    bool const returns = !m_nodes.only_ends(call.target);
                    add({returns ? push(call.target, c) : c.frame, call.start, 0, c.when});
                }
                if (!at.end) { continue; }
                if (c.frame == 0) { m_ends.push_back(c.when); }
                else
                {
                    auto const& back = m_frames[c.frame];
                    add({back.parent, back.target, back.round, c.when});
                }
            }
            std::ranges::sort(out.items);
            out.ended = !m_ends.empty();
            if (std::ranges::any_of(m_ends, &count_condition::asks))
            {
                std::ranges::sort(m_ends);
                m_ends.erase(std::unique(m_ends.begin(), m_ends.end()), m_ends.end());
                out.ends = m_ends;
            }
            return out;
        }

        frame_id push(node_id target, configuration const& from)
        {
            auto const round = m_nodes[target].loop == 0 ? 0 : from.round;
            if (bytes() >= m_limits.bytes) { throw argument_error(too_many_bytes(m_limits)); }
            return_place const to{target, from.frame, round};
            if (auto const known = m_known.find(to); known != m_known.end()) { return known->second; }
            auto const made = frame_id(m_frames.size());
            m_frames.push_back(to);    // where what follows throws, it is only not found again
            m_known.emplace(to, made);
            return made;
        }

        struct hash_of_place
        {
            std::size_t operator()(return_place const& p) const noexcept
            {
                auto const key = (std::uint64_t(p.target) << 32) | p.parent;
                auto hash = (key ^ (key >> 29)) * 0x9e3779b97f4a7c15u;
                hash = (hash ^ p.round ^ (hash >> 32)) * 0x9e3779b97f4a7c15u;
                return std::size_t(hash ^ (hash >> 32));
            }
        };

        static constexpr std::size_t few = 32;               // a power of two
        static constexpr std::size_t bytes_of_frame = 64;    // with its entry in m_known
        static constexpr std::size_t bytes_of_seen = 64;     // with copies in states

        std::shared_ptr<automaton const> m_automaton;
        automaton const& m_nodes;
        grammar_limits m_limits;
        std::size_t m_steps_left;
        std::vector<return_place> m_frames;
        std::unordered_map<return_place, frame_id, hash_of_place> m_known;
        std::vector<configuration> m_seen;      // of the closure being made
        std::vector<std::uint32_t> m_places;    // once there are many: hashed, index in m_seen + 1; 0: free
        std::vector<count_condition> m_ends;
    };
}
