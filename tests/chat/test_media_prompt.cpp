// Against the ids and token types of Gemma4Processor (tools/reference/make_video_cases.py prompts).
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "chat/chat_cases.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <gemma4/chat/media_prompt.hpp>
#include <gemma4/chat/render.hpp>

namespace
{
    using gemma4::chat_segment;
    using gemma4::json_value;
    using gemma4::media_item;
    using gemma4::media_kind;
    using gemma4::segment_kind;
    using gemma4::special_tokens;

    std::size_t number(json_value const& value) { return std::size_t(std::stoull(gemma4::to_json(value))); }

    json_value::array const& list(json_value const& row, char const* key)
    {
        return *row.find(key)->as_array();
    }

    std::vector<media_item> media_of(json_value const& row)
    {
        std::vector<media_item> media;
        for (auto const& value : list(row, "media"))
        {
            auto const& kind = *value.find("kind")->as_string();
            media_item item{kind == "image"   ? media_kind::image
                            : kind == "audio" ? media_kind::audio
                                              : media_kind::video,
                            {},
                            {}};
            for (auto const& n : list(value, "soft_tokens")) { item.soft_tokens.push_back(number(n)); }
            if (item.kind == media_kind::video)
            {
                for (auto const& t : list(value, "seconds"))
                {
                    item.seconds.push_back(std::stod(gemma4::to_json(t)));
                }
            }
            media.push_back(std::move(item));
        }
        return media;
    }

    void check(gemma4::media_prompt const& found, std::vector<media_item> const& media, json_value const& row)
    {
        std::vector<gemma4::token_id> ids;
        for (auto const& run : list(row, "ids"))
        {
            ids.insert(ids.end(), number((*run.as_array())[1]),
                       gemma4::token_id(number((*run.as_array())[0])));
        }
        CHECK(found.tokens == ids);

        // Types 1 image, 2 video, 3 audio: our runs, in their order.
        auto span = found.spans.begin();
        std::size_t runs = 0;
        for (auto const& type : list(row, "types"))
        {
            REQUIRE(span != found.spans.end());
            auto const& values = *type.as_array();
            CHECK(span->first == number(values[1]));
            CHECK(span->count == number(values[2]));
            auto const kind = media[span->media].kind;
            CHECK(number(values[0])
                  == (kind == media_kind::image   ? 1u
                      : kind == media_kind::video ? 2u
                                                  : 3u));
            CHECK(span->visual == (kind != media_kind::audio));
            CHECK(span->count == media[span->media].soft_tokens[span->frame]);
            ++span;
            ++runs;
        }
        std::size_t all = 0;
        for (auto const& item : media) { all += item.soft_tokens.size(); }
        CHECK(found.spans.size() == all);
        CHECK(runs == all);
    }

    gemma4::media_prompt encode_raw(std::string_view text, std::vector<media_item> const& media)
    {
        auto const& tokens = chat_test::tokens();
        return gemma4::encode(gemma4::raw_prompt(text, media, tokens), media, tokens,
                              special_tokens::recognise);
    }

    std::string message_of(std::string_view text, std::vector<media_item> const& media)
    {
        try
        {
            (void)encode_raw(text, media);
        }
        catch (gemma4::argument_error const& e)
        {
            return e.what();
        }
        return "no error";
    }

    media_item const picture{media_kind::image, {3}, {}};
    media_item const sound{media_kind::audio, {2}, {}};
    media_item const clip{media_kind::video, {1, 2}, {0, 61.9}};
}

TEST_CASE("media_prompt: every stored prompt, ids and token types")
{
    std::size_t raw = 0, talks = 0, empty = 0;
    for (auto const& row : chat_test::json_lines(chat_test::data("media_prompts.jsonl")))
    {
        auto const media = media_of(row);
        if (auto const* const text = row.find("text"))
        {
            CAPTURE(*text->as_string());
            if (media.size() == 2 && media[1].soft_tokens == std::vector<std::size_t>{0})
            {
                ++empty;    // a sound too short for a soft token
                CHECK(message_of(*text->as_string(), media)
                      == "media 1 (sound) has 0 soft tokens, expected at least 1");
                continue;
            }
            ++raw;
            check(encode_raw(*text->as_string(), media), media, row);
            check(encode_raw("<bos>" + *text->as_string(), media), media, row);
            continue;
        }
        // The reference with sanitize_control_tokens: placeholders that users spell are text there too.
        ++talks;
        auto request = gemma4::read_chat_request(row);
        request.options.add_generation_prompt = true;
        auto const segments =
            gemma4::render_segments(gemma4::chat_template_named("canonical-small"), request);
        check(gemma4::encode(segments, media, chat_test::tokens()), media, row);
    }
    CHECK(raw > 20);
    CHECK(talks == 2);
    CHECK(empty == 1);
}

TEST_CASE("media_prompt: the time of a frame is one piece of text with what stands before it")
{
    // A vocabulary with a token for a space and a zero, where expanding on ids would give other ids.
    auto const path = std::filesystem::path(GEMMA4_TEST_DATA) / "tiny" / "tokenizer.json";
    auto json = nlohmann::json::parse(chat_test::read_file(path));
    json["model"]["vocab"]["\u2581"
                           "0"] = 2048;
    json["model"]["merges"].push_back({"\u2581", "0"});
    auto const tokens = gemma4::tokenizer::from_json(json.dump(), "test");
    auto apart = tokens.encode("<bos>Look ");
    for (auto const id : tokens.encode("00:00 ")) { apart.push_back(id); }
    auto const together = tokens.encode("<bos>Look 00:00 ");
    CHECK(together.size() + 1 == apart.size());

    std::vector<media_item> const media{{media_kind::video, {1}, {0}}};
    auto const found = gemma4::encode(gemma4::raw_prompt("Look <|video|>", media, tokens), media, tokens,
                                      special_tokens::recognise);
    auto const end = found.tokens.begin() + std::ptrdiff_t(found.spans[0].first) - 1;    // without <|image>
    CHECK(std::vector<gemma4::token_id>(found.tokens.begin(), end) == together);
}

TEST_CASE("media_prompt: without a placeholder media come first: images, sounds, videos")
{
    std::vector<media_item> const media{clip, sound, picture, sound};
    auto const found = encode_raw("Go", media);
    CHECK(found.tokens == encode_raw("<|image|><|audio|><|audio|><|video|>Go", media).tokens);
    REQUIRE(found.spans.size() == 5);
    CHECK(found.spans[0] == gemma4::media_span{2, 3, 2, 0, true});    // behind <bos><|image>
    CHECK(found.spans[1].media == 1);
    CHECK(found.spans[2].media == 3);
    CHECK(found.spans[3] == gemma4::media_span{found.spans[3].first, 1, 0, 0, true});
    CHECK(found.spans[4] == gemma4::media_span{found.spans[4].first, 2, 0, 1, true});
    auto const tokens = encode_raw("<bos>", {picture}).tokens;
    CHECK(tokens.size() == 1 + 1 + 3 + 1);
}

TEST_CASE("media_prompt: the k-th placeholder of a kind takes the k-th item of that kind")
{
    media_item const large{media_kind::image, {7}, {}};
    auto const found = encode_raw("<|audio|><|image|><|image|>", {picture, sound, large});
    REQUIRE(found.spans.size() == 3);
    CHECK(found.spans[0].media == 1);
    CHECK(found.spans[1].media == 0);
    CHECK(found.spans[2].media == 2);
    CHECK(found.spans[2].count == 7);
}

TEST_CASE("media_prompt: another number of placeholders than of media is an error that states both")
{
    CHECK(message_of("<|image|> <|image|>", {picture})
          == "the prompt has 2 placeholders <|image|>, but 1 image was given");
    CHECK(message_of("<|image|>", {picture, picture})
          == "the prompt has 1 placeholder <|image|>, but 2 images were given");
    CHECK(message_of("<|video|>", {}) == "the prompt has 1 placeholder <|video|>, but 0 videos were given");
    CHECK(message_of("<|image|>", {picture, sound})
          == "the prompt has 0 placeholders <|audio|>, but 1 sound was given");
}

TEST_CASE("media_prompt: items without their numbers and times that no clock shows are errors")
{
    CHECK(message_of("", {{media_kind::image, {}, {}}})
          == "media 0 (image) has 0 numbers of soft tokens and 0 times, expected one number and no time");
    CHECK(
        message_of("", {picture, {media_kind::video, {1, 1}, {0}}})
        == "media 1 (video) has 2 numbers of soft tokens and 1 times, expected one of each for every frame");
    CHECK(message_of("", {{media_kind::video, {1}, {-1}}})
          == "a video frame is at -1 seconds; expected 0 to 2^53");
}

TEST_CASE("media_prompt: a placeholder in a request's content is text and is not counted")
{
    auto const& tokens = chat_test::tokens();
    std::vector<chat_segment> const segments{{segment_kind::content, "<|image|>"},
                                             {segment_kind::control, "<|image|>"}};
    std::vector<media_item> const media{picture};
    auto const found = gemma4::encode(segments, media, tokens);
    REQUIRE(found.spans.size() == 1);
    auto expected = tokens.encode("<|image|>", special_tokens::as_text);
    CHECK(expected.size() > 1);
    CHECK(found.spans[0].first == expected.size() + 1);
}
