// Texts made and read under a mask.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/grammar/grammar.hpp>
#include <gemma4/grammar/grammar_mask.hpp>
#include <gemma4/grammar/token_grammar.hpp>
#include <gemma4/grammar/token_trie.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4_test
{
    inline constexpr gemma4::token_id stop = 106;    // <turn|> in all vocabularies

    inline gemma4::tokenizer const& tiny_tokens()
    {
        static auto const tokens = gemma4::tokenizer::from_file(GEMMA4_TEST_DATA "/tiny/tokenizer.json");
        return tokens;
    }

    inline gemma4::tokenizer const& nano_tokens()
    {
        static auto const tokens =
            gemma4::tokenizer::from_file(GEMMA4_TEST_DATA "/../../models/nano/tokenizer.json");
        return tokens;
    }

    inline std::shared_ptr<gemma4::token_trie const> tiny_trie()
    {
        static auto const trie = std::make_shared<gemma4::token_trie const>(tiny_tokens());
        return trie;
    }

    inline std::shared_ptr<gemma4::token_trie const> nano_trie()
    {
        static auto const trie = std::make_shared<gemma4::token_trie const>(nano_tokens());
        return trie;
    }

    inline std::vector<gemma4::token_id> allowed(gemma4::grammar_mask& mask)
    {
        auto const vocab = mask.rules().trie().vocab();
        std::vector<float> logits(vocab, 1.0f);
        mask.restrict(logits);
        std::vector<gemma4::token_id> out;
        for (std::size_t i = 0; i != vocab; ++i)
        {
            if (logits[i] == 1.0f) { out.push_back(gemma4::token_id(i)); }
        }
        return out;
    }

    // A random text of the grammar: allowed tokens, sometimes forced ones, closing ones ever more likely.
    // Markers are spelled as their tokens. Throws where a mask forbids everything.
    inline std::string random_text(std::shared_ptr<gemma4::token_grammar> const& rules, std::mt19937& random)
    {
        auto const& trie = rules->trie();
        gemma4::grammar_mask mask(rules, {stop});
        std::string out;
        for (std::size_t step = 0; step != 5000; ++step)
        {
            if (mask.must_stop()) { return out; }
            if (random() % 3 == 0)
            {
                if (auto const only = mask.forced())
                {
                    for (auto const id : *only)
                    {
                        auto const text = trie.text(id);
                        out += text.empty() ? trie.tokens().piece(id) : text;
                        mask.accept(id);
                    }
                    continue;
                }
            }
            auto const ids = allowed(mask);
            if (ids.empty()) { throw std::runtime_error("a mask forbids every token after: " + out); }
            std::vector<double> weights;
            for (auto const id : ids)
            {
                auto const text = trie.text(id);
                bool const ends = id == stop || text.empty() || text == "\"";
                bool const closes = text == "}" || text == "]";
                weights.push_back(ends ? 20.0 + double(step * step) : closes ? 20.0 : 1.0);
            }
            auto const id =
                ids[std::discrete_distribution<std::size_t>(weights.begin(), weights.end())(random)];
            mask.accept(id);
            if (id == stop) { return out; }
            auto const text = trie.text(id);
            out += text.empty() ? trie.tokens().piece(id) : text;
        }
        throw std::runtime_error("no end of: " + out.substr(0, 200));
    }

    // Whether the mask allows the text, token by token, cut into tokens at random.
    inline bool accepts(std::shared_ptr<gemma4::token_grammar> const& rules, std::string_view text,
                        std::mt19937& random)
    {
        auto const& trie = rules->trie();
        gemma4::grammar_mask mask(rules, {stop});
        while (!text.empty())
        {
            std::vector<gemma4::token_id> fitting;
            for (std::size_t i = 0; i != trie.vocab(); ++i)
            {
                auto const word = trie.text(gemma4::token_id(i));
                if (!word.empty() && text.starts_with(word)) { fitting.push_back(gemma4::token_id(i)); }
            }
            auto const id = fitting[random() % fitting.size()];
            if (!mask.allows(id)) { return false; }
            mask.accept(id);
            text.remove_prefix(trie.text(id).size());
        }
        return mask.complete();
    }

    inline bool accepts(gemma4::grammar const& source, std::string_view text)
    {
        auto const rules = std::make_shared<gemma4::token_grammar>(source, tiny_trie());
        std::mt19937 random(7);
        return accepts(rules, text, random);
    }
}
