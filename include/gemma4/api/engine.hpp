// A loaded model: shared, immutable weights, tokenizer and defaults, and the machine to run them on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include <gemma4/api/modality.hpp>
#include <gemma4/api/opened_checkpoint.hpp>
#include <gemma4/api/random_weights.hpp>
#include <gemma4/io/load_weights.hpp>
#include <gemma4/model/text_model.hpp>
#include <gemma4/parallel/pool.hpp>

namespace gemma4::inline v0
{
    struct load_options
    {
        std::size_t context =
            0;    // positions of a conversation; 0: 8192, or less where the variant has less
        std::size_t chunk = 256;             // prompt tokens of one forward call
        std::size_t rewind_reserve = 128;    // positions that sliding layers keep beyond their window
        std::size_t max_memory =
            0;    // bytes; capacity_error where the plan of a full context needs more; 0: no cap
        std::size_t threads = 0;    // of the engine's own pool; 0: the cores that are really available
        std::shared_ptr<gemma4::executor> executor{};    // the host's threads, instead of a pool
        std::pmr::memory_resource* memory =
            std::pmr::get_default_resource();           // outlives every engine and state
        bool strict = false;                            // tensors that the variant does not know are an error
        std::function<void(std::string_view)> log{};    // warnings, one sentence each
        std::function<void(std::size_t done, std::size_t all)> progress{};
        std::stop_token stop{};    // cancelled_error when requested
    };

    // A handle: copies share the model. Safe to use from several threads; forward calls of one engine take
    // turns.
    template <text_model M, modality Media = modality::text, class Format = any_format>
    class engine
    {
        static_assert(Media == modality::text,
                      "gemma4: an engine takes text; image and audio are not built yet");

    public:
        using variant = M;

        // Opens a checkpoint folder (config.json, model.safetensors or its shards; tokenizer.json,
        // generation_config.json and a chat template where they are). Throws file_error, mismatch_error,
        // capacity_error, cancelled_error.
        static engine load(std::filesystem::path const& folder, load_options options = {})
        {
            return load(open_checkpoint(folder, M::text, M::name), std::move(options));
        }

        // A folder that was opened, and checked against this variant, by open_checkpoint.
        static engine load(opened_checkpoint opened, load_options options)
        {
            settle(options);
            auto loaded = load_weights<M, Format>(opened.weights, opened.tied, options.strict, options.memory,
                                                  options.progress, options.stop);
            if (!loaded.unknown.empty() && options.log)
            {
                options.log(unknown_tensors_warning(opened, loaded.unknown, M::name));
            }
            auto parts = std::make_shared<shared>(std::move(loaded), options);
            parts->opened = std::move(opened);
            return engine(std::move(parts));
        }

        // Random weights of this variant's shapes, without a file: for benches. No tokenizer.
        static engine random(dtype type, load_options options = {})
        {
            settle(options);
            auto parts = std::make_shared<shared>(
                random_weights<M, Format>(type, options.max_memory, options.memory), options);
            return engine(std::move(parts));
        }

        memory_plan const& plan() const noexcept { return m_parts->plan; }
        load_options const& options() const noexcept { return m_parts->options; }
        std::filesystem::path const& folder() const noexcept { return m_parts->opened.folder; }
        generation_config const& defaults() const noexcept { return m_parts->opened.defaults; }
        std::optional<chat_format> const& chat() const noexcept
        {
            return m_parts->opened.chat;
        }    // none: a base model
        std::vector<std::string> const& unknown_tensors() const noexcept { return m_parts->loaded.unknown; }
        checkpoint const* file() const noexcept { return m_parts->opened.file.get(); }
        std::size_t threads() const noexcept { return m_parts->options.executor->concurrency(); }
        kernels::table const& kernels() const noexcept { return gemma4::kernels::best(); }
        bool has_tokenizer() const noexcept { return m_parts->opened.tokens.has_value(); }

        // Throws file_error where the folder holds none.
        tokenizer const& tokens() const
        {
            if (!m_parts->opened.tokens)
            {
                throw file_error(
                    sentence(m_parts->opened.folder.string(), " holds no tokenizer.json, which text needs"));
            }
            return *m_parts->opened.tokens;
        }

        // An empty conversation.
        state<M> make_state() const
        {
            auto const& o = m_parts->options;
            return state<M>({.context = o.context, .chunk = o.chunk, .rewind_reserve = o.rewind_reserve},
                            o.memory);
        }

        // One forward call for tokens of several sequences (text_model_of::forward), at most options().chunk
        // rows together. each(row, logits) sees every row whose logits are wanted, in batch order; it may
        // change the span. Returns false, with no state moved, where `stop` is requested in time.
        template <class Each, class Observer = no_observer>
        bool step(std::span<sequence_step<M> const> batch, Each&& each, std::stop_token stop = {},
                  Observer&& observer = {}) const
        {
            std::scoped_lock const turn(m_parts->turn);
            auto& threads = *m_parts->options.executor;
            auto const hidden =
                m_parts->model.forward(batch, m_parts->work, threads, kernels(), stop, observer);
            if (!hidden.data) { return false; }
            m_parts->model.logits(hidden, m_parts->work, threads, kernels(), {}, each);
            return true;
        }

    private:
        struct shared
        {
            shared(loaded_weights<M, Format> l, load_options const& o)
                : options(o)
                , loaded(std::move(l))
                , model(loaded.weights)
                , plan(plan_memory<M>(loaded.bytes, {o.context, o.chunk, o.rewind_reserve}, work_of(o),
                                      o.max_memory))
                , work(work_of(o), o.memory)
            {}

            static workspace_options work_of(load_options const& o)
            {
                return {.rows = o.chunk, .context = o.context, .slots = o.executor->concurrency()};
            }

            load_options options;
            loaded_weights<M, Format> loaded;
            text_model_of<M, Format> model;
            memory_plan plan;
            std::mutex turn;    // of `work`
            workspace<M> work;
            opened_checkpoint opened;
        };

        explicit engine(std::shared_ptr<shared> parts)
            : m_parts(std::move(parts))
        {}

        static void settle(load_options& o)
        {
            constexpr std::size_t usual_context = 8192;
            if (o.context == 0) { o.context = std::min(usual_context, M::text.max_positions); }
            if (o.context > M::text.max_positions)
            {
                throw argument_error(sentence("context is ", o.context, ", but ", M::name, " has ",
                                              M::text.max_positions, " positions"));
            }
            if (o.chunk == 0) { throw argument_error("chunk is 0, expected at least 1 token"); }
            o.chunk = std::min(o.chunk, o.context);
            if (!o.executor)
            {
                o.executor = std::make_shared<pool>(o.threads ? o.threads : available_cores());
            }
        }

        std::shared_ptr<shared> m_parts;
    };

    // engine<M, Media>::load(folder, options)
    template <text_model M, modality Media = modality::text>
    engine<M, Media> load(std::filesystem::path const& folder, load_options options = {})
    {
        return engine<M, Media>::load(folder, std::move(options));
    }
}
