// A grammar as a recursive transition network: every rule is a small nondeterministic automaton whose edges
// take a byte, take a token, or call a rule. A repetition with a large count is a loop with a counter.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/grammar/count_condition.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_facts.hpp>

namespace gemma4::inline v0
{
    class automaton
    {
    public:
        using node_id = std::uint32_t;
        using counted_loop = gemma4::counted_loop;

        struct byte_edge
        {
            unsigned char low;
            unsigned char high;
            node_id target;
        };
        struct token_edge
        {
            token_id token;
            node_id target;
        };
        struct call_edge
        {
            node_id start;    // of the called rule
            node_id target;
        };

        // What leaves a node. From every node that can be reached the end of its rule can be reached too.
        struct node
        {
            std::vector<byte_edge> bytes;
            std::vector<token_edge> tokens;
            std::vector<call_edge> calls;
            std::vector<node_id> silent;    // reached without taking anything
            bool end = false;               // of its rule

            // The counted loop that this node is part of; 0: none. A rule's loops are not nested. Its head
            // has the way into another round, where the count allows one more, and the way out, where it is
            // enough.
            std::uint32_t loop = 0;
            node_id again = no_node;
            node_id leave = no_node;
        };

        static constexpr node_id no_node = ~node_id(0);

        // argument_error: nothing matches the grammar, a rule calls itself before it takes anything, or it
        // is too large.
        explicit automaton(grammar const& source)
            : m_limits(source.limits())
            , m_source(&source)
            , m_facts(source)
        {
            m_starts.resize(source.rules() + 1);
            for (auto& start : m_starts) { start = add(); }
            for (std::size_t r = 0; r != source.rules(); ++r)
            {
                if (auto const body = source.body(grammar::rule(r))) { build_rule(m_starts[r], *body); }
            }
            m_start = m_starts.back();
            if (source.root()) { build_rule(m_start, *source.root()); }
            trim();
            check_left_calls();
            m_source = nullptr;
            m_facts.reset();
            m_starts = {};
        }

        node_id start() const noexcept { return m_start; }
        std::size_t size() const noexcept { return m_nodes.size(); }
        node const& operator[](node_id n) const noexcept { return m_nodes[n]; }

        // loop > 0
        counted_loop const& loop(std::uint32_t loop) const noexcept { return m_loops[loop - 1]; }

        // Nothing but the end of the rule comes after this node, so that a call which returns here need not
        // be remembered.
        bool only_ends(node_id n) const noexcept { return m_only_ends[n]; }

    private:
        node_id add()
        {
            if (m_nodes.size() >= m_limits.states) { throw argument_error(too_many_states(m_limits)); }
            m_nodes.emplace_back();
            m_nodes.back().loop = m_loop;
            return node_id(m_nodes.size() - 1);
        }

        void build_rule(node_id start, grammar::part body)
        {
            auto const end = build(body, start, 0);
            m_nodes[end].end = true;
        }

        // Adds what p matches from `from` on; returns the node after it.
        node_id build(grammar::part p, node_id from, std::size_t depth)
        {
            if (++m_steps / steps_per_state > m_limits.states)
            {
                throw argument_error("grammar: a repetition of repetitions is too large");
            }
            if (depth > max_depth)
            {
                throw argument_error(sentence("grammar: expected at most ", max_depth, " levels of nesting"));
            }
            auto const& e = (*m_source)[p];
            switch (e.what)
            {
            case grammar::kind::bytes:
            {
                auto const to = add();
                m_nodes[from].bytes.push_back({e.low, e.high, to});
                return to;
            }
            case grammar::kind::literal:
                for (char const c : m_source->text(e))
                {
                    auto const to = add();
                    auto const byte = static_cast<unsigned char>(c);
                    m_nodes[from].bytes.push_back({byte, byte, to});
                    from = to;
                }
                return from;
            case grammar::kind::token:
            {
                auto const to = add();
                m_nodes[from].tokens.push_back({token_id(e.value), to});
                return to;
            }
            case grammar::kind::call:
            {
                auto const to = add();
                m_nodes[from].calls.push_back({m_starts[e.value], to});
                return to;
            }
            case grammar::kind::sequence:
                for (auto const child : e.children) { from = build(child, from, depth + 1); }
                return from;
            case grammar::kind::choice:
            {
                auto const to = add();
                for (auto const child : e.children)
                {
                    auto const end = build(child, from, depth + 1);    // which leads nowhere back to `from`
                    m_nodes[end].silent.push_back(to);
                }
                return to;
            }
            case grammar::kind::repeat: return build_repeat(e, from, depth + 1);
            }
            return from;
        }

        struct repetition
        {
            grammar::part one;
            std::size_t min;
            std::size_t max;
        };

        // A repetition of a repetition is one repetition where their counts leave no gap: (x{1,9}){2,5} is
        // x{2,45}. Written out as two, the same text would have a meaning for every way to share it out.
        repetition joined(grammar::expression const& e) const
        {
            repetition out{e.children.front(), e.min, e.max};
            while (out.min <= out.max)
            {
                auto const* inner = &(*m_source)[out.one];
                while ((inner->what == grammar::kind::sequence || inner->what == grammar::kind::choice)
                       && inner->children.size() == 1)
                {
                    inner = &(*m_source)[inner->children.front()];
                }
                if (inner->what != grammar::kind::repeat || inner->min > inner->max) { return out; }
                auto const [one, min, max] = std::tie(inner->children.front(), inner->min, inner->max);
                // From k rounds to k + 1: max * k and min * (k + 1) are neighbours, or overlap.
                bool const no_gap =
                    out.min == out.max || min <= 1
                    || (out.min != 0 && (max == grammar::unbounded || out.min * (max - min) >= min - 1));
                if (!no_gap) { return out; }
                out = {one, product(min, out.min), product(max, out.max)};
            }
            return out;
        }

        static std::size_t product(std::size_t a, std::size_t b)
        {
            if (a == 0 || b == 0) { return 0; }
            if (a == grammar::unbounded || b == grammar::unbounded) { return grammar::unbounded; }
            if (a > most_counted / b)
            {
                throw argument_error(sentence("grammar: expected repetitions of at most ", most_counted,
                                              " rounds, found more"));
            }
            return a * b;
        }

        node_id build_repeat(grammar::expression const& e, node_id from, std::size_t depth)
        {
            auto const [child, min, max] = joined(e);
            auto const count = max == grammar::unbounded ? min : max;
            if (count >= least_counted && count <= most_counted && m_facts->matches(child)
                && !m_facts->may_be_empty(child))
            {
                return build_counted({child, min, max}, from, depth);
            }
            for (std::size_t i = 0; i != min; ++i) { from = build(child, from, depth); }
            if (max == grammar::unbounded)
            {
                auto const loop = add();
                m_nodes[from].silent.push_back(loop);
                auto const again = build(child, loop, depth);
                m_nodes[again].silent.push_back(loop);
                return loop;
            }
            auto const to = add();
            m_nodes[from].silent.push_back(to);
            for (std::size_t i = min; i < max; ++i)
            {
                from = build(child, from, depth);
                m_nodes[from].silent.push_back(to);
            }
            return to;
        }

        node_id build_counted(repetition const& r, node_id from, std::size_t depth)
        {
            if (m_loop != 0)    // a rule of its own, so that its caller's count waits on the stack
            {
                auto const outer = std::exchange(m_loop, 0);
                auto const start = add();
                m_starts.push_back(start);
                auto const end = build_counted(r, start, depth);
                m_nodes[end].end = true;
                m_loop = outer;
                auto const to = add();
                m_nodes[from].calls.push_back({start, to});
                return to;
            }
            m_loops.push_back({r.min, r.max});
            m_loop = std::uint32_t(m_loops.size());
            auto const head = add();
            auto const begin = add();
            auto const end = build(r.one, begin, depth);
            m_loop = 0;
            auto const to = add();
            m_nodes[from].silent.push_back(head);
            m_nodes[end].silent.push_back(head);
            m_nodes[head].again = begin;
            m_nodes[head].leave = to;
            return to;
        }

        // (node) whether the end of its rule can be reached from there, in any way or taking nothing.
        std::vector<char> reaches_end(bool taking) const
        {
            // Backwards from the ends: who reaches a node without calls, and the calls that wait for a rule.
            auto const count = m_nodes.size();
            std::vector<std::vector<node_id>> before(count);
            struct waiting_call
            {
                node_id from;
                node_id target;
            };
            struct return_from
            {
                node_id start;
                node_id from;
            };
            std::vector<std::vector<waiting_call>> waiting(count);    // by the rule's start
            std::vector<std::vector<return_from>> returns(count);     // by the call's target
            for (node_id n = 0; n != count; ++n)
            {
                auto const& from = m_nodes[n];
                if (taking)
                {
                    for (auto const& edge : from.bytes) { before[edge.target].push_back(n); }
                    for (auto const& edge : from.tokens) { before[edge.target].push_back(n); }
                }
                for (auto const target : from.silent) { before[target].push_back(n); }
                // A round can always be completed, so the way out decides.
                if (taking ? from.leave != no_node : may_skip(from)) { before[from.leave].push_back(n); }
                for (auto const& edge : from.calls)
                {
                    waiting[edge.start].push_back({n, edge.target});
                    returns[edge.target].push_back({edge.start, n});
                }
            }
            std::vector<char> good(count);
            std::vector<node_id> work;
            auto const mark = [&](node_id n)
            {
                if (good[n]) { return; }
                good[n] = 1;
                work.push_back(n);
            };
            for (node_id n = 0; n != count; ++n)
            {
                if (m_nodes[n].end) { mark(n); }
            }
            while (!work.empty())
            {
                auto const n = work.back();
                work.pop_back();
                for (auto const from : before[n]) { mark(from); }
                // n begins a rule: calls of it whose target is good.
                for (auto const& call : waiting[n])
                {
                    if (good[call.target]) { mark(call.from); }
                }
                // n is the target of calls: those whose rule is good.
                for (auto const& [start, from] : returns[n])
                {
                    if (good[start]) { mark(from); }
                }
            }
            return good;
        }

        // Removes what cannot lead to the end of its rule.
        void trim()
        {
            auto const count = m_nodes.size();
            auto const good = reaches_end(true);
            if (!good[m_start]) { throw argument_error("grammar: no text matches it"); }
            for (auto& n : m_nodes)
            {
                std::erase_if(n.bytes, [&](auto const& e) { return !good[e.target]; });
                std::erase_if(n.tokens, [&](auto const& e) { return !good[e.target]; });
                std::erase_if(n.calls, [&](auto const& e) { return !good[e.target] || !good[e.start]; });
                std::erase_if(n.silent, [&](auto const t) { return !good[t]; });
            }
            m_only_ends.resize(count);
            for (node_id n = 0; n != count; ++n) { m_only_ends[n] = leads_only_to_end(n); }
        }

        bool leads_only_to_end(node_id n) const
        {
            for (std::size_t steps = 0; steps != 64; ++steps)
            {
                auto const& at = m_nodes[n];
                if (!at.bytes.empty() || !at.tokens.empty() || !at.calls.empty()) { return false; }
                if (at.again != no_node) { return false; }
                if (at.end) { return at.silent.empty(); }
                if (at.silent.size() != 1) { return false; }
                n = at.silent.front();
            }
            return false;
        }

        // No rule may come back to its own start before anything has been taken: its stack would grow
        // without end.
        void check_left_calls() const
        {
            auto const count = m_nodes.size();
            auto const empties = reaches_end(false);    // of rules, at their starts
            enum class mark : char
            {
                none,
                open,
                done
            };
            // Edges that take nothing: silent ones, into a called rule, and over a rule that may be empty.
            // A cycle through an edge into a rule is what is looked for; loops of silent edges are harmless,
            // so they are first followed inside one rule.
            std::vector<mark> marks(count);
            std::vector<node_id> seen_at(count, ~node_id(0));
            std::vector<std::pair<node_id, std::vector<node_id>>>
                path;    // rule start, its calls still to do
            auto const first_calls = [&](node_id start)
            {
                std::vector<node_id> calls;
                std::vector<node_id> work{start};
                seen_at[start] = start;
                auto const go = [&](node_id to)
                {
                    if (seen_at[to] == start) { return; }
                    seen_at[to] = start;
                    work.push_back(to);
                };
                while (!work.empty())
                {
                    auto const& at = m_nodes[work.back()];
                    work.pop_back();
                    for (auto const to : at.silent) { go(to); }
                    if (at.again != no_node) { go(at.again); }
                    if (may_skip(at)) { go(at.leave); }
                    for (auto const& edge : at.calls)
                    {
                        calls.push_back(edge.start);
                        if (empties[edge.start]) { go(edge.target); }
                    }
                }
                return calls;
            };
            for (auto const root : m_starts)
            {
                if (marks[root] != mark::none) { continue; }
                marks[root] = mark::open;
                path.emplace_back(root, first_calls(root));
                while (!path.empty())
                {
                    auto& [start, calls] = path.back();
                    if (calls.empty())
                    {
                        marks[start] = mark::done;
                        path.pop_back();
                        continue;
                    }
                    auto const next = calls.back();
                    calls.pop_back();
                    if (marks[next] == mark::open)
                    {
                        throw argument_error("grammar: a rule refers to itself before anything is written");
                    }
                    if (marks[next] == mark::none)
                    {
                        marks[next] = mark::open;
                        path.emplace_back(next, first_calls(next));
                    }
                }
            }
        }

        // Out of a loop without a round.
        bool may_skip(node const& at) const { return at.leave != no_node && loop(at.loop).min == 0; }

        static constexpr std::size_t max_depth = 1000;
        static constexpr std::size_t steps_per_state = 4;    // of building
        static constexpr std::size_t least_counted = 4;      // rounds; fewer are written out
        static constexpr std::size_t most_counted = std::size_t(1) << 30;

        grammar_limits m_limits;
        grammar const* m_source;    // and its facts: while this is made
        std::optional<grammar_facts> m_facts;
        std::vector<counted_loop> m_loops;
        std::uint32_t m_loop = 0;    // that is being built
        std::size_t m_steps = 0;
        std::vector<node> m_nodes;
        std::vector<node_id> m_starts;    // by rule; the last one is the root's
        std::vector<bool> m_only_ends;
        node_id m_start = 0;
    };
}
