// The ears of a model: an audio tower and its projector, with one function per step.
#pragma once

#include <cstddef>
#include <stop_token>
#include <utility>
#include <vector>

#include <gemma4/towers/audio_tower.hpp>
#include <gemma4/towers/projector.hpp>

namespace gemma4::inline v0
{
    template <audio_config A, std::size_t TextHidden, class Format>
    class audio_encoder
    {
    public:
        using projector_type = projector<A.output, TextHidden, Format>;

        audio_encoder(audio_weights<A, Format> tower, projector_type embed_audio)
            : m_tower(std::move(tower))
            , m_projector(embed_audio)
        {}

        audio_tower<A, Format> const& tower() const noexcept { return m_tower; }
        projector_type const& embed_audio() const noexcept { return m_projector; }

        // What the tower gives: (tokens, output). As audio_tower::forward, copied out of `w`.
        soft_tokens tower_output(compute const& c, view<float const> frames, audio_workspace<A>& w,
                                 std::stop_token stop = {}, tower_progress progress = no_progress) const
        {
            auto const rows = m_tower.forward(c, frames, w, std::move(stop), progress);
            return {rows.rows, rows.columns, {rows.data, rows.data + rows.rows * rows.columns}};
        }

        // The rows that take the places of the placeholders: (tokens, text width). Throws as
        // audio_tower::forward.
        soft_tokens encode(compute const& c, view<float const> frames, audio_workspace<A>& w,
                           std::stop_token stop = {}, tower_progress progress = no_progress) const
        {
            auto const rows = m_tower.forward(c, frames, w, std::move(stop), progress);
            soft_tokens made{rows.rows, TextHidden, std::vector<float>(rows.rows * TextHidden)};
            m_projector.forward(c, rows, A.norm_eps, w.out, made.rows());
            return made;
        }

        // encode() of a tower_output().
        soft_tokens project(compute const& c, soft_tokens const& tower) const
        {
            soft_tokens made{tower.count, TextHidden, std::vector<float>(tower.count * TextHidden)};
            auto normed = tower.values;
            m_projector.forward(c, tower.rows(), A.norm_eps, normed.data(), made.rows());
            return made;
        }

    private:
        audio_tower<A, Format> m_tower;
        projector_type m_projector;
    };
}
