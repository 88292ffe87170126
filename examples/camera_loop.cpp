// Watches a camera: every new frame is encoded once, and the model is shown the last four as a video. Here
// the camera is a drawing and the model a tiny one of random weights, so that what it makes of it are ids
// without a meaning; with a checkpoint, chat.ask("What moved?", {video}) takes the place of complete().
#include <algorithm>
#include <deque>
#include <iostream>

#include <gemma4/gemma4.hpp>
#include <gemma4/spec/tiny.hpp>

constexpr auto sees = gemma4::modality::text | gemma4::modality::image;

// A white square on its way to the right.
gemma4::rgb_image look(std::size_t time)
{
    gemma4::rgb_image image{96, 96, std::vector<std::uint8_t>(96 * 96 * 3, 20)};
    for (std::size_t y = 40; y != 56; ++y)
    {
        auto const row = image.pixels.begin() + std::ptrdiff_t((y * 96 + 8 * time) * 3);
        std::fill(row, row + 16 * 3, std::uint8_t(255));
    }
    return image;
}

int main()
{
    auto const model = gemma4::engine<gemma4::tiny_d31b, sees>::random(gemma4::dtype::f32, {.context = 512});
    std::deque<gemma4::medium> seen;    // one frame each; copies share the soft tokens
    for (std::size_t time = 0; time != 8; ++time)
    {
        seen.push_back(gemma4::encode_image(model, look(time), gemma4::default_video_budget));
        if (seen.size() > 4) { seen.pop_front(); }

        gemma4::media_prompt prompt{{2}, {}};    // <bos>
        for (std::size_t i = 0; i != seen.size(); ++i)
        {
            auto const count = seen[i]->item.soft_tokens[0];
            prompt.tokens.push_back(2000);    // <|image>
            prompt.spans.push_back(
                {.first = prompt.tokens.size(), .count = count, .media = i, .visual = true});
            prompt.tokens.insert(prompt.tokens.end(), count, 2044);    // <|video|>
            prompt.tokens.push_back(2042);                             // <image|>
        }
        std::vector const frames(seen.begin(), seen.end());
        gemma4::session chat{model};
        auto run = chat.complete(gemma4::with_media(std::move(prompt), frames), {.stop = {.max_tokens = 4}});
        run.rest();
        std::cout << "second " << time << ", " << frames.size() << " frames, " << run.used().prompt_tokens
                  << " tokens:";
        for (auto const id : run.tokens()) { std::cout << ' ' << id; }
        std::cout << '\n';
    }
}
