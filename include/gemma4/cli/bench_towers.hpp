// The eyes and ears of a variant alone, with random weights: what gemma4 bench --media times without the
// gigabytes of a text model.
#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gemma4/api/compute_policy.hpp>
#include <gemma4/api/media_towers.hpp>
#include <gemma4/api/random_weights.hpp>
#include <gemma4/kernels/fast.hpp>

namespace gemma4::inline v0::cli
{
    struct tower_options
    {
        dtype type = dtype::bf16;
        weight_precision weights = weight_precision::stored;    // on the fast path
        compute_mode compute = compute_mode::fast;
        std::shared_ptr<gemma4::executor> executor;
    };

    class lone_towers
    {
    public:
        virtual ~lone_towers() = default;
        virtual soft_tokens encode(image_patches const& image) = 0;    // argument_error without eyes
        virtual soft_tokens encode(audio_features const& clip) = 0;    // argument_error without ears
    };

    // What a program knows of a variant's eyes and ears.
    struct known_towers
    {
        std::string_view name;
        vision_config vision;    // hidden is 0 where there are no eyes
        audio_config audio;
        std::size_t text_hidden;

        // Bytes of scratch for an image of so many patches, and for a sound.
        std::size_t (*image_scratch)(std::size_t patches, std::size_t slots, kernels::fast_table const* fast);
        std::size_t (*audio_scratch)(std::size_t slots, kernels::fast_table const* fast);
        std::unique_ptr<lone_towers> (*random)(tower_options const& options);
    };

    inline kernels::fast_table const* fast_table_for(compute_mode compute)
    {
        return compute == compute_mode::fast ? &kernels::fast_best() : nullptr;
    }

    namespace detail
    {
        // M's towers before the smallest decoder of its width.
        template <text_model M>
        struct towers_of
        {
            static constexpr char const* name = M::name;
            static constexpr text_config text{.vocab = 16,
                                              .hidden = M::text.hidden,
                                              .layers = 1,
                                              .global_every = 1,
                                              .heads = 1,
                                              .kv_heads = 1,
                                              .global_kv_heads = 1,
                                              .head_dim = 16,
                                              .global_head_dim = 16,
                                              .window = 1,
                                              .ffn = 16,
                                              .max_positions = 16};
            static constexpr vision_config vision = vision_of<M>();
            static constexpr audio_config audio = audio_of<M>();
        };

        template <text_model M>
        class random_towers final : public lone_towers
        {
            using towers_type = media_towers<towers_of<M>, all_modalities<M>, any_format>;

        public:
            explicit random_towers(tower_options const& o)
                : m_options(o)
                , m_towers{all_modalities<M>}
                , m_made(random_weights<towers_of<M>, any_format>(
                      o.type, o.compute == compute_mode::fast ? std::optional(o.weights) : std::nullopt, 0,
                      std::pmr::get_default_resource(), m_towers))
            {
                m_towers.for_each_tree([](weight_tree, auto& tree) { tree.for_each_tensor(bound); });
            }

            soft_tokens encode(image_patches const& image) override
            {
                if constexpr (towers_type::sees)
                {
                    return m_towers.vision.encode(image, tower_stage::projected, machine(), {});
                }
                else { throw argument_error(sentence(M::name, " has no eyes")); }
            }

            soft_tokens encode(audio_features const& clip) override
            {
                if constexpr (towers_type::hears)
                {
                    return m_towers.audio.encode(clip, tower_stage::projected, machine(), {});
                }
                else { throw argument_error(sentence(M::name, " has no ears")); }
            }

        private:
            // The bounds of clipped linears of a trained model differ, so that every reader of a row clips
            // it anew.
            static constexpr auto bound = []<class Weight>(auto const& name, Weight& weight, auto...)
            {
                if constexpr (std::is_same_v<Weight, float>)
                {
                    std::string_view const of = name;
                    auto const sum = std::accumulate(of.begin(), of.end(), 0u,
                                                     [](unsigned a, char c) { return a + unsigned(c); });
                    auto const size = 3.0f + float(sum % 16) / 16;
                    if (of.ends_with("_min")) { weight = -size; }
                    if (of.ends_with("_max")) { weight = size; }
                }
            };

            tower_machine machine() const
            {
                return {*m_options.executor, kernels::best(), fast_table_for(m_options.compute),
                        std::pmr::get_default_resource()};
            }

            tower_options m_options;
            towers_type m_towers;
            loaded_weights<towers_of<M>, any_format> m_made;
        };
    }

    template <text_model M>
    std::unique_ptr<lone_towers> make_random_towers(tower_options const& options)
    {
        return std::make_unique<detail::random_towers<M>>(options);
    }

    template <text_model... Ms>
    std::vector<known_towers> towers()
    {
        return {
            {Ms::name, vision_of<Ms>(), audio_of<Ms>(), Ms::text.hidden,
             [](std::size_t patches, std::size_t slots, kernels::fast_table const* fast) -> std::size_t
             {
                 if constexpr (vision_of<Ms>())
                 {
                     return vision_workspace<vision_of<Ms>()>::bytes({patches, slots, fast});
                 }
                 else { return 0; }
             },
             [](std::size_t slots, kernels::fast_table const* fast) -> std::size_t
             {
                 if constexpr (audio_of<Ms>())
                 {
                     return audio_workspace<audio_of<Ms>()>::bytes({audio_tokens(longest_clip), slots, fast});
                 }
                 else { return 0; }
             },
             &make_random_towers<Ms>}...};
    }
}
