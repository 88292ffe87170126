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
#include <gemma4/api/pack_model.hpp>
#include <gemma4/api/session.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    struct run_result
    {
        std::string text;    // all of it, also where pieces were handed out
        answer said{};       // with thoughts and calls
        std::vector<token_id> tokens;
        std::vector<choice> choices;    // where log-probabilities were asked for
        stop_reason reason = stop_reason::running;
        usage used;
    };

    // A session of any variant, or none at all (scripted_session). One thread at a time, except cancel().
    class any_session
    {
    public:
        using on_piece = std::function<void(std::string_view)>;
        using on_event = std::function<void(answer_event const&)>;

        virtual ~any_session() = default;

        // As those of session; it must outlive what send and extend (continuations) return.
        virtual std::unique_ptr<answer_stream> send(turn said, generation_options options) = 0;
        virtual std::unique_ptr<answer_stream> extend(std::string_view text, generation_options options) = 0;
        virtual std::unique_ptr<answer_stream> extend(token_prompt prompt, generation_options options) = 0;

        virtual session_options const& options() const = 0;
        virtual void set_options(session_options options) = 0;
        virtual std::vector<std::string> warnings() const = 0;
        virtual std::vector<json_value> messages() const = 0;
        virtual void set_messages(turn past) = 0;
        virtual void prepare() = 0;
        virtual void clear() = 0;
        virtual position size() const = 0;    // tokens in its state
        virtual std::unique_ptr<any_session> fork() const = 0;
        virtual void save(std::filesystem::path const& path) const = 0;
        virtual void load(std::filesystem::path const& path) = 0;

        // As session::ask_with_tools.
        std::unique_ptr<tool_loop> ask_with_tools(turn said, generation_options const& options,
                                                  tool_loop_options loop = {});

        // One answer, or continuation, to its end.
        run_result ask(std::string_view text, generation_options const& options, on_piece const& piece = {});

        run_result complete(std::string_view text, generation_options const& options,
                            on_piece const& piece = {});

        run_result complete(std::vector<token_id> prompt, generation_options const& options,
                            on_piece const& piece = {});

        run_result run(std::unique_ptr<answer_stream> stream, on_piece const& piece);

        // To the end of a stream of this session, which cancel() ends early.
        run_result run_events(std::unique_ptr<answer_stream> stream, on_event const& each);

        // The run under way (ask, complete, run), from any thread.
        void cancel();

    private:
        std::mutex m_mutex;    // of m_run
        answer_stream* m_run = nullptr;
    };

    // What one session brings to any_model::feed.
    struct feed_step
    {
        any_session* session;
        std::span<token_id const> tokens;
        wanted_logits wanted = wanted_logits::last;
        std::span<soft_span const> soft{};    // in the places of some of the tokens
    };

    class any_model
    {
    public:
        virtual ~any_model() = default;
        virtual std::string_view variant() const = 0;
        virtual text_config const& text() const = 0;    // max_positions: the model's own
        virtual memory_plan const& plan() const = 0;
        virtual load_options const& options() const = 0;
        virtual generation_config const& defaults() const = 0;
        virtual tokenizer const& tokens() const = 0;    // file_error where there is none
        virtual bool has_tokenizer() const = 0;
        virtual chat_format const& chat() const = 0;    // which chat template, and why
        bool is_chat() const { return !chat().base; }
        virtual std::filesystem::path const& path() const = 0;      // folder or file; empty: random weights
        virtual std::vector<listed_tensor> tensors() const = 0;     // of its files
        virtual std::vector<listed_matrix> matrices() const = 0;    // of its decoder, as they lie in memory
        virtual std::span<std::string const> unknown_tensors() const = 0;
        virtual std::span<std::string const> warnings() const = 0;    // of loading, one sentence each
        virtual modality media() const = 0;    // what it takes in
        virtual std::size_t threads() const = 0;

        // As engine::encode. argument_error where the variant has no eyes, or no ears.
        virtual soft_tokens encode(image_patches const& image, encode_options const& options = {},
                                   tower_stage stage = tower_stage::projected) const = 0;
        virtual soft_tokens encode(audio_features const& clip, encode_options const& options = {},
                                   tower_stage stage = tower_stage::projected) const = 0;

        void demand_eyes() const
        {
            if (has(media(), modality::image)) { return; }
            throw argument_error(sentence(variant(), " was given an image, but this model has no eyes"));
        }

        void demand_ears() const
        {
            if (has(media(), modality::audio)) { return; }
            throw argument_error(sentence(variant(), " was given a sound, but this model has no ears"));
        }
        virtual std::string_view kernels() const = 0;    // the instruction set in use

        virtual std::unique_ptr<any_session> session(session_options options = {}) const = 0;
        std::unique_ptr<any_session> session(std::string system) const
        {
            return session(session_options{.system = std::move(system)});
        }

        // Greedy or sampled continuations of several prompts, stepping together.
        virtual std::vector<run_result> complete(std::vector<token_prompt> prompts,
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
            explicit session_of(gemma4::session<Engine> s)
                : m_session(std::move(s))
            {}

            std::unique_ptr<answer_stream> send(turn said, generation_options options) override
            {
                using run = generation<Engine>;
                return std::unique_ptr<run>(new run(m_session.send(std::move(said), std::move(options))));
            }

            std::unique_ptr<answer_stream> extend(std::string_view text, generation_options options) override
            {
                using run = generation<Engine>;
                return std::unique_ptr<run>(new run(m_session.complete(text, std::move(options))));
            }

            std::unique_ptr<answer_stream> extend(token_prompt prompt, generation_options options) override
            {
                using run = generation<Engine>;
                return std::unique_ptr<run>(
                    new run(m_session.complete(std::move(prompt), std::move(options))));
            }

            session_options const& options() const override { return m_session.options(); }
            void set_options(session_options options) override { m_session.set_options(std::move(options)); }
            std::vector<std::string> warnings() const override { return m_session.warnings(); }
            std::vector<json_value> messages() const override { return m_session.messages(); }
            void set_messages(turn past) override { m_session.set_messages(std::move(past)); }
            void prepare() override { m_session.prepare(); }

            void clear() override
            {
                m_session.clear();
                m_fed.reset();
            }

            position size() const override { return m_fed ? m_fed->size() : m_session.past().size(); }

            std::unique_ptr<any_session> fork() const override
            {
                return std::make_unique<session_of>(m_session);
            }

            void save(std::filesystem::path const& path) const override { m_session.save(path); }
            void load(std::filesystem::path const& path) override
            {
                m_session.load(path);
                m_fed.reset();
            }

            // The state that feed() works on, made when it is first needed.
            auto& fed()
            {
                if (!m_fed) { m_fed.emplace(m_session.model().make_state()); }
                return *m_fed;
            }

        private:
            gemma4::session<Engine> m_session;
            std::optional<state<typename Engine::variant>> m_fed;
        };

        template <class Engine>
        class model_of final : public any_model
        {
            using M = typename Engine::variant;

        public:
            explicit model_of(Engine engine)
                : m_engine(std::move(engine))
            {
                m_text.max_positions = m_engine.max_positions();
            }

            std::string_view variant() const override { return M::name; }
            text_config const& text() const override { return m_text; }
            memory_plan const& plan() const override { return m_engine.plan(); }
            load_options const& options() const override { return m_engine.options(); }
            generation_config const& defaults() const override { return m_engine.defaults(); }
            tokenizer const& tokens() const override { return m_engine.tokens(); }
            bool has_tokenizer() const override { return m_engine.has_tokenizer(); }
            chat_format const& chat() const override { return m_engine.chat(); }
            std::filesystem::path const& path() const override { return m_engine.folder(); }
            std::vector<listed_tensor> tensors() const override
            {
                return m_engine.source() ? m_engine.source()->tensors() : std::vector<listed_tensor>();
            }
            std::vector<listed_matrix> matrices() const override { return m_engine.matrices(); }
            std::span<std::string const> unknown_tensors() const override
            {
                return m_engine.unknown_tensors();
            }
            std::span<std::string const> warnings() const override { return m_engine.warnings(); }
            modality media() const override { return m_engine.loaded_media(); }
            std::size_t threads() const override { return m_engine.threads(); }

            soft_tokens encode(image_patches const& image, encode_options const& options,
                               tower_stage stage) const override
            {
                demand_eyes();
                if constexpr (has(Engine::media, modality::image))
                {
                    return m_engine.encode(image, options, stage);
                }
                else { return {}; }
            }

            soft_tokens encode(audio_features const& clip, encode_options const& options,
                               tower_stage stage) const override
            {
                demand_ears();
                if constexpr (has(Engine::media, modality::audio))
                {
                    return m_engine.encode(clip, options, stage);
                }
                else { return {}; }
            }
            std::string_view kernels() const override { return m_engine.kernels().name; }

            using any_model::session;
            std::unique_ptr<any_session> session(session_options options) const override
            {
                return std::make_unique<session_of<Engine>>(
                    gemma4::session<Engine>(m_engine, std::move(options)));
            }

            std::vector<run_result> complete(std::vector<token_prompt> prompts,
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
                    r.said = run->said();
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
                    batch.push_back({&of->fed(), s.tokens, s.wanted, s.soft});
                }
                m_engine.step(std::span<sequence_step<M> const>(batch),
                              [&](std::size_t row, std::span<float> logits)
                              {
                                  if (each) { each(row, logits); }
                              });
            }

        private:
            Engine m_engine;
            text_config m_text = M::text;    // with the model's own max_positions
        };
    }

    // Everything that a variant can do, the way to compute chosen when it is loaded.
    template <text_model M>
    using any_engine = engine<M, all_modalities<M>, any_format, any_compute>;

    // A variant that a program can load. One instantiation of load_any and random_any is one variant's
    // machine code: a program puts each in a translation unit of its own (extern template).
    template <text_model M>
    std::unique_ptr<any_model> load_any(opened_checkpoint opened, load_options options)
    {
        if (!options.media) { options.media = modalities_in<M>(*opened.weights); }
        return std::make_unique<detail::model_of<any_engine<M>>>(
            any_engine<M>::load(std::move(opened), std::move(options)));
    }

    template <text_model M>
    std::unique_ptr<any_model> random_any(dtype type, load_options options)
    {
        return std::make_unique<detail::model_of<any_engine<M>>>(
            any_engine<M>::random(type, std::move(options)));
    }

    struct known_variant
    {
        std::string_view name;
        text_config text;
        std::unique_ptr<any_model> (*load)(opened_checkpoint, load_options);
        std::unique_ptr<any_model> (*random)(dtype, load_options);
        void (*pack)(opened_checkpoint const&, std::filesystem::path const& out, pack_options const&);
    };

    template <text_model... Ms>
    std::vector<known_variant> variants()
    {
        return {{Ms::name, Ms::text, &load_any<Ms>, &random_any<Ms>, &pack_model<Ms>}...};
    }

    // What a path names (a checkpoint folder, a GGUF file, a packed file), opened as the variant that it
    // describes. mismatch_error where none of them is it.
    struct opened_variant
    {
        known_variant const& variant;
        opened_checkpoint model;
    };

    GEMMA4_CODE opened_variant open_any_of(std::span<known_variant const> known,
                                           std::filesystem::path const& path,
                                           open_options const& options = {});

    // Loads a model as the variant that it describes. Throws as open_any_of and engine::load.
    GEMMA4_CODE std::unique_ptr<any_model> load_any_of(std::span<known_variant const> known,
                                                       std::filesystem::path const& path,
                                                       load_options options);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/any_model_code.hpp>
#endif
