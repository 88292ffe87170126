// Prompts with images, sound and video: what their placeholders become, and where their soft tokens go.
//
//     <|image|>    <|image> <|image|> x n <image|>
//     <|audio|>    <|audio> <|audio|> x n <audio|>
//     <|video|>    for each frame "mm:ss " <|image> <|video|> x n <image|>, frames joined by one space
//
// The ids are those of Gemma4Processor (transformers), which expands the text and tokenizes it afterwards:
// the time of a video's frame merges with the text around it, so a placeholder is expanded in segments of
// text and never in ids.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <gemma4/chat/chat_segment.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    enum class media_kind
    {
        image,
        audio,
        video
    };

    // What a prompt must know of an image, a sound or a video.
    struct media_item
    {
        media_kind kind;
        std::vector<std::size_t> soft_tokens;    // one number; of a video one for each frame; none is 0
        std::vector<double> seconds;             // of a video: when each frame is shown
    };

    // A run of soft tokens in a prompt.
    struct media_span
    {
        std::size_t first = 0, count = 0;    // token positions
        std::size_t media = 0;               // index of the item
        std::size_t frame = 0;               // of a video, else 0
        bool visual = false;    // image or video: a block whose tokens may see each other both ways

        bool operator==(media_span const&) const = default;
    };

    struct media_prompt
    {
        std::vector<token_id> tokens;
        std::vector<media_span> spans;    // ascending, one for every soft_tokens of every item
    };

    // The ids of a rendered conversation or a raw prompt, its placeholders expanded. Placeholders are control
    // segments only: one that a user spelled in a content segment is text, and is not counted; in_content as
    // in encode() without media. argument_error: a number of placeholders other than that of the media,
    // stating both; an item without its numbers, or without a soft token. mismatch_error: the vocabulary lacks a token.
    GEMMA4_CODE media_prompt encode(std::span<chat_segment const> segments, std::span<media_item const> media,
                                    tokenizer const& tokens,
                                    special_tokens in_content = special_tokens::as_text);

    // The segments of text whose control tokens count, for encode(..., special_tokens::recognise): <bos> in
    // front unless the text or the vocabulary makes that needless; placeholders where the text has them, and
    // where it has none at all one for each item before the text: images, sounds, videos, each in their
    // order.
    GEMMA4_CODE std::vector<chat_segment> raw_prompt(std::string_view text, std::span<media_item const> media,
                                                     tokenizer const& tokens);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/media_prompt_code.hpp>
#endif
