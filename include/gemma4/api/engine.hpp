// A loaded model: shared, immutable weights, tokenizer and defaults, and the machine to run them on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

#include <gemma4/api/compute_policy.hpp>
#include <gemma4/api/listed_matrix.hpp>
#include <gemma4/api/media_towers.hpp>
#include <gemma4/api/modality.hpp>
#include <gemma4/api/opened_checkpoint.hpp>
#include <gemma4/api/random_weights.hpp>
#include <gemma4/api/state_file.hpp>
#include <gemma4/core/finite.hpp>
#include <gemma4/io/load_weights.hpp>
#include <gemma4/io/pack_weights.hpp>
#include <gemma4/io/weight_fingerprint.hpp>
#include <gemma4/kernels/fast.hpp>
#include <gemma4/model/text_model.hpp>
#include <gemma4/parallel/pool.hpp>

namespace gemma4::inline v0
{
    struct load_options
    {
        // Positions of a conversation; 0: 8192, or less where the model has less.
        std::size_t context = 0;
        // Prompt tokens of one forward call.
        std::size_t chunk = 512;
        // Soft tokens of the largest image that is planned for.
        std::size_t image_budget = default_image_budget;
        // Rows of logits made at a time: the more, the less often the head is read.
        std::size_t logit_rows = 16;
        // Positions that sliding layers keep beyond their window.
        std::size_t rewind_reserve = 128;
        // Bytes; capacity_error where the plan of a full context needs more; 0: no cap.
        std::size_t max_memory = 0;
        // Of the engine's own pool, as useful_threads() has them; or the host's, instead of a pool.
        std::size_t threads = 0;
        std::shared_ptr<gemma4::executor> executor{};
        // As open_options has them: the projector file, the chat template, mapping or reading of files, and the
        // memory of all that is large.
        std::filesystem::path mmproj{};
        std::string chat_template{};
        file_access access = file_access::map;
        std::pmr::memory_resource* memory = std::pmr::get_default_resource();
        // Of those of the engine's type, what is loaded; none: all.
        std::optional<modality> media{};
        // Where the engine's type leaves it open (any_compute).
        compute_mode compute = compute_mode::fast;
        weight_precision weights = weight_precision::stored;
        // How keys and values are kept; none: as the way to compute has it.
        std::optional<kv_type> kv{};
        // Of the fast path, of kernels::fast_available(); null: the best.
        kernels::fast_table const* fast_kernels = nullptr;
        // Tensors that the variant does not know are an error.
        bool strict = false;
        // Called with each of the warnings() as it arises.
        std::function<void(std::string_view)> log{};
        std::function<void(std::size_t done, std::size_t all)> progress{};
        // cancelled_error when requested.
        std::stop_token stop{};

        open_options opening() const { return {mmproj, chat_template, access, memory}; }
    };

    // A handle: copies share the model. Safe to use from several threads; forward calls of one engine take
    // turns.
    template <text_model M, modality Media = modality::text, class Format = any_format, class Compute = fast>
    class engine
    {
        using towers_type = media_towers<M, Media, Format>;

    public:
        using variant = M;
        static constexpr modality media = Media;

        // Opens a checkpoint folder (config.json, model.safetensors or its shards; tokenizer.json,
        // generation_config.json and a chat template where they are) or a GGUF file (any part of a split
        // one). Throws file_error, mismatch_error, capacity_error, cancelled_error.
        static engine load(std::filesystem::path const& path, load_options options = {})
        {
            auto opened = open_model(path, M::text, M::name, options.opening());
            return load(std::move(opened), std::move(options));
        }

        // A model that was opened, and checked against this variant, by open_model.
        static engine load(opened_checkpoint opened, load_options options)
        {
            settle(options, opened.max_positions);
            if (options.log)
            {
                for (auto const& warning : opened.warnings) { options.log(warning); }
            }
            auto const warn = [&](std::string warning)
            {
                if (options.log) { options.log(warning); }
                opened.warnings.push_back(std::move(warning));
            };
            if constexpr (towers_type::sees)
            {
                if (has(*options.media, modality::image))
                {
                    opened.weights->check(M::vision, M::text.hidden, M::name);
                }
            }
            if constexpr (towers_type::hears)
            {
                if (has(*options.media, modality::audio))
                {
                    opened.weights->check(M::audio, M::text.hidden, M::name);
                }
            }
            towers_type towers{*options.media};
            auto loaded = load_weights<M, Format>(opened.weights, opened.tied, options.strict, options.memory,
                                                  towers, options.progress, options.stop);
            if (!loaded.unknown.empty()) { warn(unknown_tensors_warning(opened, loaded.unknown, M::name)); }
            pack(loaded, towers, options);
            return engine(
                std::make_shared<shared>(std::move(opened), std::move(loaded), std::move(towers), options));
        }

        // Random weights of this variant's shapes, without a file: for benches. No tokenizer.
        static engine random(dtype type, load_options options = {})
        {
            settle(options, 0);
            towers_type towers{*options.media};
            auto made =
                random_weights<M, Format>(type, packing(options), options.max_memory, options.memory, towers);
            return engine(
                std::make_shared<shared>(opened_checkpoint(), std::move(made), std::move(towers), options));
        }

        // What of the engine's type is loaded (load_options::media).
        modality loaded_media() const noexcept { return *m_parts->options.media; }
        memory_plan const& plan() const noexcept { return m_parts->plan; }
        load_options const& options() const noexcept { return m_parts->options; }
        std::filesystem::path const& folder() const noexcept { return m_parts->opened.folder; }
        // Of a conversation, as the model's files say.
        std::size_t max_positions() const noexcept
        {
            auto const positions = m_parts->opened.max_positions;
            return positions != 0 ? positions : M::text.max_positions;
        }
        generation_config const& defaults() const noexcept { return m_parts->opened.defaults; }
        // Which chat template prompts are rendered with, and why.
        chat_format const& chat() const noexcept { return m_parts->opened.chat; }
        // What was said while loading, one sentence each.
        std::span<std::string const> warnings() const noexcept { return m_parts->opened.warnings; }
        std::vector<std::string> const& unknown_tensors() const noexcept { return m_parts->loaded.unknown; }
        // Of the decoder, as they lie in memory.
        std::vector<listed_matrix> matrices() const { return list_matrices(m_parts->loaded.weights); }
        // Null: random weights.
        weight_source const* source() const noexcept { return m_parts->loaded.source.get(); }
        checkpoint const* file() const noexcept { return m_parts->opened.file.get(); }
        std::size_t threads() const noexcept { return m_parts->options.executor->concurrency(); }
        kernels::table const& kernels() const noexcept { return gemma4::kernels::best(); }
        bool has_tokenizer() const noexcept { return m_parts->opened.tokens.has_value(); }

        // Throws file_error where the model has none.
        tokenizer const& tokens() const { return tokenizer_of(m_parts->opened); }

        // Soft tokens of an image: of the text model's width, to be used in any number of conversations, or
        // those of the step before. Throws argument_error, capacity_error, cancelled_error as
        // vision_tower::forward, argument_error where the eyes were not loaded, and numeric_error where a
        // value is not finite.
        soft_tokens encode(image_patches const& image, encode_options const& options = {},
                           tower_stage stage = tower_stage::projected) const
            requires(towers_type::sees)
        {
            demand(modality::image, "an image", "eyes");
            std::scoped_lock const turn(m_parts->turn);
            return finite(m_parts->towers.vision.encode(image, stage, machine(), options), "an image");
        }

        // The same of a clip of up to 30 s; see audio_tower::forward.
        soft_tokens encode(audio_features const& clip, encode_options const& options = {},
                           tower_stage stage = tower_stage::projected) const
            requires(towers_type::hears)
        {
            demand(modality::audio, "a sound", "ears");
            std::scoped_lock const turn(m_parts->turn);
            return finite(m_parts->towers.audio.encode(clip, stage, machine(), options), "a sound");
        }

        // What a saved conversation must have been made with. Reads a little of every tensor the first time.
        state_stamp stamp() const
        {
            auto& parts = *m_parts;
            std::call_once(parts.stamped,
                           [&]
                           {
                               parts.stamp.variant = M::name;
                               auto const mode = Compute::mode(parts.options.compute);
                               parts.stamp.compute = way_to_compute(mode, parts.options.weights);
                               if (auto const* const from = source())
                               {
                                   parts.stamp.weights = weight_fingerprint(*from);
                               }
                               if (has_tokenizer()) { parts.stamp.tokens = tokenizer_fingerprint(tokens()); }
                           });
            return parts.stamp;
        }

        // The T that `make` made for this model, the first time it was asked for.
        template <class T, class Make>
        std::shared_ptr<T const> kept(Make&& make) const
        {
            std::scoped_lock const lock(m_parts->kept_mutex);
            auto& slot = m_parts->kept[std::type_index(typeid(T))];
            if (!slot) { slot = std::shared_ptr<T const>(make()); }
            return std::static_pointer_cast<T const>(slot);
        }

        // An empty conversation.
        state<M> make_state() const
        {
            auto const& o = m_parts->options;
            return state<M>(shared::state_of(o), o.memory);
        }

        // One forward call for tokens of several sequences (text_model_of::forward), at most options().chunk
        // rows together. each(row, logits) sees every row whose logits are wanted, in batch order; it may
        // change the span. Returns false, with no state moved, where `stop` is requested in time. Throws
        // numeric_error where hidden states are not finite (no state has moved), or logits are not (all
        // states have moved; each() has seen the other rows).
        template <class Each, class Observer = no_observer>
        bool step(std::span<sequence_step<M> const> batch, Each&& each, std::stop_token stop = {},
                  Observer&& observer = {}) const
        {
            std::scoped_lock const turn(m_parts->turn);
            auto& threads = *m_parts->options.executor;
            auto const hidden =
                m_parts->model.forward(batch, m_parts->work, threads, kernels(), stop, observer);
            std::size_t rows = 0;
            for (auto const& s : batch) { rows += s.tokens.size(); }
            m_parts->count_table_rows(rows);
            if (!hidden.data) { return false; }
            m_parts->model.logits(hidden, m_parts->work, threads, kernels(), {}, each);
            return true;
        }

    private:
        void demand(modality one, char const* given, char const* organ) const
        {
            if (has(loaded_media(), one)) { return; }
            throw argument_error(
                sentence(M::name, " was given ", given, ", but it was loaded without its ", organ));
        }

        static soft_tokens finite(soft_tokens made, char const* of)
        {
            auto const at = first_not_finite(made.values);
            if (at == made.values.size()) { return made; }
            throw numeric_error(sentence(M::name, ": soft token ", at / made.width, " of ", of, " is ",
                                         made.values[at],
                                         ": numbers of the tower's weights, or activations, are "
                                         "out of range"));
        }

        tower_machine machine() const
        {
            auto const& o = m_parts->options;
            return {*o.executor, kernels(), shared::fast_kernels(o), o.memory};
        }

        struct shared
        {
            shared(opened_checkpoint from, loaded_weights<M, Format> l, towers_type t, load_options const& o)
                : options(o)
                , loaded(std::move(l))
                , towers(std::move(t))
                , model(loaded.weights, from.placeholders)
                , plan(plan_memory<M>(loaded.bytes, o.context, options_of(o), tower_scratch(o), o.max_memory))
                , work(work_of(o), o.memory)
                , opened(std::move(from))
            {}

            // What o comes to with other numbers of positions.
            static auto options_of(load_options const& o)
            {
                return [&o](std::size_t context)
                {
                    auto fewer = o;
                    fewer.context = context;
                    fewer.chunk = std::min(o.chunk, context);
                    return planned_options{state_of(fewer), work_of(fewer)};
                };
            }

            static workspace_options work_of(load_options const& o)
            {
                return {.rows = rows_of(o),
                        .context = o.context,
                        .slots = o.executor->concurrency(),
                        .logit_rows = o.logit_rows,
                        .fast = fast_kernels(o)};
            }

            // Where pictures attend both ways, a chunk grows to the end of the last one in it.
            static std::size_t rows_of(load_options const& o)
            {
                bool const grows = has(*o.media, modality::image) && M::text.media_both_ways;
                return o.chunk + (grows ? std::min(o.context, image_budgets.back()) - 1 : 0);
            }

            static kernels::fast_table const* fast_kernels(load_options const& o)
            {
                if (Compute::mode(o.compute) != compute_mode::fast) { return nullptr; }
                return o.fast_kernels ? o.fast_kernels : &gemma4::kernels::fast_best();
            }

            static state_options state_of(load_options const& o)
            {
                return {.context = o.context,
                        .chunk = std::min(o.context, rows_of(o)),
                        .rewind_reserve = o.rewind_reserve,
                        .kv = kv_type_for(Compute::mode(o.compute), o.kv)};
            }

            static std::size_t tower_scratch(load_options const& o)
            {
                return towers_type::scratch(*o.media, 9 * o.image_budget, o.executor->concurrency(),
                                            fast_kernels(o));
            }

            // Rows of the per-layer table are read where they lie. Of a mapped file the system maps many
            // pages around each of them, which all count as resident: now and then they are given back.
            void count_table_rows(std::size_t rows)
            {
                constexpr std::size_t most = 1024;
                if constexpr (M::text.per_layer_input != 0)
                {
                    if (!loaded.source) { return; }    // random weights: no file
                    table_rows += rows;
                    if (table_rows < most) { return; }
                    table_rows = 0;
                    auto const& table = loaded.weights.per_layer.embed_tokens_per_layer;
                    loaded.source->drop(table.row(0), table.bytes());
                }
            }

            load_options options;
            loaded_weights<M, Format> loaded;
            std::size_t table_rows = 0;    // read since their pages were given back
            towers_type towers;
            text_model_of<M, Format> model;
            memory_plan plan;
            std::recursive_mutex kept_mutex;
            std::map<std::type_index, std::shared_ptr<void const>> kept;
            std::mutex turn;    // of `work` and of the towers' scratch
            workspace<M> work;
            opened_checkpoint opened;
            std::once_flag stamped;    // guards `stamp`
            state_stamp stamp;
        };

        explicit engine(std::shared_ptr<shared> parts)
            : m_parts(std::move(parts))
        {}

        // The precision that the fast path packs weights in; none on the exact path.
        static std::optional<weight_precision> packing(load_options const& o)
        {
            if (Compute::mode(o.compute) == compute_mode::fast) { return o.weights; }
            if (o.weights != weight_precision::stored && o.weights != weight_precision::f32)
            {
                throw argument_error("the exact path takes weights as they are stored; choose compute = fast "
                                     "for another precision");
            }
            return std::nullopt;
        }

        // For the fast path: matrices into one arena.
        static void pack(loaded_weights<M, Format>& loaded, towers_type& towers, load_options const& o)
        {
            if (auto const precision = packing(o))
            {
                pack_weights(loaded, towers, *precision, *o.executor, o.memory, o.progress, o.stop);
            }
        }

        // `positions`: of the model's files; 0: the variant's. Nothing that is computed depends on their
        // number.
        static void settle(load_options& o, std::size_t positions)
        {
            constexpr std::size_t usual_context = 8192;
            auto const most = positions != 0 ? positions : M::text.max_positions;
            if (o.context == 0) { o.context = std::min(usual_context, most); }
            if (o.context > most)
            {
                throw argument_error(sentence("context is ", o.context, ", but ", M::name, " has ", most,
                                              " positions",
                                              most == M::text.max_positions ? "" : " in this file"));
            }
            if (o.chunk == 0) { throw argument_error("chunk is 0, expected at least 1 token"); }
            o.chunk = std::min(o.chunk, o.context);
            o.media = modality(unsigned(o.media.value_or(Media)) & unsigned(Media)) | modality::text;
            if (!o.executor) { o.executor = std::make_shared<pool>(useful_threads(o.threads)); }
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
