// The weights of a variant, bound to their source.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gemma4/io/weight_binder.hpp>
#include <gemma4/model/weights.hpp>

namespace gemma4::inline v0
{
    // The weights of a decoder and what keeps them alive.
    template <text_model M, class Format>
    struct loaded_weights
    {
        decoder_weights<M, Format> weights;
        std::shared_ptr<weight_source> source;    // matrices point into its files
        made_tensors made;           // matrices that lie in no file
        buffer<float> converted;     // vectors that are float32 here and something else in the file
        buffer<std::byte> packed;    // matrices on the fast path
        weight_bytes bytes;
        std::vector<std::string> unknown;    // tensors that this variant does not have
    };

    // Checks every tensor's name, shape and type, and binds matrices where they lie. Reads the small vectors
    // only. `tied`: the head is the embedding (config.json: tie_word_embeddings). `progress(done, all)` is
    // called per tensor; cancelled_error when `stop` is requested. mismatch_error as weight_source::demand;
    // unknown tensors are listed, or the first is a mismatch_error where `strict`. `towers` has
    // for_each_tree(visit(weight_tree, tree)); its trees are bound as well.
    template <text_model M, class Format, class Towers>
    loaded_weights<M, Format> load_weights(std::shared_ptr<weight_source> source, bool tied, bool strict,
                                           std::pmr::memory_resource* memory, Towers& towers,
                                           weight_binder::progress_fn const& progress = {},
                                           std::stop_token stop = {})
    {
        loaded_weights<M, Format> loaded;
        weight_binder binder(*source, progress, std::move(stop));
        binder.measure(weight_tree::text, loaded.weights);
        towers.for_each_tree([&](weight_tree id, auto& tree) { binder.measure(id, tree); });
        loaded.converted = binder.take_converted(memory);
        binder.bind(weight_tree::text, loaded.weights);
        towers.for_each_tree([&](weight_tree id, auto& tree) { binder.bind(id, tree); });
        loaded.weights.lm_head = loaded.weights.embed_tokens;
        if (!tied)
        {
            binder.bind(weight_tree::text, "lm_head.weight", loaded.weights.lm_head, M::text.vocab,
                        M::text.hidden);
        }
        loaded.bytes = binder.bytes();
        loaded.bytes.read = source->read_bytes();
        loaded.made = binder.made();
        constexpr auto const& schedule = architecture<M>::schedule;
        loaded.unknown = source->unknown({M::text.layers, schedule.owners, tied});
        if (strict && !loaded.unknown.empty())
        {
            throw mismatch_error(sentence(source->where(), ": tensor ", loaded.unknown.front(),
                                          " is not one of variant ", M::name));
        }
        loaded.source = std::move(source);
        return loaded;
    }
}
