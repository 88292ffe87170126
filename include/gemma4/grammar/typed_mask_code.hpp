// What grammar/typed_mask.hpp declares (core/separate.hpp).
#pragma once

#include <utility>

#include <gemma4/grammar/json_schema.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_trie.hpp>
#include <gemma4/grammar/typed_mask.hpp>

namespace gemma4::inline v0
{
    GEMMA4_CODE std::shared_ptr<token_grammar> token_grammar_of(json_value const& schema,
                                                                std::shared_ptr<token_trie const> trie,
                                                                grammar_limits const& limits)
    {
        return std::make_shared<token_grammar>(json_schema_grammar(schema, json_space::one, limits),
                                               std::move(trie));
    }
}
