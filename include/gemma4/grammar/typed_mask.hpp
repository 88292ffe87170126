// An answer that is a value of a C++ type: the mask that allows nothing else, and the value of what was
// written.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/json_value.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/token_mask.hpp>
#include <gemma4/grammar/grammar_limits.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/type_schema.hpp>
#include <gemma4/grammar/type_value.hpp>

namespace gemma4::inline v0
{
    // The JSON documents that fit a schema, ready for a vocabulary. argument_error as json_schema_grammar.
    GEMMA4_CODE std::shared_ptr<token_grammar> token_grammar_of(json_value const& schema,
                                                                std::shared_ptr<token_trie const> trie,
                                                                grammar_limits const& limits = {});

    // The JSON documents of T, ready for a vocabulary. Keep it where many answers of one type are made: masks
    // of it share what they have found out.
    template <class T>
    std::shared_ptr<token_grammar> typed_grammar(std::shared_ptr<token_trie const> trie,
                                                 grammar_limits const& limits = {})
    {
        return token_grammar_of(schema_of<T>(), std::move(trie), limits);
    }

    // Of one answer. Stop tokens are allowed where the value is complete.
    template <class T>
    std::shared_ptr<token_mask> typed_mask(std::shared_ptr<token_trie const> trie,
                                           std::vector<token_id> stop_tokens = {},
                                           grammar_limits const& limits = {})
    {
        return std::make_shared<grammar_mask>(typed_grammar<T>(std::move(trie), limits),
                                              std::move(stop_tokens));
    }

    // The value that a complete answer stands for. argument_error: not JSON, or not a T.
    template <class T>
    T read_value(std::string_view json)
    {
        return value_to<T>(read_json_value(json, "answer"));
    }
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/grammar/typed_mask_code.hpp>
#endif
