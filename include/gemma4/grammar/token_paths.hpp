// The places that answers have come to in a grammar, and which tokens may come next there, kept for those
// seen before.
//
// A token's bytes may end one rule and go on in the rule that called it. What they can do inside the rule
// does not depend on the caller, so a walk over the vocabulary's tree is made once for each set of nodes of a
// rule (a local state) and yields the tokens that stay inside, and the places in the tree where the rule
// ends. From those places, a few thousand at most, the walk goes on in the caller. A string's nodes are
// shared by all strings of a schema, so the expensive walk is made once.
//
// Nor does the walk know the round of a counted loop: it yields, for every token, how many rounds it goes on
// and whether it leaves the loop, so that one walk serves all rounds.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/grammar/automaton.hpp>
#include <gemma4/grammar/count_condition.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/pushdown.hpp>
#include <gemma4/grammar/token_set.hpp>
#include <gemma4/grammar/token_trie.hpp>

namespace gemma4::inline v0
{
    // May be shared by several answers at once, also on several threads. argument_error from any function:
    // the work for one token, or what is kept, is beyond the limits.
    class token_paths
    {
    public:
        // All tokens of the automaton are in the vocabulary.
        token_paths(std::shared_ptr<automaton const> nodes, std::shared_ptr<token_trie const> trie,
                    grammar_limits const& limits)
            : m_trie(std::move(trie))
            , m_limits(limits)
            , m_stacks(std::move(nodes), limits)
        {
            m_locals.emplace_back();    // the dead one
        }

        token_trie const& trie() const noexcept { return *m_trie; }

        // So much is kept that answers that begin now had better begin afresh.
        bool is_full() const
        {
            std::lock_guard const lock(m_mutex);
            return m_bytes + m_stacks.bytes() > m_limits.bytes / 2;
        }

        pushdown_state start()
        {
            std::lock_guard const lock(m_mutex);
            m_stacks.start_work();
            return m_stacks.at(m_stacks.nodes().start());
        }

        // The state after a token; one that is not alive if the token is not allowed.
        pushdown_state after(pushdown_state state, token_id token)
        {
            std::lock_guard const lock(m_mutex);
            m_stacks.start_work();
            auto const text = m_trie->text(token);
            auto next = m_stacks.after_token(state, token);
            if (next.alive() || text.empty()) { return next; }
            for (char const c : text)
            {
                state = m_stacks.after_byte(state, static_cast<unsigned char>(c));
                if (!state.alive()) { break; }
            }
            return state;
        }

        pushdown_state after(pushdown_state const& state, unsigned char byte)
        {
            std::lock_guard const lock(m_mutex);
            m_stacks.start_work();
            return m_stacks.after_byte(state, byte);
        }

        // The only byte or token that can follow; nothing: there are several, or none, or the text may end.
        struct step
        {
            bool is_token;
            std::uint32_t value;
            bool operator==(step const&) const = default;
        };
        std::optional<step> only_step(pushdown_state const& state) const
        {
            if (state.ended) { return std::nullopt; }
            std::optional<step> only;
            for (auto const& item : state.items)
            {
                auto const& node = m_stacks.nodes()[item.node];
                for (auto const& edge : node.bytes)
                {
                    step const found{false, edge.low};
                    if (edge.low != edge.high || (only && *only != found)) { return std::nullopt; }
                    only = found;
                }
                for (auto const& edge : node.tokens)
                {
                    step const found{true, std::uint32_t(edge.token)};
                    if (only && *only != found) { return std::nullopt; }
                    only = found;
                }
            }
            return only;
        }

        // The tokens that may follow (no stop tokens). Never empty unless state.items is.
        void allowed(pushdown_state const& state, token_set& out)
        {
            std::lock_guard const lock(m_mutex);
            auto const known = std::ranges::find(m_recent, state, &recent::state);
            if (known != m_recent.end())
            {
                out = known->tokens;
                std::rotate(m_recent.begin(), known, known + 1);
                return;
            }
            if (m_bytes > m_limits.bytes / 2) { forget(); }
            m_stacks.start_work();
            out = token_set(m_trie->vocab());
            find_allowed(state, out);
            if (state.items.size() > max_recent_items) { return; }
            if (m_recent.size() == max_recent) { m_recent.pop_back(); }
            m_recent.insert(m_recent.begin(), {state, out});
        }

    private:
        using frame_id = pushdown::frame_id;
        using local_id = std::uint32_t;    // of a local state; 0: dead

        // A local state whose least condition is round 0, and the rounds that were taken off for that.
        struct local_place
        {
            local_id state = 0;
            std::uint32_t rounds = 0;
        };
        using row = std::array<local_place, 256>;

        struct local_state
        {
            pushdown_state state{};
            std::vector<count_condition> ways{};
            row next{};    // unknown everywhere: not needed yet
        };

        // The round in which a local state really began.
        struct beginning
        {
            std::uint32_t loop;    // 0: in none
            std::uint32_t round;

            auto operator<=>(beginning const&) const = default;
        };

        // What the tokens can do inside one rule.
        struct local_mask
        {
            struct part
            {
                std::vector<token_id> few;        // the tokens that stay inside, if they are few
                std::optional<token_set> many;    // or if they are many
            };
            struct leaf
            {
                token_trie::node_id node;
                count_condition when;
            };
            std::vector<part> parts;         // by code of the condition
            std::optional<token_set> all;    // of several parts together
            std::vector<leaf> leaves;        // where the rule ends
        };

        struct recent
        {
            pushdown_state state;
            token_set tokens;
        };

        // Local states and their masks can be found again; the frames of answers cannot.
        void forget()
        {
            m_locals.erase(m_locals.begin() + 1, m_locals.end());
            m_known.clear();
            m_entries.clear();
            m_masks.clear();
            m_bytes = 0;
        }

        void keep(std::size_t bytes)
        {
            m_bytes += bytes;
            if (m_bytes > m_limits.bytes) { throw argument_error(too_many_bytes(m_limits)); }
        }

        bool holds(count_condition when, beginning at) const
        {
            return !when.asks() || when.holds(m_stacks.nodes().loop(at.loop), at.round);
        }

        void find_allowed(pushdown_state const& state, token_set& out)
        {
            auto const& nodes = m_stacks.nodes();
            struct place
            {
                beginning at;    // which the local states do not know
                configuration local;

                auto operator<=>(place const&) const = default;
            };
            std::vector<place> places;
            for (std::size_t begin = 0; begin != state.items.size();)
            {
                auto const frame = state.items[begin].frame;
                places.clear();
                for (; begin != state.items.size() && state.items[begin].frame == frame; ++begin)
                {
                    auto const& item = state.items[begin];
                    for (auto const& edge : nodes[item.node].tokens) { out.insert(edge.token); }
                    auto const loop = nodes[item.node].loop;
                    places.push_back({{loop, loop == 0 ? 0 : item.round}, m_stacks.beginning(item.node)});
                }
                std::ranges::sort(places);
                for (std::size_t i = 0; i != places.size();)
                {
                    auto const at = places[i].at;
                    pushdown_state local;
                    for (; i != places.size() && places[i].at == at; ++i)
                    {
                        local.items.push_back(places[i].local);
                    }
                    m_stacks.spend(1 + local.items.size());
                    auto const& mask = mask_of(intern(std::move(local)).state);
                    add_to(out, mask, at);
                    if (frame == 0) { continue; }
                    for (auto const& leaf : mask.leaves)
                    {
                        if (holds(leaf.when, at)) { go_on(leaf.node, frame, out, 0); }
                    }
                }
            }
        }

        void add_to(token_set& out, local_mask const& mask, beginning at)
        {
            auto const fits = [&](std::size_t code)
            { return holds(count_condition::of_code(std::uint32_t(code)), at); };
            m_stacks.spend(1 + mask.parts.size());
            if (mask.all)
            {
                bool every = true;
                for (std::size_t code = 0; code != mask.parts.size(); ++code)
                {
                    auto const& part = mask.parts[code];
                    every = every && ((part.few.empty() && !part.many) || fits(code));
                }
                if (every)
                {
                    out |= *mask.all;
                    return;
                }
            }
            for (std::size_t code = 0; code != mask.parts.size(); ++code)
            {
                auto const& part = mask.parts[code];
                if (!fits(code)) { continue; }
                for (auto const id : part.few) { out.insert(id); }
                if (part.many) { out |= *part.many; }
            }
        }

        // The rule above `frame` has ended at `leaf`: the tokens below it, read by the caller.
        void go_on(token_trie::node_id leaf, frame_id frame, token_set& out, std::size_t depth)
        {
            m_stacks.spend(1);
            if (m_trie->after(leaf) == leaf + 1) { return; }
            if (depth == max_rules_ended)
            {
                throw argument_error(sentence("grammar: expected at most ", max_rules_ended,
                                              " rules that one token may end, found more"));
            }
            auto const back = m_stacks[frame];
            beginning const at{m_stacks.nodes()[back.target].loop, back.round};
            auto const entered = entry(back.target);
            auto const mark = [&](token_trie::node_id n, count_condition when)
            {
                if (!holds(when, at)) { return; }
                for (auto const id : m_trie->ending_at(n)) { out.insert(id); }
            };
            auto const left = [&](token_trie::node_id n, count_condition when)
            {
                if (back.parent != 0 && holds(when, at)) { go_on(n, back.parent, out, depth + 1); }
            };
            for_each_end(entered, [&](count_condition when) { left(leaf, when); });
            walk(leaf, entered, mark, left);
        }

        local_mask const& mask_of(local_id local)
        {
            if (auto const known = m_masks.find(local); known != m_masks.end()) { return known->second; }
            local_mask mask;
            walk(
                0, {local, 0},
                [&](token_trie::node_id n, count_condition when)
                {
                    auto const ids = m_trie->ending_at(n);
                    if (ids.empty()) { return; }
                    if (mask.parts.size() <= when.code()) { mask.parts.resize(when.code() + 1); }
                    auto& part = mask.parts[when.code()];
                    if (part.many)
                    {
                        for (auto const id : ids) { part.many->insert(id); }
                        return;
                    }
                    part.few.insert(part.few.end(), ids.begin(), ids.end());
                    if (part.few.size() <= m_trie->vocab() / 32) { return; }
                    part.many.emplace(m_trie->vocab());
                    for (auto const id : part.few) { part.many->insert(id); }
                    part.few = {};
                },
                [&](token_trie::node_id n, count_condition when)
                {
                    if (m_trie->after(n) != n + 1) { mask.leaves.push_back({n, when}); }
                });
            bool const is_large = std::ranges::any_of(mask.parts, [](auto const& p) { return bool(p.many); });
            if (is_large && mask.parts.size() > 1)
            {
                mask.all.emplace(m_trie->vocab());
                for (auto const& part : mask.parts)
                {
                    for (auto const id : part.few) { mask.all->insert(id); }
                    if (part.many) { *mask.all |= *part.many; }
                }
            }
            std::size_t bytes = sizeof mask + mask.leaves.size() * sizeof(local_mask::leaf);
            auto const bytes_of_set = m_trie->vocab() / 8;
            for (auto const& part : mask.parts)
            {
                bytes += sizeof part + part.few.size() * sizeof(token_id) + (part.many ? bytes_of_set : 0);
            }
            keep(bytes + (mask.all ? bytes_of_set : 0));
            return m_masks.emplace(local, std::move(mask)).first->second;
        }

        // Visits the nodes below `top` that can be reached from the local state, with the condition of each
        // way there; `left` those where its rule may have ended.
        template <class Visit, class Left>
        void walk(token_trie::node_id top, local_place from, Visit&& visit, Left&& left)
        {
            auto const end = m_trie->after(top);
            auto const base = m_trie->depth(top);
            std::vector<local_place> path(m_trie->max_depth() + 1 - base);    // by depth below top
            path[0] = from;
            for (auto n = top + 1; n != end;)
            {
                m_stacks.spend(1);
                std::size_t const depth = m_trie->depth(n) - base;
                auto next = next_of(path[depth - 1].state, m_trie->byte(n));
                if (next.state == 0)
                {
                    n = m_trie->after(n);
                    continue;
                }
                next.rounds += path[depth - 1].rounds;
                path[depth] = next;
                auto const& ways = m_locals[next.state].ways;
                m_stacks.spend(ways.size());
                for (auto const when : ways) { visit(n, when.later(next.rounds)); }
                for_each_end(next, [&](count_condition when) { left(n, when); });
                ++n;
            }
        }

        template <class Use>
        void for_each_end(local_place at, Use&& use)
        {
            auto const& state = m_locals[at.state].state;    // stays where it is when others are added
            if (!state.ended) { return; }
            if (state.ends.empty()) { return use(count_condition()); }
            for (auto const when : state.ends) { use(when.later(at.rounds)); }
        }

        local_place next_of(local_id from, unsigned char byte)
        {
            auto const& next = m_locals[from].next[byte];
            if (next.state == unknown) { fill(from); }
            return next;
        }

        // The state after every byte. Bytes between two borders of edges behave alike.
        void fill(local_id from)
        {
            auto const& state = m_locals[from].state;
            std::array<bool, 257> border{};
            for (auto const& item : state.items)
            {
                for (auto const& edge : m_stacks.nodes()[item.node].bytes)
                {
                    border[edge.low] = true;
                    border[edge.high + 1u] = true;
                }
            }
            row table;
            local_place current;
            for (std::size_t byte = 0; byte != 256; ++byte)
            {
                if (border[byte])
                {
                    current = intern(m_stacks.after_byte(state, static_cast<unsigned char>(byte)));
                }
                table[byte] = current;
            }
            m_locals[from].next = table;
        }

        local_place entry(automaton::node_id node)
        {
            auto const known = m_entries.find(node);
            if (known != m_entries.end()) { return known->second; }
            auto const local = intern(m_stacks.from(node));
            m_entries.emplace(node, local);
            return local;
        }

        local_place intern(pushdown_state state)
        {
            if (!state.alive()) { return {}; }
            auto const rounds = take_rounds(state);
            auto hash = std::uint64_t(state.ended);
            auto const mix = [&](std::uint64_t more)
            {
                hash = (hash ^ more) * 0x9e3779b97f4a7c15u;
                hash ^= hash >> 29;
            };
            for (auto const& item : state.items)
            {
                mix((std::uint64_t(item.frame) << 32) | item.node);
                mix((std::uint64_t(item.round) << 32) | item.when.code());
            }
            for (auto const when : state.ends) { mix(when.code()); }
            auto const [begin, end] = m_known.equal_range(hash);
            for (auto known = begin; known != end; ++known)
            {
                if (m_locals[known->second].state == state) { return {known->second, rounds}; }
            }
            keep(sizeof(local_state) + 64
                 + (state.items.size() + state.ends.size()) * sizeof(configuration));
            auto const id = local_id(m_locals.size());
            local_state made;
            made.ways = ways_of(state);
            made.state = std::move(state);
            made.next.fill({unknown, 0});
            m_locals.push_back(std::move(made));    // where what follows throws, it is only not found again
            m_known.emplace(hash, id);
            return {id, rounds};
        }

        // The rounds that all conditions have in common are taken off them.
        static std::uint32_t take_rounds(pushdown_state& state)
        {
            std::uint32_t least = ~std::uint32_t(0);
            auto const see = [&](count_condition when)
            { least = when.asks() ? std::min(least, when.rounds()) : least; };
            for (auto const& item : state.items) { see(item.when); }
            for (auto const when : state.ends) { see(when); }
            if (least == ~std::uint32_t(0)) { return 0; }
            for (auto& item : state.items) { item.when = item.when.earlier(least); }
            for (auto& when : state.ends) { when = when.earlier(least); }
            return least;
        }

        // The conditions under which the state is reached, without those that follow from others.
        static std::vector<count_condition> ways_of(pushdown_state const& state)
        {
            std::vector<count_condition> all = state.ends;
            if (state.ended && all.empty()) { all.emplace_back(); }
            for (auto const& item : state.items) { all.push_back(item.when); }
            std::ranges::sort(all);
            all.erase(std::unique(all.begin(), all.end()), all.end());
            if (!all.front().asks()) { return {count_condition()}; }
            bool inside = false;    // fewer rounds inside ask for less
            std::erase_if(all, [&](count_condition when)
                          { return when.is_inside() && std::exchange(inside, true); });
            return all;
        }

        static constexpr std::size_t max_recent = 16;
        static constexpr std::size_t max_recent_items = 4096;    // of a state among them
        static constexpr std::size_t max_rules_ended = 1000;
        static constexpr local_id unknown = ~local_id(0);

        std::shared_ptr<token_trie const> m_trie;
        grammar_limits m_limits;
        mutable std::mutex m_mutex;
        pushdown m_stacks;
        std::size_t m_bytes = 0;       // of local states and masks
        std::deque<local_state> m_locals;    // by local_id
        std::unordered_multimap<std::uint64_t, local_id> m_known;
        std::unordered_map<automaton::node_id, local_place> m_entries;
        std::unordered_map<local_id, local_mask> m_masks;
        std::vector<recent> m_recent;    // the latest first
    };
}
