// The angles of rotary position embedding, formed exactly as the reference forms them.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gemma4/core/types.hpp>

namespace gemma4::inline v0
{
    // inv_freq[i] = 1 / theta^(2i / head_dim) for i < rotated, in float32 (Gemma4TextRotaryEmbedding;
    // proportional rope keeps the full head_dim in the exponent and turns only the first pairs).
    //
    // The reference's float32 power is not correctly rounded: of the pairs that Gemma 4 turns, three lie
    // within 0.02 units in the last place of a tie and it rounds them the other way. At position 100000 one
    // such unit is 0.006 radians.
    class inverse_frequencies
    {
    public:
        inverse_frequencies(float theta, std::size_t head_dim, std::size_t rotated)
            : m_values(rotated)
        {
            for (std::size_t i = 0; i != rotated; ++i)
            {
                auto const exponent = float(2 * i) / float(head_dim);
                m_values[i] = 1.0f / reference_power(theta, exponent);
            }
        }

        std::vector<float> const& values() const noexcept { return m_values; }

        // cosine[i] and sine[i] of float32(position) * inv_freq[i], i < rotated.
        void angles(position at, float* cosine, float* sine) const
        {
            for (std::size_t i = 0; i != m_values.size(); ++i)
            {
                auto const angle = double(float(at) * m_values[i]);
                cosine[i] = float(std::cos(angle));
                sine[i] = float(std::sin(angle));
            }
        }

    private:
        static float reference_power(float theta, float exponent)
        {
            auto const rounded = float(std::pow(double(theta), double(exponent)));
            struct near_tie
            {
                float theta, exponent;
            };
            for (near_tie const t : {near_tie{1e4f, 222.0f / 256},
                                     {1e6f, 58.0f / 512},
                                     {1e6f, 296.0f / 512},
                                     {1e6f, 466.0f / 512}})
            {
                if (t.theta == theta && t.exponent == exponent)
                {
                    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(rounded) - 1);
                }
            }
            return rounded;
        }

        std::vector<float> m_values;
    };
}
