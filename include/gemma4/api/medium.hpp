// Images, sounds and videos that were encoded once: any number of conversations may use their soft tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gemma4/api/media_towers.hpp>
#include <gemma4/chat/media_prompt.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/media/audio_features.hpp>
#include <gemma4/media/image_patches.hpp>
#include <gemma4/media/video_frames.hpp>
#include <gemma4/model/text_model.hpp>
#include <gemma4/towers/soft_tokens.hpp>

namespace gemma4::inline v0
{
    struct encoded_medium
    {
        media_item item;
        std::vector<std::shared_ptr<soft_tokens const>> runs;    // one; of a video one for each frame
    };

    // Copies share the soft tokens.
    using medium = std::shared_ptr<encoded_medium const>;

    // `model`: an engine or any_model. Throws what its encode() throws, and argument_error for an image, clip
    // or budget that make_patches or make_features refuse.
    template <class Model>
    medium encode_image(Model const& model, rgb_image const& image, std::size_t budget = default_image_budget,
                        encode_options const& options = {})
    {
        auto rows = std::make_shared<soft_tokens const>(model.encode(make_patches(image, budget), options));
        encoded_medium made{{media_kind::image, {rows->count}, {}}, {}};
        made.runs.push_back(std::move(rows));
        return std::make_shared<encoded_medium const>(std::move(made));
    }

    // A clip of 161 to 480000 samples at 16 kHz, mono (media/prepare_audio.hpp makes them).
    template <class Model>
    medium encode_audio(Model const& model, std::span<float const> clip, encode_options const& options = {})
    {
        auto rows = std::make_shared<soft_tokens const>(model.encode(make_features(clip), options));
        encoded_medium made{{media_kind::audio, {rows->count}, {}}, {}};
        made.runs.push_back(std::move(rows));
        return std::make_shared<encoded_medium const>(std::move(made));
    }

    inline constexpr std::size_t default_video_budget = 70;    // of a frame

    // Frames in the order of time, each encoded as an image. argument_error where there is none.
    template <class Model>
    medium encode_video(Model const& model, std::span<video_frame const> frames,
                        std::size_t budget = default_video_budget, encode_options const& options = {})
    {
        if (frames.empty()) { throw argument_error("a video has no frame, expected at least one"); }
        encoded_medium made{{media_kind::video, {}, {}}, {}};
        for (auto const& frame : frames)
        {
            auto rows =
                std::make_shared<soft_tokens const>(model.encode(make_patches(frame.image, budget), options));
            made.item.soft_tokens.push_back(rows->count);
            made.item.seconds.push_back(frame.seconds);
            made.runs.push_back(std::move(rows));
        }
        return std::make_shared<encoded_medium const>(std::move(made));
    }

    GEMMA4_CODE std::vector<media_item> items_of(std::span<medium const> media);

    // Soft tokens at their place in a conversation's tokens.
    struct soft_run
    {
        position first;
        std::size_t count;
        bool picture;
        std::shared_ptr<soft_tokens const> rows;    // (count, hidden)
        std::uint64_t fingerprint;                  // of the rows' values

        position end() const noexcept { return first + count; }
        bool operator==(soft_run const& other) const noexcept
        {
            return first == other.first && count == other.count && picture == other.picture
                   && fingerprint == other.fingerprint;
        }
    };

    // Tokens, and what stands in the places of some.
    struct token_prompt
    {
        std::vector<token_id> tokens;
        std::vector<soft_run> soft{};    // ascending, without overlap
    };

    // A prompt whose placeholders were expanded for these media. argument_error for a span that is none of
    // theirs.
    GEMMA4_CODE token_prompt with_media(media_prompt prompt, std::span<medium const> media);

    // The part of `runs` that lies in the tokens [at, at + count), for one forward call.
    GEMMA4_CODE void soft_spans_of(std::span<soft_run const> runs, position at, std::size_t count,
                                   std::vector<soft_span>& out);

    struct picture_block
    {
        position begin, end;
    };

    // The block of neighbouring pictures that has tokens before `at` and from `at` on; none where there is no
    // such.
    GEMMA4_CODE std::optional<picture_block> block_around(std::span<soft_run const> runs, position at);

    // How many of the tokens from `at` on one forward call takes: `count`, or, where pictures attend both
    // ways and the last token would lie inside a block of them, as many as end before it, or where there is
    // none before it, as many as end with it.
    GEMMA4_CODE std::size_t whole_blocks(std::span<soft_run const> runs, position at, std::size_t count,
                                         bool both_ways);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/medium_code.hpp>
#endif
