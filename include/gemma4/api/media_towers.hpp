// The towers that an engine's type asks for: weights, scratch, and the steps from media to soft tokens.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <memory_resource>
#include <stop_token>
#include <type_traits>

#include <gemma4/api/modality.hpp>
#include <gemma4/io/weight_source.hpp>
#include <gemma4/media/audio_features.hpp>
#include <gemma4/media/image_patches.hpp>
#include <gemma4/towers/audio_encoder.hpp>
#include <gemma4/towers/vision_encoder.hpp>

namespace gemma4::inline v0
{
    // How one image or clip is encoded.
    struct encode_options
    {
        std::stop_token stop{};    // cancelled_error when requested
        std::function<void(std::size_t done, std::size_t all)> progress{};    // in layers
    };

    // Which step's result is wanted.
    enum class tower_stage
    {
        tower,       // after pooling and standardisation (image) or output_proj (audio)
        projected    // the text model's width: what takes the places of placeholders
    };

    // The machine that a tower works on.
    struct tower_machine
    {
        executor& threads;
        kernels::table const& kernels;
        kernels::fast_table const* fast;
        std::pmr::memory_resource* memory;
    };

    template <text_model M, class Format>
    class eyes
    {
        static constexpr vision_config V = vision_of<M>();
        using work = vision_workspace<V>;

    public:
        vision_weights<V, Format> tower;
        projector<V.hidden, M::text.hidden, Format> embed;

        template <class Visit>
        void for_each_tree(Visit&& visit)
        {
            visit(weight_tree::vision, tower);
            visit(weight_tree::vision_projector, embed);
        }

        // Bytes of scratch for images of up to `patches` patches.
        static std::size_t scratch(std::size_t patches, std::size_t slots, kernels::fast_table const* fast)
        {
            return work::bytes({patches, slots, fast});
        }

        // Throws as vision_tower::forward.
        soft_tokens encode(image_patches const& image, tower_stage stage, tower_machine const& m,
                           encode_options const& options)
        {
            patch_grid const grid{image.columns, image.rows};
            if (!m_work || m_work->options().patches < grid.patches())
            {
                m_work.reset();
                m_work = std::make_unique<work>(
                    vision_workspace_options{grid.patches(), m.threads.concurrency(), m.fast}, m.memory);
            }
            auto const c = m_work->machine(m.threads, m.kernels);
            view<float const> const patches{image.pixels.data(),
                                            image.pixels.size() / image_patches::values_per_patch,
                                            image_patches::values_per_patch};
            auto const progress = [&](std::size_t done, std::size_t all)
            {
                if (options.progress) { options.progress(done, all); }
            };
            vision_encoder<V, M::text.hidden, Format> const encoder(tower, embed);
            return stage == tower_stage::tower
                       ? encoder.tower_output(c, patches, grid, *m_work, options.stop, progress)
                       : encoder.encode(c, patches, grid, *m_work, options.stop, progress);
        }

    private:
        std::unique_ptr<work> m_work;    // grows with the largest image
    };

    template <text_model M, class Format>
    class ears
    {
        static constexpr audio_config A = audio_of<M>();
        using work = audio_workspace<A>;
        static constexpr std::size_t most_tokens = audio_tokens(longest_clip);

    public:
        audio_weights<A, Format> tower;
        projector<A.output, M::text.hidden, Format> embed;

        template <class Visit>
        void for_each_tree(Visit&& visit)
        {
            visit(weight_tree::audio, tower);
            visit(weight_tree::audio_projector, embed);
        }

        // Bytes of scratch for 30 s.
        static std::size_t scratch(std::size_t slots, kernels::fast_table const* fast)
        {
            return work::bytes({most_tokens, slots, fast});
        }

        // Throws as audio_tower::forward, and argument_error for features that are not whole.
        soft_tokens encode(audio_features const& clip, tower_stage stage, tower_machine const& m,
                           encode_options const& options)
        {
            if (!m_work)
            {
                m_work = std::make_unique<work>(
                    audio_workspace_options{most_tokens, m.threads.concurrency(), m.fast}, m.memory);
            }
            auto const c = m_work->machine(m.threads, m.kernels);
            if (clip.values.size() != clip.valid.size() * work::bins)
            {
                throw argument_error(sentence("audio features of ", clip.valid.size(), " frames have ",
                                              clip.values.size(), " values, expected ", work::bins,
                                              " of each"));
            }
            auto const frames = clip.valid_frames();
            auto const progress = [&](std::size_t done, std::size_t all)
            {
                if (options.progress) { options.progress(done, all); }
            };
            audio_encoder<A, M::text.hidden, Format> const encoder(tower, embed);
            return stage == tower_stage::tower
                       ? encoder.tower_output(c, frames, *m_work, options.stop, progress)
                       : encoder.encode(c, frames, *m_work, options.stop, progress);
        }

    private:
        std::unique_ptr<work> m_work;
    };

    struct no_tower
    {
        template <class Visit>
        void for_each_tree(Visit&&)
        {}
    };

    template <text_model M, modality Media, class Format>
    struct media_towers
    {
        static_assert(has(Media, modality::text), "gemma4: an engine takes text at least");
        static_assert(!has(Media, modality::image) || vision_of<M>(),
                      "gemma4: this variant has no vision tower, so its engine cannot take images");
        static_assert(!has(Media, modality::audio) || audio_of<M>(),
                      "gemma4: this variant has no audio tower, so its engine cannot take audio");

        static constexpr bool sees = has(Media, modality::image);
        static constexpr bool hears = has(Media, modality::audio);

        modality loaded = Media;    // the others are empty
        [[no_unique_address]] std::conditional_t<sees, eyes<M, Format>, no_tower> vision{};
        [[no_unique_address]] std::conditional_t<hears, ears<M, Format>, no_tower> audio{};

        // visit(weight_tree, tree) for every weight tree that is loaded.
        template <class Visit>
        void for_each_tree(Visit&& visit)
        {
            if (has(loaded, modality::image)) { vision.for_each_tree(visit); }
            if (has(loaded, modality::audio)) { audio.for_each_tree(visit); }
        }

        // Bytes of scratch of those that are loaded, for images of up to `patches` patches.
        static std::size_t scratch(modality loaded, std::size_t patches, std::size_t slots,
                                   kernels::fast_table const* fast)
        {
            std::size_t bytes = 0;
            if constexpr (sees)
            {
                if (has(loaded, modality::image)) { bytes += eyes<M, Format>::scratch(patches, slots, fast); }
            }
            if constexpr (hears)
            {
                if (has(loaded, modality::audio)) { bytes += ears<M, Format>::scratch(slots, fast); }
            }
            return bytes;
        }
    };

    // What a model's files hold of what its variant can take in.
    template <text_model M>
    modality modalities_in(weight_source const& source)
    {
        auto held = modality::text;
        constexpr auto projection = "embedding_projection.weight";
        if (vision_of<M>() && source.has(weight_tree::vision_projector, projection))
        {
            held = held | modality::image;
        }
        if (audio_of<M>() && source.has(weight_tree::audio_projector, projection))
        {
            held = held | modality::audio;
        }
        return held;
    }
}
