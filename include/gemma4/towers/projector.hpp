// From a tower's width to the text model's: norm without gain, then one matrix (Gemma4MultimodalEmbedder).
#pragma once

#include <cstddef>

#include <gemma4/core/view.hpp>
#include <gemma4/layers/linear.hpp>
#include <gemma4/layers/norm.hpp>

namespace gemma4::inline v0
{
    // embed_vision and embed_audio. Tower: width of the tower's output; Text: hidden width of the text model.
    template <std::size_t Tower, std::size_t Text, class Format>
    struct projector
    {
        static constexpr std::size_t tower_width = Tower;
        static constexpr std::size_t text_width = Text;

        matrix<Format> embedding_projection;    // (Text, Tower)

        // y (rows, Text) = norm(x) Wᵀ for x (rows, Tower); eps is the tower's. normed: (rows, Tower), may be
        // x.
        void forward(compute const& c, view<float const> x, float eps, float* normed, view<float> y) const
        {
            view<float> const rows{normed, x.rows, x.columns};
            norm(c, vector_weight{}, eps, x, rows);
            linear(c, embedding_projection, rows, y);
        }

        // Names after the prefix model.embed_vision. or model.embed_audio.
        template <class Visit>
        void for_each_tensor(Visit&& visit)
        {
            visit("embedding_projection.weight", embedding_projection, Text, Tower);
        }
    };
}
