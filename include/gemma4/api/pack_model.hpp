// A checkpoint folder or a GGUF file as one packed file.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <memory_resource>
#include <stop_token>
#include <string>

#include <gemma4/api/media_towers.hpp>
#include <gemma4/api/opened_checkpoint.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/io/packed_writer.hpp>
#include <gemma4/io/weight_binder.hpp>
#include <gemma4/model/weights.hpp>
#include <gemma4/parallel/pool.hpp>

namespace gemma4::inline v0
{
    struct pack_options
    {
        weight_precision weights = weight_precision::stored;
        // As useful_threads() has them.
        std::size_t threads = 0;
        // In tensors, tree by tree.
        std::function<void(std::size_t done, std::size_t all)> progress{};
        std::stop_token stop{};
    };

    constexpr char const* name(weight_precision precision) noexcept
    {
        constexpr char const* names[] = {"stored", "f32", "bf16", "int8", "int4"};
        return names[std::size_t(precision)];
    }

    namespace detail
    {
        // The first name of a tree, by which a source shows that it holds the tree.
        template <class Tree>
        std::string first_tensor(Tree& tree)
        {
            std::string first;
            tree.for_each_tensor([&](auto const& name, auto&, auto...)
                                 { first = first.empty() ? name : first; });
            return first;
        }

        // Everything beside the tensors that opening a packed model needs.
        GEMMA4_CODE void add_texts(packed_writer& file, opened_checkpoint const& from);
    }

    // Packs a model that was opened as this variant: its decoder, and the towers that its source holds.
    // Nothing is left under `out` unless all of it was written. Throws file_error, mismatch_error,
    // argument_error (a precision that the source's types cannot be brought to), cancelled_error.
    template <text_model M>
    void pack_model(opened_checkpoint const& from, std::filesystem::path const& out,
                    pack_options const& options)
    {
        decoder_weights<M, any_format> weights;
        using towers_type = media_towers<M, all_modalities<M>, any_format>;
        auto towers = std::make_unique<towers_type>();
        auto& source = *from.weights;
        auto const holds = [&](weight_tree id, auto& tree)
        { return source.has(id, detail::first_tensor(tree)); };
        auto const each_tree = [&](auto&& visit)
        {
            visit(weight_tree::text, weights);
            towers->for_each_tree(
                [&](weight_tree id, auto& tree)
                {
                    if (holds(id, tree)) { visit(id, tree); }
                });
        };
        if constexpr (towers_type::sees)
        {
            if (holds(weight_tree::vision, towers->vision.tower))
            {
                source.check(M::vision, M::text.hidden, M::name);
            }
        }
        if constexpr (towers_type::hears)
        {
            if (holds(weight_tree::audio, towers->audio.tower))
            {
                source.check(M::audio, M::text.hidden, M::name);
            }
        }
        weight_binder::progress_fn const quiet{};
        weight_binder binder(source, quiet, options.stop);
        each_tree([&](weight_tree id, auto& tree) { binder.measure(id, tree); });
        auto const converted = binder.take_converted(std::pmr::get_default_resource());
        each_tree([&](weight_tree id, auto& tree) { binder.bind(id, tree); });
        std::array<std::size_t, 2> const head_shape{M::text.vocab, M::text.hidden};
        matrix<any_format> head;
        if (!from.tied)
        {
            binder.bind(weight_tree::text, "lm_head.weight", head, head_shape[0], head_shape[1]);
        }

        pool threads(useful_threads(options.threads));
        auto text = M::text;
        if (from.max_positions != 0) { text.max_positions = from.max_positions; }
        packed_writer file(out, M::name, name(options.weights), text, from.tied);
        detail::add_texts(file, from);
        tree_writer writer(file, source, options.weights, threads, options.progress, options.stop);
        each_tree([&](weight_tree id, auto& tree) { writer.write(id, tree); });
        if (!from.tied) { writer.add("text", "lm_head.weight", head, head_shape); }
        file.finish();
    }
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/pack_model_code.hpp>
#endif
