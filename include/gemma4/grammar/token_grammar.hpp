// A grammar made ready for one vocabulary: which tokens may come next in a state, kept for states seen
// before.
//
// A token's bytes may end one rule and go on in the rule that called it. What they can do inside the rule
// does not depend on the caller, so a walk over the vocabulary's tree is made once for each set of nodes of a
// rule (a local state) and yields the tokens that stay inside, and the places in the tree where the rule
// ends. From those places, a few thousand at most, the walk goes on in the caller. A string's nodes are
// shared by all strings of a schema, so the expensive walk is made once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/pushdown.hpp>
#include <gemma4/grammar/token_set.hpp>
#include <gemma4/grammar/token_trie.hpp>

namespace gemma4::inline v0
{
    // May be shared by several answers at once, also on several threads.
    class token_grammar
    {
    public:
        // argument_error: nothing matches, or a token of the grammar is not in the vocabulary.
        token_grammar(grammar const& source, std::shared_ptr<token_trie const> trie)
            : m_trie(std::move(trie))
            , m_stacks(automaton(source))
        {
            m_rows.emplace_back().fill(0);    // 0: the dead state
            m_states.emplace_back();
            m_ended.push_back(false);
            for (automaton::node_id n = 0; n != m_stacks.nodes().size(); ++n)
            {
                for (auto const& edge : m_stacks.nodes()[n].tokens)
                {
                    if (edge.token < 0 || std::size_t(edge.token) >= m_trie->vocab())
                    {
                        throw argument_error(sentence("grammar: expected tokens below ", m_trie->vocab(),
                                                      ", found token ", edge.token));
                    }
                }
            }
        }

        token_trie const& trie() const noexcept { return *m_trie; }

        pushdown_state start()
        {
            std::lock_guard const lock(m_mutex);
            return m_stacks.at(m_stacks.nodes().start());
        }

        // The state after a token; one that is not alive if the token is not allowed.
        pushdown_state after(pushdown_state state, token_id token)
        {
            std::lock_guard const lock(m_mutex);
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
            out = token_set(m_trie->vocab());
            find_allowed(state, out);
            if (m_recent.size() == max_recent) { m_recent.pop_back(); }
            m_recent.insert(m_recent.begin(), {state, out});
        }

    private:
        using frame_id = pushdown::frame_id;
        using local_id = std::uint32_t;    // of a local state; 0: dead
        using row = std::array<local_id, 256>;

        // What the tokens can do inside one rule.
        struct local_mask
        {
            std::vector<token_id> few;                  // the tokens that stay inside, if they are few
            std::optional<token_set> many;              // or if they are many
            std::vector<token_trie::node_id> leaves;    // where the rule ends
        };

        struct recent
        {
            pushdown_state state;
            token_set tokens;
        };

        void find_allowed(pushdown_state const& state, token_set& out)
        {
            for (std::size_t begin = 0; begin != state.items.size();)
            {
                auto const frame = state.items[begin].frame;
                pushdown_state local;
                for (; begin != state.items.size() && state.items[begin].frame == frame; ++begin)
                {
                    auto const node = state.items[begin].node;
                    local.items.push_back({0, node});
                    for (auto const& edge : m_stacks.nodes()[node].tokens) { out.insert(edge.token); }
                }
                auto const& mask = mask_of(intern(std::move(local)));
                for (auto const id : mask.few) { out.insert(id); }
                if (mask.many) { out |= *mask.many; }
                if (frame == 0) { continue; }
                for (auto const leaf : mask.leaves) { go_on(leaf, frame, out); }
            }
        }

        // The rule above `frame` has ended at `leaf`: the tokens below it, read by the caller.
        void go_on(token_trie::node_id leaf, frame_id frame, token_set& out)
        {
            if (m_trie->after(leaf) == leaf + 1) { return; }
            auto const [target, parent] = m_stacks[frame];
            auto const entered = entry(target);
            auto const mark = [&](token_trie::node_id n)
            {
                for (auto const id : m_trie->ending_at(n)) { out.insert(id); }
            };
            if (m_ended[entered] && parent != 0) { go_on(leaf, parent, out); }
            walk(leaf, entered, mark,
                 [&](token_trie::node_id n)
                 {
                     if (parent != 0) { go_on(n, parent, out); }
                 });
        }

        local_mask const& mask_of(local_id local)
        {
            if (auto const known = m_masks.find(local); known != m_masks.end()) { return known->second; }
            local_mask mask;
            walk(
                0, local,
                [&](token_trie::node_id n)
                {
                    auto const ids = m_trie->ending_at(n);
                    if (mask.many)
                    {
                        for (auto const id : ids) { mask.many->insert(id); }
                        return;
                    }
                    mask.few.insert(mask.few.end(), ids.begin(), ids.end());
                    if (mask.few.size() <= m_trie->vocab() / 32) { return; }
                    mask.many.emplace(m_trie->vocab());
                    for (auto const id : mask.few) { mask.many->insert(id); }
                    mask.few = {};
                },
                [&](token_trie::node_id n)
                {
                    if (m_trie->after(n) != n + 1) { mask.leaves.push_back(n); }
                });
            return m_masks.emplace(local, std::move(mask)).first->second;
        }

        // Visits the nodes below `top` that can be reached from the local state; `left` those where its rule
        // may have ended.
        template <class Visit, class Left>
        void walk(token_trie::node_id top, local_id local, Visit&& visit, Left&& left)
        {
            auto const end = m_trie->after(top);
            auto const base = m_trie->depth(top);
            std::vector<local_id> path(m_trie->max_depth() + 1 - base);    // states by depth below top
            path[0] = local;
            for (auto n = top + 1; n != end;)
            {
                std::size_t const depth = m_trie->depth(n) - base;
                auto const next = next_of(path[depth - 1], m_trie->byte(n));
                if (next == 0)
                {
                    n = m_trie->after(n);
                    continue;
                }
                path[depth] = next;
                visit(n);
                if (m_ended[next]) { left(n); }
                ++n;
            }
        }

        local_id next_of(local_id from, unsigned char byte)
        {
            auto const next = m_rows[from][byte];
            if (next != unknown) { return next; }
            fill(from);
            return m_rows[from][byte];
        }

        // The state after every byte. Bytes between two borders of edges behave alike.
        void fill(local_id from)
        {
            auto const state = m_states[from];
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
            local_id current = 0;
            for (std::size_t byte = 0; byte != 256; ++byte)
            {
                if (border[byte])
                {
                    current = intern(m_stacks.after_byte(state, static_cast<unsigned char>(byte)));
                }
                table[byte] = current;
            }
            m_rows[from] = table;
        }

        local_id entry(automaton::node_id node)
        {
            auto const known = m_entries.find(node);
            if (known != m_entries.end()) { return known->second; }
            auto const local = intern(m_stacks.at(node));
            m_entries.emplace(node, local);
            return local;
        }

        local_id intern(pushdown_state state)
        {
            if (!state.alive()) { return 0; }
            auto hash = std::uint64_t(state.ended);
            for (auto const& item : state.items)
            {
                hash = (hash ^ ((std::uint64_t(item.frame) << 32) | item.node)) * 0x9e3779b97f4a7c15u;
                hash ^= hash >> 29;
            }
            auto const [begin, end] = m_known.equal_range(hash);
            for (auto known = begin; known != end; ++known)
            {
                if (m_states[known->second] == state) { return known->second; }
            }
            auto const id = local_id(m_states.size());
            m_states.push_back(std::move(state));
            m_ended.push_back(m_states.back().ended);
            m_rows.emplace_back().fill(unknown);
            m_known.emplace(hash, id);
            return id;
        }

        static constexpr std::size_t max_recent = 16;
        static constexpr local_id unknown = ~local_id(0);

        std::shared_ptr<token_trie const> m_trie;
        std::mutex m_mutex;
        pushdown m_stacks;
        std::vector<pushdown_state> m_states;    // by local_id
        std::vector<row> m_rows;                 // by local_id; unknown everywhere: not needed yet
        std::vector<char> m_ended;               // by local_id
        std::unordered_multimap<std::uint64_t, local_id> m_known;
        std::unordered_map<automaton::node_id, local_id> m_entries;
        std::unordered_map<local_id, local_mask> m_masks;
        std::vector<recent> m_recent;    // the latest first
    };
}
