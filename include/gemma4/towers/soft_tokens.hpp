// What a tower gives to the text model: rows that take the places of an image's or a sound's placeholders.
#pragma once

#include <cstddef>
#include <vector>

#include <gemma4/core/function_ref.hpp>
#include <gemma4/core/view.hpp>

namespace gemma4::inline v0
{
    // (count, width), row-major. After a projector width is the text model's hidden width, and the rows are
    // embeddings as they stand: no sqrt(hidden) comes on top.
    struct soft_tokens
    {
        std::size_t count = 0;
        std::size_t width = 0;
        std::vector<float> values;

        view<float const> rows() const noexcept { return {values.data(), count, width}; }
        view<float> rows() noexcept { return {values.data(), count, width}; }
    };

    // progress(done, all) is called by a tower, on the thread that called it, after each of its layers.
    using tower_progress = function_ref<void(std::size_t done, std::size_t all)>;

    inline constexpr auto no_progress = [](std::size_t, std::size_t) {};
}
