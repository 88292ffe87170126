// The text decoder: embed, layers by schedule, norm, logits (Gemma4TextModel and the head of
// Gemma4ForCausalLM).
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/core/finite.hpp>
#include <gemma4/layers/rope.hpp>
#include <gemma4/model/placeholder_tokens.hpp>
#include <gemma4/model/state.hpp>
#include <gemma4/model/weights.hpp>
#include <gemma4/model/workspace.hpp>

namespace gemma4::inline v0
{
    enum class wanted_logits
    {
        none,
        last,
        all
    };

    // Soft tokens that take the places of `count` tokens of a step from `first` on. Where media attend both
    // ways (text_config::media_both_ways), neighbouring spans of pictures are one block, which must lie
    // within one step.
    struct soft_span
    {
        std::size_t first;    // index into sequence_step::tokens
        std::size_t count;
        float const* values;    // (count, hidden), used as they are
        bool picture;           // an image or a frame of a video; sound is causal
    };

    // What one sequence of a batch brings to a forward call.
    template <text_model M>
    struct sequence_step
    {
        state<M>* past;
        std::span<token_id const> tokens;    // at least one
        wanted_logits wanted = wanted_logits::last;
        std::span<soft_span const> soft{};    // ascending, without overlap
    };

    template <text_model M, class Format>
    class text_model_of
    {
        static constexpr text_config text = M::text;
        static constexpr auto const& schedule = architecture<M>::schedule;

    public:
        explicit text_model_of(decoder_weights<M, Format> weights, placeholder_tokens placeholders = {})
            : m_weights(std::move(weights))
            , m_placeholders(placeholders)
            , m_frequencies{frequencies(attention_kind::sliding), frequencies(attention_kind::global)}
        {}

        decoder_weights<M, Format> const& weights() const noexcept { return m_weights; }

        // Runs new tokens of several sequences and returns the normed hidden states (rows, hidden) of the
        // tokens whose logits are wanted, in batch order; they live in `w` until the next call. Every state
        // has moved on by its tokens. If `stop` is requested, within the time of one layer it returns an
        // empty view and no state has moved. Throws argument_error (token id, empty step), capacity_error
        // (rows or context exceeded) and numeric_error (a hidden state is not finite) before any change.
        template <class Observer = no_observer>
        view<float const> forward(std::span<sequence_step<M> const> batch, workspace<M>& w, executor& threads,
                                  kernels::table const& kernels, std::stop_token stop = {},
                                  Observer&& observer = {}) const
        {
            auto const rows = check(batch, w);
            compute const c = w.machine(threads, kernels);
            activations a = w.rows;
            std::vector<kv_cache*> caches;
            for (auto const& s : batch)
            {
                s.past->prepare(s.tokens.size());
                caches.push_back(s.past->caches());
            }
            a.caches = caches;
            a.kv = batch.front().past->options().kv;
            std::optional<overflow> found;
            if (!run_layers(c, batch, w, a, rows, stop, observer, found, false)) { return {}; }
            if (found)    // once more, to say where it begins
            {
                auto first = std::exchange(found, std::nullopt);
                if (!run_layers(c, batch, w, a, rows, stop, observer, found, true)) { return {}; }
                throw numeric_error(sentence_of(found.value_or(*first), batch.size()));
            }
            for (auto const& s : batch) { s.past->commit(s.tokens.size()); }
            return a.x;
        }

        // Logits of hidden states as forward() returns them: cap * tanh(hidden Wᵀ / cap), float32. each(row,
        // logits) sees every row of `hidden` in order, as a span (vocab) of `w` that it may change and that
        // lives during the call. Returns false where `stop` is requested before the last row. Rows that are
        // not finite before the cap are not shown; where there was one, numeric_error is thrown at the end.
        template <class Each>
        bool logits(view<float const> hidden, workspace<M>& w, executor& threads,
                    kernels::table const& kernels, std::stop_token stop, Each&& each) const
        {
            compute const c = w.machine(threads, kernels);
            auto const block = std::min(w.options().logit_rows, w.options().rows);
            std::string failure;
            for (std::size_t first = 0; first < hidden.rows; first += block)
            {
                if (stop.stop_requested()) { return false; }
                view<float> const out{w.logits, std::min(block, hidden.rows - first), text.vocab};
                std::atomic<bool> finite{true};
                linear(c, m_weights.lm_head, view<float const>{hidden.row(first), out.rows, hidden.columns},
                       out.data, out.columns,
                       [&](std::size_t row, std::size_t rows, std::size_t from, std::size_t outs, std::size_t)
                       {
                           for (auto r = row; r != row + rows; ++r)
                           {
                               if (!all_finite({out.row(r) + from, outs}))    // the cap would hide infinities
                               {
                                   finite.store(false, std::memory_order_relaxed);
                                   continue;
                               }
                               if constexpr (text.softcap != 0)
                               {
                                   kernels.softcap(out.row(r) + from, outs, text.softcap);
                               }
                           }
                       });
                for (std::size_t r = 0; r != out.rows; ++r)
                {
                    auto const at = finite ? text.vocab : first_not_finite(out[r]);
                    if (at == text.vocab) { each(first + r, out[r]); }
                    else if (failure.empty())
                    {
                        failure =
                            sentence(M::name, ": the logit of token ", at, " after position ",
                                     w.places[first + r].at, " is ", out[r][at],
                                     ", but the hidden state before the head is finite: numbers of the head "
                                     "are out of range");
                    }
                }
            }
            if (!failure.empty()) { throw numeric_error(failure); }
            return true;
        }

    private:
        // A row that is infinite or NaN after so many layers; after the final norm where it is one more.
        struct overflow
        {
            row_place place;
            std::size_t layers;
        };

        static std::string sentence_of(overflow const& found, std::size_t sequences)
        {
            auto const& at = found.place;
            auto const where =
                found.layers == 0 ? std::string("in its embedding")
                : found.layers > text.layers
                    ? std::string("after the final norm")
                    : sentence("after layer ", found.layers - 1, " of ", text.layers, " (the first is 0)");
            return sentence(M::name, ": the hidden state at position ", at.at,
                            at.soft ? std::string(" (a soft token)") : sentence(" (token ", at.token, ")"),
                            sequences == 1 ? std::string() : sentence(" of sequence ", at.sequence),
                            " is not finite ", where,
                            ": numbers of the weights, or activations, are out of range");
        }

        // Everything of forward() between the first check and the last: a.x is the normed hidden states.
        // Returns false where it was stopped. `found`: the first row that is not finite, looked for where
        // rows are dropped and at the end, or, to name the layer, after every layer.
        template <class Observer>
        bool run_layers(compute const& c, std::span<sequence_step<M> const> batch, workspace<M>& w,
                        activations& a, std::size_t rows, std::stop_token const& stop, Observer& observer,
                        std::optional<overflow>& found, bool every_layer) const
        {
            a.x.rows = a.y.rows = a.z.rows = rows;
            a.places = {w.places, rows};
            place_rows(batch, a);
            auto const look = [&](std::size_t layers)
            {
                for (std::size_t r = 0; r != a.rows() && !found; ++r)
                {
                    if (!all_finite({a.x.row(r), a.x.columns})) { found = {a.places[r], layers}; }
                }
            };

            embed(c, a, a.x);
            if (every_layer) { look(0); }
            rope_angles(c, a);
            prepare_per_layer(c, a, 0, schedule.owners - 1);
            auto const only_wanted = [&]
            {
                look(schedule.owners - 1);
                a.keep_wanted();
                prepare_per_layer(c, a, schedule.owners - 1, text.layers);
            };
            for (std::size_t l = 0; l != text.layers && (l < schedule.owners || a.rows() != 0); ++l)
            {
                if (stop.stop_requested()) { return false; }
                auto const& place = schedule.layers[l];
                m_weights.with_layer(l,
                                     [&](auto const& layer)
                                     {
                                         layer.forward(c, a, l, place, observer,
                                                       [&]
                                                       {
                                                           bool const last = l + 1 == schedule.owners;
                                                           if (last) { only_wanted(); }
                                                           return last;
                                                       });
                                     });
                if (every_layer) { look(l + 1); }
            }
            norm(c, m_weights.norm, text.norm_eps, a.x, a.x);
            look(text.layers + 1);
            return true;
        }

        static inverse_frequencies frequencies(attention_kind kind)
        {
            constexpr auto sliding = spec_of(text, 0);
            constexpr auto global = spec_of(text, text.global_every - 1);
            auto const& s = kind == attention_kind::global ? global : sliding;
            return {kind == attention_kind::global ? text.global_rope_theta : text.rope_theta, s.head_dim,
                    s.rotated};
        }

        // The rows of a batch. Throws before anything has changed.
        static std::size_t check(std::span<sequence_step<M> const> batch, workspace<M> const& w)
        {
            std::size_t rows = 0;
            for (auto const& s : batch)
            {
                rows += s.tokens.size();
                for (auto const& other : batch)
                {
                    if (&other != &s && other.past == s.past)
                    {
                        throw argument_error(
                            "a batch holds the same state twice; every sequence needs one of its own");
                    }
                }
                auto const& o = s.past->options();
                if (o.kv != batch.front().past->options().kv)
                {
                    throw argument_error("the states of a batch keep keys and values in different types");
                }
                if (s.tokens.empty())
                {
                    throw argument_error("a sequence of a batch brings no token; at least one is needed");
                }
                if (s.past->size() + s.tokens.size() > o.context)
                {
                    throw capacity_error(sentence("context full: ", s.past->size(), " tokens are there and ",
                                                  s.tokens.size(), " more were given, but the context holds ",
                                                  o.context));
                }
                if (s.tokens.size() > o.chunk || o.context > w.options().context)
                {
                    throw capacity_error(sentence("a chunk of ", s.tokens.size(), " tokens in a context of ",
                                                  o.context, ", but chunks of ", o.chunk, " and contexts of ",
                                                  w.options().context, " were planned"));
                }
                std::size_t free = 0;
                for (auto const& span : s.soft)
                {
                    if (span.first < free || span.count > s.tokens.size()
                        || span.first > s.tokens.size() - span.count)
                    {
                        throw argument_error(sentence(
                            "soft tokens at [", span.first, ", ", span.first + span.count,
                            ") of a step, expected ascending spans within its ", s.tokens.size(), " tokens"));
                    }
                    free = span.first + span.count;
                }
                for (std::size_t i = 0; i != s.tokens.size(); ++i)
                {
                    if (s.tokens[i] < 0 || std::size_t(s.tokens[i]) >= text.vocab)
                    {
                        throw argument_error(sentence("token ", i, " is ", s.tokens[i],
                                                      ", expected an id in 0 .. ", text.vocab - 1));
                    }
                }
            }
            if (rows > w.options().rows)
            {
                throw capacity_error(
                    sentence("a batch of ", rows, " rows, but ", w.options().rows, " were planned"));
            }
            return rows;
        }

        void place_rows(std::span<sequence_step<M> const> batch, activations const& a) const
        {
            std::size_t row = 0;
            for (std::size_t s = 0; s != batch.size(); ++s)
            {
                auto const& step = batch[s];
                for (std::size_t i = 0; i != step.tokens.size(); ++i, ++row)
                {
                    bool const last = i + 1 == step.tokens.size();
                    auto const at = step.past->size() + i;
                    a.places[row] = {
                        .sequence = s,
                        .at = at,
                        .visible_end = at + 1,
                        .angles = row,
                        .token = m_placeholders.embedded(step.tokens[i]),
                        .soft = nullptr,
                        .wanted =
                            step.wanted == wanted_logits::all || (last && step.wanted == wanted_logits::last),
                    };
                }
                place_soft(step, a.places.subspan(row - step.tokens.size(), step.tokens.size()));
            }
        }

        // The rows of one step: soft tokens in place of its tokens.
        static void place_soft(sequence_step<M> const& step, std::span<row_place> rows)
        {
            for (auto const& s : step.soft)
            {
                for (std::size_t i = 0; i != s.count; ++i)
                {
                    rows[s.first + i].soft = s.values + i * text.hidden;
                }
            }
            if constexpr (text.media_both_ways)
            {
                position block_end = 0;
                for (auto s = step.soft.rbegin(); s != step.soft.rend(); ++s)
                {
                    if (!s->picture) { continue; }
                    auto const end = step.past->size() + s->first + s->count;
                    auto const next = s == step.soft.rbegin() ? nullptr : &*std::prev(s);
                    bool const joined = next && next->picture && next->first == s->first + s->count;
                    if (!joined) { block_end = end; }
                    for (std::size_t i = 0; i != s->count; ++i)
                    {
                        rows[s->first + i].visible_end = block_end;
                    }
                }
            }
        }

        // to (rows, hidden) = embedding * sqrt(hidden), or a soft token as it is
        void embed(compute const& c, activations const& a, view<float> to) const
        {
            auto const& table = m_weights.embed_tokens;
            auto const scale = float(std::sqrt(double(text.hidden)));
            c.for_each_row(a.rows(),
                           [&](std::size_t r, std::size_t)
                           {
                               auto const& place = a.places[r];
                               if (place.soft) { std::copy_n(place.soft, text.hidden, to.row(r)); }
                               else { read_rows(c, table, std::size_t(place.token), 1, scale, to.row(r)); }
                           });
        }

        void rope_angles(compute const& c, activations const& a) const
        {
            c.for_each_row(a.rows(),
                           [&](std::size_t r, std::size_t)
                           {
                               for (std::size_t kind = 0; kind != 2; ++kind)
                               {
                                   auto const& rope = a.rope[kind];
                                   auto const from = r * rope.rotated;
                                   m_frequencies[kind].angles(a.places[r].at, rope.cosine + from,
                                                              rope.sine + from);
                               }
                           });
        }

        // a.per_layer (rows, layers first .. end, per_layer_input) = (norm(embedding Wᵀ / sqrt(hidden)) +
        // table row) / sqrt(2). Soft tokens have the table's row of the pad token. Uses a.z.
        void prepare_per_layer(compute const& c, activations& a, std::size_t first, std::size_t end) const
        {
            if constexpr (text.per_layer_input != 0)
            {
                constexpr auto width = text.per_layer_input;
                auto const& p = m_weights.per_layer;
                a.per_layer_first = first;
                a.per_layer_count = end - first;
                if (first == end) { return; }
                embed(c, a, a.z);
                auto const columns = (end - first) * width;
                linear(c, p.per_layer_model_projection.rows(first * width, columns), a.z, a.per_layer,
                       columns, [](auto...) {});
                c.for_each_row(
                    a.rows(),
                    [&](std::size_t r, std::size_t slot)
                    {
                        float* const identity = c.weights_of(slot);    // all layers
                        auto const& place = a.places[r];
                        auto const token = std::size_t(place.soft ? m_placeholders.pad : place.token);
                        read_rows(c, p.embed_tokens_per_layer, token, 1, float(std::sqrt(double(width))),
                                  identity);
                        for (auto l = first; l != end; ++l)
                        {
                            float* const out = a.per_layer + r * columns + (l - first) * width;
                            c.kernels->scale(float(1.0 / std::sqrt(double(text.hidden))), out, width);
                            c.kernels->rms_norm(out, p.per_layer_projection_norm.data, out, width,
                                                text.norm_eps);
                            c.kernels->add(identity + l * width, out, width);
                            c.kernels->scale(float(std::sqrt(0.5)), out, width);
                        }
                    });
            }
        }

        decoder_weights<M, Format> m_weights;
        placeholder_tokens m_placeholders;
        inverse_frequencies m_frequencies[2];    // by attention_kind
    };
}
