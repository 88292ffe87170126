// The eyes of a model: a vision tower and its projector, with one function per step.
#pragma once

#include <cstddef>
#include <stop_token>
#include <utility>
#include <vector>

#include <gemma4/towers/projector.hpp>
#include <gemma4/towers/vision_tower.hpp>

namespace gemma4::inline v0
{
    template <vision_config V, std::size_t TextHidden, class Format>
    class vision_encoder
    {
    public:
        using projector_type = projector<V.hidden, TextHidden, Format>;

        vision_encoder(vision_weights<V, Format> tower, projector_type embed_vision)
            : m_tower(std::move(tower))
            , m_projector(embed_vision)
        {}

        vision_tower<V, Format> const& tower() const noexcept { return m_tower; }
        projector_type const& embed_vision() const noexcept { return m_projector; }

        // What the tower gives: (patches / 9, hidden). As vision_tower::forward, copied out of `w`.
        soft_tokens tower_output(compute const& c, view<float const> patches, patch_grid const& grid,
                                 vision_workspace<V>& w, std::stop_token stop = {},
                                 tower_progress progress = no_progress) const
        {
            auto const rows = m_tower.forward(c, patches, grid, w, std::move(stop), progress);
            return {rows.rows, rows.columns, {rows.data, rows.data + rows.rows * rows.columns}};
        }

        // The rows that take the places of the placeholders: (patches / 9, text width). Throws as
        // vision_tower::forward.
        soft_tokens encode(compute const& c, view<float const> patches, patch_grid const& grid,
                           vision_workspace<V>& w, std::stop_token stop = {},
                           tower_progress progress = no_progress) const
        {
            auto const rows = m_tower.forward(c, patches, grid, w, std::move(stop), progress);
            soft_tokens made{rows.rows, TextHidden, std::vector<float>(rows.rows * TextHidden)};
            m_projector.forward(c, rows, V.norm_eps, w.y, made.rows());
            return made;
        }

        // encode() of a tower_output().
        soft_tokens project(compute const& c, soft_tokens const& tower) const
        {
            soft_tokens made{tower.count, TextHidden, std::vector<float>(tower.count * TextHidden)};
            auto normed = tower.values;
            m_projector.forward(c, tower.rows(), V.norm_eps, normed.data(), made.rows());
            return made;
        }

    private:
        vision_tower<V, Format> m_tower;
        projector_type m_projector;
    };
}
