// How well a model predicts a text, by the rule of llama.cpp's llama-perplexity: the text's tokens with bos
// in front are cut into windows, the rest is dropped; the first token of each window is overwritten with bos,
// and the predictions of its second half, but for the first token of that, are scored.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include <gemma4/api/any_model.hpp>
#include <gemma4/generate/log_probabilities.hpp>

namespace gemma4::inline v0
{
    struct perplexity_options
    {
        std::size_t window = 512;    // tokens
        std::size_t windows = 0;     // the first so many only; 0: all
        // Sees the log-probabilities (vocab) of each scored position in order, and the token that came.
        std::function<void(std::span<float const> log_probabilities, token_id next)> each{};
        std::function<void(std::size_t done, std::size_t all)> progress{};    // windows
    };

    struct perplexity_result
    {
        std::size_t tokens = 0;    // of the text, bos included
        std::size_t windows = 0;
        std::size_t scored = 0;    // positions
        double mean_nll = 0;       // mean of -log p(token)
        double perplexity = 0;     // exp(mean_nll)
        double error = 0;          // one standard error of it
    };

    // The tokens of `text` with bos in front unless it is there, special tokens read as plain text.
    inline std::vector<token_id> tokens_for_perplexity(tokenizer const& tokens, std::string_view text)
    {
        std::vector<token_id> ids;
        if (auto const bos = tokens.find("<bos>")) { ids.push_back(*bos); }
        tokens.encode(text, ids, special_tokens::as_text);
        return ids;
    }

    namespace detail
    {
        // clear() begins a window; feed(tokens, wanted, each) runs some of it, at most `chunk`, and calls
        // each(row, logits).
        template <class Clear, class Feed>
        perplexity_result score_windows(std::span<token_id const> tokens, perplexity_options const& options,
                                        load_options const& loaded, Clear&& clear, Feed&& feed)
        {
            auto const window = options.window;
            if (window < 4)
            {
                throw argument_error(sentence("the window is ", window, ", expected at least 4 tokens"));
            }
            if (window > loaded.context)
            {
                throw argument_error(
                    sentence("the window is ", window, ", but the context holds ", loaded.context));
            }
            perplexity_result result{.tokens = tokens.size(), .windows = tokens.size() / window};
            if (result.windows == 0)
            {
                throw argument_error(sentence("the text has ", tokens.size(),
                                              " tokens, expected at least a window of ", window));
            }
            if (options.windows != 0) { result.windows = std::min(result.windows, options.windows); }

            double sum = 0, squares = 0;
            std::vector<token_id> ids;
            for (std::size_t w = 0; w != result.windows; ++w)
            {
                if (options.progress) { options.progress(w, result.windows); }
                auto const part = tokens.subspan(w * window, window);
                ids.assign(part.begin(), part.end());
                ids.front() = tokens.front();
                clear();
                auto predicted = window / 2 + 1;
                auto const score = [&](std::size_t, std::span<float> logits)
                {
                    log_probabilities(logits, logits);
                    auto const next = ids[predicted++];
                    auto const nll = -double(logits[std::size_t(next)]);
                    sum += nll;
                    squares += nll * nll;
                    ++result.scored;
                    if (options.each) { options.each(logits, next); }
                };
                auto const run = [&](std::size_t begin, std::size_t end, wanted_logits wanted)
                {
                    for (auto at = begin; at < end; at += loaded.chunk)
                    {
                        feed(std::span<token_id const>(ids).subspan(at, std::min(loaded.chunk, end - at)),
                             wanted, score);
                    }
                };
                run(0, window / 2, wanted_logits::none);
                run(window / 2, window - 1, wanted_logits::all);
            }
            auto const count = double(result.scored);
            result.mean_nll = sum / count;
            result.perplexity = std::exp(result.mean_nll);
            auto const variance = squares / count - result.mean_nll * result.mean_nll;
            result.error =
                count > 1 ? std::sqrt(std::max(variance, 0.0) / (count - 1)) * result.perplexity : 0;
            return result;
        }
    }

    // Of tokens, the first of which is bos. argument_error: fewer tokens than a window, a window of fewer
    // than 4 tokens or more than the context.
    template <class Engine>
        requires requires { typename Engine::variant; }
    perplexity_result perplexity(Engine const& engine, std::span<token_id const> tokens,
                                 perplexity_options const& options)
    {
        auto past = engine.make_state();
        return detail::score_windows(
            tokens, options, engine.options(), [&] { past.clear(); },
            [&](std::span<token_id const> part, wanted_logits wanted, auto const& each)
            {
                sequence_step<typename Engine::variant> step{&past, part, wanted};
                engine.step(std::span<sequence_step<typename Engine::variant> const>(&step, 1), each);
            });
    }

    inline perplexity_result perplexity(any_model const& model, std::span<token_id const> tokens,
                                        perplexity_options const& options)
    {
        auto const session = model.session();
        return detail::score_windows(
            tokens, options, model.options(), [&] { session->clear(); },
            [&](std::span<token_id const> part, wanted_logits wanted, auto const& each)
            {
                feed_step const step{session.get(), part, wanted};
                model.feed(std::span(&step, 1), each);
            });
    }

    // Of a text; the model is an engine or an any_model.
    template <class Model>
    perplexity_result perplexity(Model const& model, std::string_view text,
                                 perplexity_options const& options = {})
    {
        auto const tokens = tokens_for_perplexity(model.tokens(), text);
        return perplexity(model, std::span<token_id const>(tokens), options);
    }
}
