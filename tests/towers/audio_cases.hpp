// Audio towers with generated weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include <support/audio_signals.hpp>
#include <support/generator.hpp>

#include <gemma4/media/audio_features.hpp>
#include <gemma4/towers/audio_encoder.hpp>

namespace gemma4_test
{
    // Fills the tensors that a weight tree names, and keeps what they point to.
    class audio_tensor_filler
    {
    public:
        audio_tensor_filler(std::string prefix, std::uint64_t seed, float input_bounds = 1)
            : m_prefix(std::move(prefix))
            , m_seed(seed)
            , m_input_bounds(input_bounds)
        {}

        template <class... Shape>
        void operator()(std::string const& name, gemma4::matrix<float>& to, Shape... shape)
        {
            auto const& values = make(name, {shape...});
            auto const ins = shapes.at(name).back();
            to.bind(values.data(), gemma4::weight_type_of(gemma4::dtype::f32), values.size() / ins, ins);
        }

        template <class... Shape>
        void operator()(std::string const& name, gemma4::vector_weight& to, Shape... shape)
        {
            auto const& values = make(name, {shape...});
            to = {values.data(), values.size()};
        }

        void operator()(std::string const& name, float& to)
        {
            auto const input = name.ends_with(".input_min") || name.ends_with(".input_max");
            to = make(name, {}).front() * (input ? m_input_bounds : 1.0f);
        }

        std::map<std::string, shape_type> shapes;    // of every tensor that was named

    private:
        std::vector<float> const& make(std::string const& name, shape_type const& shape)
        {
            shapes.emplace(name, shape);
            return m_values.emplace_back(make_tensor(m_prefix + name, shape, m_seed));
        }

        std::string m_prefix;
        std::uint64_t m_seed;
        float m_input_bounds;    // what the bounds of inputs are multiplied with
        std::list<std::vector<float>> m_values;
    };

    template <gemma4::audio_config A, std::size_t TextHidden>
    struct filled_audio_encoder
    {
        explicit filled_audio_encoder(bool narrow = false)
            : tower_tensors("model.audio_tower.", 11, narrow ? 0.25f : 1.0f)
        {}

        audio_tensor_filler tower_tensors;
        audio_tensor_filler projector_tensors{"model.embed_audio.", 11};
        gemma4::audio_encoder<A, TextHidden, float> encoder{tower(), projection()};

    private:
        gemma4::audio_weights<A, float> tower()
        {
            gemma4::audio_weights<A, float> weights;
            weights.for_each_tensor(tower_tensors);
            return weights;
        }

        gemma4::projector<A.output, TextHidden, float> projection()
        {
            gemma4::projector<A.output, TextHidden, float> weights;
            weights.for_each_tensor(projector_tensors);
            return weights;
        }
    };
}
