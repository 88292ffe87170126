// The prompts of tests/data/golden/media (tools/reference/make_media_cases.py): their images and sounds, made
// by the same formulas, and what transformers computes for them.
#pragma once

#include <cmath>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audio_signals.hpp"
#include "tiny_models.hpp"

#include <gemma4/api/medium.hpp>

namespace gemma4_test
{
    // Byte i of (height, width, 3) is a random one of the name.
    inline gemma4::rgb_image media_image(std::string const& name, std::size_t width, std::size_t height)
    {
        bit_source const bits("media." + name, 1);
        gemma4::rgb_image image{width, height, std::vector<std::uint8_t>(width * height * 3)};
        for (std::size_t i = 0; i != image.pixels.size(); ++i)
        {
            image.pixels[i] = std::uint8_t(bits(i) >> 56);
        }
        return image;
    }

    template <class Model>
    gemma4::medium encode_case(Model const& model, nlohmann::json const& m)
    {
        std::string const kind = m.at("kind"), name = m.at("name");
        if constexpr (has(Model::media, gemma4::modality::audio))
        {
            if (kind == "audio") { return encode_audio(model, audio_signal(name, m.at("samples"))); }
        }
        std::size_t const width = m.at("width"), height = m.at("height"), budget = m.at("budget");
        if (kind == "image") { return encode_image(model, media_image(name, width, height), budget); }
        std::vector<gemma4::video_frame> frames;
        for (auto const& seconds : m.at("seconds"))
        {
            auto image = media_image(name + std::to_string(frames.size()), width, height);
            frames.push_back({std::move(image), seconds.get<double>()});
        }
        return encode_video(model, frames, budget);
    }

    struct media_case
    {
        nlohmann::json row;
        std::vector<float> stored;                  // (stored rows, columns)
        std::vector<float> log_sum_exp;             // of every row
        static constexpr std::size_t every = 32;    // column

        std::string name() const { return row.at("name"); }
        double largest() const { return row.at("largest"); }
        std::vector<gemma4::token_id> greedy() const { return row.at("greedy"); }

        std::vector<gemma4::token_id> ids() const
        {
            std::vector<gemma4::token_id> ids;
            for (auto const& run : row.at("ids"))
            {
                ids.insert(ids.end(), run.at(1).get<std::size_t>(), run.at(0).get<gemma4::token_id>());
            }
            return ids;
        }

        template <class Model>
        std::vector<gemma4::medium> media(Model const& model) const
        {
            std::vector<gemma4::medium> made;
            for (auto const& m : row.at("media")) { made.push_back(encode_case(model, m)); }
            return made;
        }

        // Without text: the soft tokens of its images side by side, no marker between them.
        template <class Model>
        gemma4::token_prompt prompt(Model const& model, std::vector<gemma4::medium> const& media) const
        {
            if (row.at("text").is_string())
            {
                auto const items = gemma4::items_of(media);
                auto const segments =
                    gemma4::raw_prompt(row.at("text").get<std::string>(), items, model.tokens());
                return gemma4::with_media(
                    gemma4::encode(segments, items, model.tokens(), gemma4::special_tokens::recognise),
                    media);
            }
            gemma4::media_prompt joined{ids(), {}};
            auto const placeholder = *model.tokens().find("<|image|>");
            auto at = std::size_t(std::ranges::find(joined.tokens, placeholder) - joined.tokens.begin());
            for (std::size_t i = 0; i != media.size(); ++i)
            {
                joined.spans.push_back({at, media[i]->runs[0]->count, i, 0, true});
                at += media[i]->runs[0]->count;
            }
            return gemma4::with_media(std::move(joined), media);
        }

        template <class Model>
        gemma4::token_prompt prompt(Model const& model) const
        {
            return prompt(model, media(model));
        }
    };

    inline std::vector<media_case> media_cases(std::string const& variant)
    {
        golden const of("media");
        auto const rows = of.floats(variant), sums = of.floats("row_log_sum_exp_" + variant);
        auto row = rows.begin();
        auto sum = sums.begin();
        std::vector<media_case> cases;
        for (auto const& line : of.json("cases"))
        {
            if (line.at("variant") != variant) { continue; }
            auto const count = std::ptrdiff_t(line.at("argmax").size());
            auto const stored = std::ptrdiff_t(line.at("stored").size() * (2048 / media_case::every));
            cases.push_back({line, {row, row + stored}, {sum, sum + count}});
            row += stored;
            sum += count;
        }
        return cases;
    }

    // Logits of every row, in forward calls of `chunk` tokens by the rule for blocks.
    template <class Engine>
    std::vector<float> all_logits(Engine const& engine, gemma4::token_prompt const& prompt, std::size_t chunk)
    {
        using M = typename Engine::variant;
        auto past = engine.make_state();
        std::vector<float> logits;
        std::vector<gemma4::soft_span> soft;
        auto const size = prompt.tokens.size();
        for (std::size_t at = 0, count = 0; at != size; at += count)
        {
            count =
                gemma4::whole_blocks(prompt.soft, at, std::min(chunk, size - at), M::text.media_both_ways);
            gemma4::soft_spans_of(prompt.soft, at, count, soft);
            gemma4::sequence_step<M> const step{&past, std::span(prompt.tokens).subspan(at, count),
                                                gemma4::wanted_logits::all, soft};
            engine.step(std::span(&step, 1), [&](std::size_t, std::span<float> row)
                        { logits.insert(logits.end(), row.begin(), row.end()); });
        }
        return logits;
    }
}
