// A grammar made ready for one vocabulary: what the masks of many answers share.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/grammar/automaton.hpp>
#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/token_paths.hpp>
#include <gemma4/grammar/token_trie.hpp>

namespace gemma4::inline v0
{
    // May be shared by several answers at once, also on several threads.
    class token_grammar
    {
    public:
        // With the limits of the grammar. argument_error: nothing matches, it is beyond them, or a token of
        // it is not in the vocabulary.
        token_grammar(grammar const& source, std::shared_ptr<token_trie const> trie)
            : m_trie(std::move(trie))
            , m_limits(source.limits())
            , m_nodes(std::make_shared<automaton const>(source))
            , m_paths(make_paths())
        {
            for (automaton::node_id n = 0; n != m_nodes->size(); ++n)
            {
                for (auto const& edge : (*m_nodes)[n].tokens)
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

        // For an answer that begins now. Where too much has been kept, older answers go on with what they
        // have and new ones begin afresh.
        std::shared_ptr<token_paths> paths()
        {
            std::lock_guard const lock(m_mutex);
            if (m_paths->is_full()) { m_paths = make_paths(); }
            return m_paths;
        }

    private:
        std::shared_ptr<token_paths> make_paths() const
        {
            return std::make_shared<token_paths>(m_nodes, m_trie, m_limits);
        }

        std::shared_ptr<token_trie const> m_trie;
        grammar_limits m_limits;
        std::shared_ptr<automaton const> m_nodes;
        std::mutex m_mutex;    // of what follows
        std::shared_ptr<token_paths> m_paths;
    };
}
