// A naive token mask: the answer is one of a few texts, in the tokens that encode() gives for each.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gemma4/generate/token_mask.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4_test
{
    class choice_mask final : public gemma4::token_mask
    {
    public:
        choice_mask(gemma4::tokenizer const& tokens, std::vector<std::string> const& texts)
        {
            for (auto const& text : texts)
            {
                m_choices.push_back(tokens.encode(text, gemma4::special_tokens::as_text));
            }
        }

        void restrict(std::span<float> logits) override
        {
            auto const next = possible();
            for (std::size_t i = 0; i != logits.size(); ++i)
            {
                if (std::ranges::find(next, gemma4::token_id(i)) == next.end())
                {
                    logits[i] = -std::numeric_limits<float>::infinity();
                }
            }
            ++restricted;
        }

        void accept(gemma4::token_id token) override
        {
            m_said.push_back(token);
            std::erase_if(m_choices, [&](auto const& c) { return !begins(c) || c.size() < m_said.size(); });
            wrong = wrong || m_choices.empty();
        }

        std::optional<std::vector<gemma4::token_id>> forced() override
        {
            if (!forces || m_choices.size() != 1 || m_choices[0].size() == m_said.size()) { return {}; }
            return std::vector(m_choices[0].begin() + std::ptrdiff_t(m_said.size()), m_choices[0].end());
        }

        bool complete() const override
        {
            return std::ranges::any_of(m_choices, [&](auto const& c) { return c.size() == m_said.size(); });
        }

        bool must_stop() const override { return complete() && possible().empty(); }

        bool forces = true;
        bool wrong = false;            // a token came that was not allowed
        std::size_t restricted = 0;    // times

    private:
        bool begins(std::vector<gemma4::token_id> const& choice) const
        {
            auto const count = std::min(choice.size(), m_said.size());
            return std::equal(choice.begin(), choice.begin() + std::ptrdiff_t(count), m_said.begin());
        }

        std::vector<gemma4::token_id> possible() const
        {
            std::vector<gemma4::token_id> next;
            for (auto const& c : m_choices)
            {
                if (c.size() > m_said.size()) { next.push_back(c[m_said.size()]); }
            }
            return next;
        }

        std::vector<std::vector<gemma4::token_id>> m_choices;    // those that are still possible
        std::vector<gemma4::token_id> m_said;
    };
}
