// A model whose variant is known only at run time, among those that a program lists.
#pragma once

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/api/batch.hpp>
#include <gemma4/api/session.hpp>

namespace gemma4::inline v0
{
    struct run_result
    {
        std::string text;    // all of it, also where pieces were handed out
        std::vector<token_id> tokens;
        std::vector<choice> choices;    // where log-probabilities were asked for
        stop_reason reason = stop_reason::running;
        usage used;
    };

    // A session of any variant. One thread at a time, except cancel().
    class any_session
    {
    public:
        using on_piece = std::function<void(std::string_view)>;

        virtual ~any_session() = default;
        virtual run_result ask(std::string_view text, generation_options const& options,
                               on_piece const& piece = {}) = 0;
        virtual run_result complete(std::string_view text, generation_options const& options,
                                    on_piece const& piece = {}) = 0;
        virtual run_result complete(std::vector<token_id> prompt, generation_options const& options,
                                    on_piece const& piece = {}) = 0;
        virtual void cancel() = 0;    // the run under way, from any thread
        virtual void clear() = 0;
        virtual position size() const = 0;    // tokens in its state
    };

    // What one session brings to any_model::feed.
    struct feed_step
    {
        any_session* session;
        std::span<token_id const> tokens;
        wanted_logits wanted = wanted_logits::last;
    };

    class any_model
    {
    public:
        virtual ~any_model() = default;
        virtual std::string_view variant() const = 0;
        virtual text_config const& text() const = 0;
        virtual memory_plan const& plan() const = 0;
        virtual load_options const& options() const = 0;
        virtual generation_config const& defaults() const = 0;
        virtual tokenizer const& tokens() const = 0;    // file_error where there is none
        virtual bool has_tokenizer() const = 0;
        virtual bool is_chat() const = 0;
        virtual checkpoint const* file() const = 0;    // null: random weights
        virtual std::span<std::string const> unknown_tensors() const = 0;
        virtual std::size_t threads() const = 0;
        virtual std::string_view kernels() const = 0;    // the instruction set in use

        virtual std::unique_ptr<any_session> session(std::string system = {}) const = 0;

        // Greedy or sampled continuations of several prompts, stepping together.
        virtual std::vector<run_result> complete(std::vector<std::vector<token_id>> prompts,
                                                 generation_options const& options) const = 0;

        // One forward call on sessions of this model: see engine::step. Below ask() and complete(): not to be
        // mixed with them.
        virtual void
        feed(std::span<feed_step const> steps,
             std::function<void(std::size_t row, std::span<float> logits)> const& each) const = 0;
    };

    namespace detail
    {
        template <class Engine>
        class session_of final : public any_session
        {
        public:
            session_of(Engine engine, std::string system)
                : m_session(std::move(engine), std::move(system))
            {}

            run_result ask(std::string_view text, generation_options const& options,
                           on_piece const& piece) override
            {
                auto run = m_session.ask(text, options);
                return finish(run, piece);
            }

            run_result complete(std::string_view text, generation_options const& options,
                                on_piece const& piece) override
            {
                auto run = m_session.complete(text, options);
                return finish(run, piece);
            }

            run_result complete(std::vector<token_id> prompt, generation_options const& options,
                                on_piece const& piece) override
            {
                auto run = m_session.complete(std::move(prompt), options);
                return finish(run, piece);
            }

            void cancel() override
            {
                std::scoped_lock const lock(m_mutex);
                if (m_run) { m_run->cancel(); }
            }

            void clear() override
            {
                m_session.clear();
                m_fed.reset();
            }

            position size() const override { return m_fed ? m_fed->size() : m_session.past().size(); }

            // The state that feed() works on, made when it is first needed.
            auto& fed()
            {
                if (!m_fed) { m_fed.emplace(m_session.model().make_state()); }
                return *m_fed;
            }

        private:
            run_result finish(basic_generation<Engine>& run, on_piece const& piece)
            {
                struct under_way
                {
                    session_of& self;
                    under_way(session_of& s, basic_generation<Engine>& r)
                        : self(s)
                    {
                        set(&r);
                    }
                    ~under_way() { set(nullptr); }
                    void set(basic_generation<Engine>* r)
                    {
                        std::scoped_lock const lock(self.m_mutex);
                        self.m_run = r;
                    }
                } const guard(*this, run);
                run_result result;
                for (auto const& text : run)
                {
                    result.text += text;
                    if (piece) { piece(text); }
                }
                result.tokens.assign(run.tokens().begin(), run.tokens().end());
                result.choices.assign(run.choices().begin(), run.choices().end());
                result.reason = run.reason();
                result.used = run.used();
                return result;
            }

            gemma4::session<Engine> m_session;
            std::optional<state<typename Engine::variant>> m_fed;
            std::mutex m_mutex;    // of m_run
            basic_generation<Engine>* m_run = nullptr;
        };

        template <class Engine>
        class model_of final : public any_model
        {
            using M = typename Engine::variant;

        public:
            explicit model_of(Engine engine)
                : m_engine(std::move(engine))
            {}

            std::string_view variant() const override { return M::name; }
            text_config const& text() const override { return M::text; }
            memory_plan const& plan() const override { return m_engine.plan(); }
            load_options const& options() const override { return m_engine.options(); }
            generation_config const& defaults() const override { return m_engine.defaults(); }
            tokenizer const& tokens() const override { return m_engine.tokens(); }
            bool has_tokenizer() const override { return m_engine.has_tokenizer(); }
            bool is_chat() const override { return m_engine.chat().has_value(); }
            checkpoint const* file() const override { return m_engine.file(); }
            std::span<std::string const> unknown_tensors() const override
            {
                return m_engine.unknown_tensors();
            }
            std::size_t threads() const override { return m_engine.threads(); }
            std::string_view kernels() const override { return m_engine.kernels().name; }

            std::unique_ptr<any_session> session(std::string system) const override
            {
                return std::make_unique<session_of<Engine>>(m_engine, std::move(system));
            }

            std::vector<run_result> complete(std::vector<std::vector<token_id>> prompts,
                                             generation_options const& options) const override
            {
                std::vector<gemma4::session<Engine>> sessions(prompts.size(),
                                                              gemma4::session<Engine>(m_engine));
                std::vector<std::unique_ptr<basic_generation<Engine>>> runs;
                batch<Engine> together(m_engine);
                for (std::size_t i = 0; i != prompts.size(); ++i)
                {
                    using run = generation<Engine>;
                    runs.push_back(
                        std::unique_ptr<run>(new run(sessions[i].complete(std::move(prompts[i]), options))));
                    together.join(*runs.back());
                }
                together.run();
                std::vector<run_result> results;
                for (auto const& run : runs)
                {
                    run_result r;
                    r.text = run->rest();
                    r.tokens.assign(run->tokens().begin(), run->tokens().end());
                    r.choices.assign(run->choices().begin(), run->choices().end());
                    r.reason = run->reason();
                    r.used = run->used();
                    results.push_back(std::move(r));
                }
                return results;
            }

            void feed(std::span<feed_step const> steps,
                      std::function<void(std::size_t, std::span<float>)> const& each) const override
            {
                std::vector<sequence_step<M>> batch;
                for (auto const& s : steps)
                {
                    auto* const of = dynamic_cast<session_of<Engine>*>(s.session);
                    if (!of) { throw argument_error("feed: a session is of another model"); }
                    batch.push_back({&of->fed(), s.tokens, s.wanted});
                }
                m_engine.step(std::span<sequence_step<M> const>(batch),
                              [&](std::size_t row, std::span<float> logits)
                              {
                                  if (each) { each(row, logits); }
                              });
            }

        private:
            Engine m_engine;
        };
    }

    // A variant that a program can load. One instantiation of load_any and random_any is one variant's
    // machine code: a program puts each in a translation unit of its own (extern template).
    template <text_model M>
    std::unique_ptr<any_model> load_any(opened_checkpoint opened, load_options options)
    {
        return std::make_unique<detail::model_of<engine<M>>>(
            engine<M>::load(std::move(opened), std::move(options)));
    }

    template <text_model M>
    std::unique_ptr<any_model> random_any(dtype type, load_options options)
    {
        return std::make_unique<detail::model_of<engine<M>>>(engine<M>::random(type, std::move(options)));
    }

    struct known_variant
    {
        std::string_view name;
        text_config text;
        std::unique_ptr<any_model> (*load)(opened_checkpoint, load_options);
        std::unique_ptr<any_model> (*random)(dtype, load_options);
    };

    template <text_model... Ms>
    std::vector<known_variant> variants()
    {
        return {{Ms::name, Ms::text, &load_any<Ms>, &random_any<Ms>}...};
    }

    // Loads a checkpoint folder as the variant that its config.json describes. mismatch_error where none of
    // them does.
    inline std::unique_ptr<any_model> load_any_of(std::span<known_variant const> known,
                                                  std::filesystem::path const& folder, load_options options)
    {
        auto const path = folder / "config.json";
        auto const config = read_json(path);
        for (auto const& v : known)
        {
            if (matches(v.text, config))
            {
                return v.load(open_checkpoint(folder, v.text, v.name), std::move(options));
            }
        }
        auto const found = read_text_config(config, path.string());
        std::string names;
        for (auto const& v : known) { names += sentence(names.empty() ? "" : ", ", v.name); }
        throw mismatch_error(sentence(path.string(), " describes a model of hidden_size ", found.hidden,
                                      " with ", found.layers, " layers and ", found.vocab,
                                      " tokens, which is none of the variants compiled in: ", names));
    }
}
