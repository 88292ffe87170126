// What encoding one image or sound costs, by arithmetic on a tower's numbers: operations of matrix products,
// convolutions and attention, 2 for each weight multiplied with.
#pragma once

#include <algorithm>
#include <cstddef>

#include <gemma4/core/math.hpp>
#include <gemma4/spec/audio_config.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0::cli
{
    // An image of `patches` patches to rows of `text_hidden`.
    constexpr double image_flops(vision_config const& v, std::size_t patches, std::size_t text_hidden)
    {
        double const h = double(v.hidden), n = double(patches), soft = n / double(v.pooling * v.pooling);
        double const embed = 2 * n * double(3 * v.patch * v.patch) * h;
        double const matrices = 2 * n * h * (4 * h + 3 * double(v.ffn));
        double const attention = 4 * n * n * h;
        return embed + double(v.layers) * (matrices + attention) + 2 * soft * h * double(text_hidden);
    }

    // A clip of `frames` valid frames of features to rows of `text_hidden`.
    constexpr double audio_flops(audio_config const& a, std::size_t frames, std::size_t text_hidden)
    {
        constexpr std::size_t bins = 128, taps = 9;
        auto const tokens = ceil_div(frames, 4), span = a.context_left - 1;
        double const h = double(a.hidden), n = double(tokens);
        double const first = 2 * double(ceil_div(frames, 2) * bins / 2 * taps * a.channels[0]);
        double const second = 2 * double(tokens * bins / 4 * taps * a.channels[0] * a.channels[1]);
        double const input = 2 * n * double(bins / 4 * a.channels[1]) * h;
        // Two feed-forward blocks of 4 h, q, k, v and post, the halves of a gated unit and its output.
        double const matrices = 2 * n * h * h * (2 * 8 + 4 + 3) + 2 * double(span) * h * h;
        auto const whole = std::min(tokens, span);    // queries that see fewer keys than `span`
        double const keys = double(whole * (whole + 1) / 2) + double((tokens - whole) * span);
        double const attention = 4 * keys * h + 2 * n * double(span) * h;
        double const convolution = 2 * n * double(a.conv_kernel) * h;
        double const output = 2 * n * double(a.output) * (h + double(text_hidden));
        return first + second + input + double(a.layers) * (matrices + attention + convolution) + output;
    }
}
