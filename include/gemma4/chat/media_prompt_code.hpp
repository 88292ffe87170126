// What chat/media_prompt.hpp declares (core/separate.hpp).
#pragma once

#include <array>
#include <string>
#include <utility>

#include <gemma4/chat/media_prompt.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/media/timestamp.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        struct media_words
        {
            std::string_view placeholder, open, close, one, many;
        };

        inline constexpr std::array<media_words, 3> words_of_media{
            {{"<|image|>", "<|image>", "<image|>", "image", "images"},
             {"<|audio|>", "<|audio>", "<audio|>", "sound", "sounds"},
             {"<|video|>", "<|image>", "<image|>", "video", "videos"}}};

        constexpr media_words const& words_of(media_kind kind) { return words_of_media[std::size_t(kind)]; }

        inline void check_media_item(media_item const& item, std::size_t index)
        {
            auto const& words = words_of(item.kind);
            auto const runs = item.soft_tokens.size();
            if (item.kind == media_kind::video ? runs == 0 || runs != item.seconds.size() : runs != 1)
            {
                throw argument_error(sentence("media ", index, " (", words.one, ") has ", runs,
                                              " numbers of soft tokens and ", item.seconds.size(),
                                              " times, expected ",
                                              item.kind == media_kind::video ? "one of each for every frame"
                                                                             : "one number and no time"));
            }
            for (std::size_t run = 0; run != runs; ++run)
            {
                if (item.soft_tokens[run] != 0) { continue; }
                auto const frame = item.kind == media_kind::video ? sentence(" in frame ", run) : "";
                throw argument_error(sentence("media ", index, " (", words.one, ") has 0 soft tokens", frame,
                                              ", expected at least 1"));
            }
        }

        inline std::size_t count_items(std::span<media_item const> media, media_kind kind)
        {
            std::size_t count = 0;
            for (auto const& item : media) { count += item.kind == kind; }
            return count;
        }

        inline std::size_t count_placeholders(std::span<chat_segment const> segments, media_kind kind)
        {
            std::size_t count = 0;
            for (auto const& segment : segments)
            {
                count += segment.kind == segment_kind::control && segment.text == words_of(kind).placeholder;
            }
            return count;
        }

        inline void check_placeholders(std::span<chat_segment const> segments,
                                       std::span<media_item const> media)
        {
            for (auto const kind : {media_kind::image, media_kind::audio, media_kind::video})
            {
                auto const places = count_placeholders(segments, kind);
                auto const items = count_items(media, kind);
                if (places == items) { continue; }
                auto const& words = words_of(kind);
                throw argument_error(
                    sentence("the prompt has ", places, places == 1 ? " placeholder " : " placeholders ",
                             words.placeholder, ", but ", items, " ", items == 1 ? words.one : words.many,
                             items == 1 ? " was" : " were", " given"));
            }
        }

        // The expanded segments, and the runs of soft tokens that go between them.
        struct media_expansion
        {
            std::vector<chat_segment> segments;
            std::vector<media_span> runs;       // their places (first) are not known yet
            std::vector<std::size_t> before;    // how many segments stand before each run

            void place(media_item const& item, std::size_t index)
            {
                auto const& words = words_of(item.kind);
                for (std::size_t frame = 0; frame != item.soft_tokens.size(); ++frame)
                {
                    if (item.kind == media_kind::video)
                    {
                        auto const time = timestamp(item.seconds[frame]) + " ";
                        segments.push_back({segment_kind::fixed, frame == 0 ? time : " " + time});
                    }
                    segments.push_back({segment_kind::control, std::string(words.open)});
                    before.push_back(segments.size());
                    runs.push_back({.first = 0,
                                    .count = item.soft_tokens[frame],
                                    .media = index,
                                    .frame = frame,
                                    .visual = item.kind != media_kind::audio});
                    segments.push_back({segment_kind::control, std::string(words.close)});
                }
            }
        };

        // Whose placeholder the segment is; none: words_of_media.size()
        inline std::size_t placeholder_kind(chat_segment const& segment)
        {
            std::size_t kind = segment.kind == segment_kind::control ? 0 : words_of_media.size();
            while (kind != words_of_media.size() && segment.text != words_of_media[kind].placeholder)
            {
                ++kind;
            }
            return kind;
        }

        // The k-th placeholder of a kind takes the k-th item of that kind.
        inline media_expansion expand(std::span<chat_segment const> segments,
                                      std::span<media_item const> media)
        {
            std::array<std::size_t, 3> next{};
            auto const item_of = [&](std::size_t kind)
            {
                while (media[next[kind]].kind != media_kind(kind)) { ++next[kind]; }
                return next[kind]++;
            };
            media_expansion out;
            for (auto const& segment : segments)
            {
                auto const kind = placeholder_kind(segment);
                if (kind == words_of_media.size()) { out.segments.push_back(segment); }
                else
                {
                    auto const index = item_of(kind);
                    out.place(media[index], index);
                }
            }
            return out;
        }
    }

    GEMMA4_CODE media_prompt encode(std::span<chat_segment const> segments, std::span<media_item const> media,
                                    tokenizer const& tokens, special_tokens in_content)
    {
        for (std::size_t i = 0; i != media.size(); ++i) { detail::check_media_item(media[i], i); }
        detail::check_placeholders(segments, media);
        auto expansion = detail::expand(segments, media);
        std::span<chat_segment const> const expanded = expansion.segments;
        media_prompt out;
        std::size_t done = 0;
        // A run stands between two control tokens, over which nothing merges: text is encoded from run to
        // run.
        auto const encode_to = [&](std::size_t end)
        {
            auto const ids = encode(expanded.subspan(done, end - done), tokens, in_content);
            out.tokens.insert(out.tokens.end(), ids.begin(), ids.end());
            done = end;
        };
        for (std::size_t i = 0; i != expansion.runs.size(); ++i)
        {
            encode_to(expansion.before[i]);
            auto& run = expansion.runs[i];
            run.first = out.tokens.size();
            auto const placeholder = detail::words_of(media[run.media].kind).placeholder;
            auto const id = tokens.find(placeholder);
            if (!id) { throw mismatch_error(sentence("tokenizer.json has no token ", placeholder)); }
            out.tokens.insert(out.tokens.end(), run.count, *id);
        }
        encode_to(expanded.size());
        out.spans = std::move(expansion.runs);
        return out;
    }

    GEMMA4_CODE std::vector<chat_segment> raw_prompt(std::string_view text, std::span<media_item const> media,
                                                     tokenizer const& tokens)
    {
        std::vector<chat_segment> segments;
        constexpr std::string_view bos = "<bos>";
        if (text.starts_with(bos)) { text.remove_prefix(bos.size()); }
        if (tokens.find(bos)) { segments.push_back({segment_kind::control, std::string(bos)}); }
        auto const begin = segments.size();
        bool has_placeholder = false;
        while (!text.empty())
        {
            auto at = text.size();
            std::string_view found;
            for (auto const& words : detail::words_of_media)
            {
                if (auto const place = text.find(words.placeholder); place < at)
                {
                    at = place;
                    found = words.placeholder;
                }
            }
            if (at != 0) { segments.push_back({segment_kind::content, std::string(text.substr(0, at))}); }
            if (found.empty()) { break; }
            has_placeholder = true;
            segments.push_back({segment_kind::control, std::string(found)});
            text.remove_prefix(at + found.size());
        }
        if (has_placeholder) { return segments; }
        std::vector<chat_segment> first;
        for (auto const kind : {media_kind::image, media_kind::audio, media_kind::video})
        {
            first.insert(first.end(), detail::count_items(media, kind),
                         {segment_kind::control, std::string(detail::words_of(kind).placeholder)});
        }
        segments.insert(segments.begin() + std::ptrdiff_t(begin), first.begin(), first.end());
        return segments;
    }
}
