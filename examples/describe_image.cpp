// Describes an image. describe_image FOLDER IMAGE: a checkpoint of E2B, a PNG, JPEG, WebP, GIF or BMP file.
// Without arguments: the same steps with a drawn image and a tiny model of random weights, which has nothing
// to say and no tokenizer to say it with, so that what comes out are ids.
#include <iostream>

#include <gemma4/codecs/image.hpp>
#include <gemma4/gemma4.hpp>
#include <gemma4/spec/tiny.hpp>

constexpr auto sees = gemma4::modality::text | gemma4::modality::image;

void describe(char const* folder, char const* file)
{
    auto const model = gemma4::load<gemma4::e2b, sees>(folder);
    auto const image =
        gemma4::encode_image(model, gemma4::read_image(file));    // once, for any number of questions
    gemma4::session chat{model};
    auto const tell = [](auto&& answer)
    {
        for (auto const& piece : answer) { std::cout << piece << std::flush; }
        std::cout << '\n';
    };
    tell(chat.ask("Describe this image.", {image}));
    tell(chat.ask("What stands out?"));
}

gemma4::rgb_image sunset(std::size_t width, std::size_t height)
{
    gemma4::rgb_image image{width, height, {}};
    for (std::size_t y = 0; y != height; ++y)
    {
        for (std::size_t x = 0; x != width; ++x)
        {
            for (auto const value : {255 - 60 * y / height, 180 - 120 * y / height, 90 * x / width})
            {
                image.pixels.push_back(std::uint8_t(value));
            }
        }
    }
    return image;
}

void rehearse()
{
    auto const model = gemma4::engine<gemma4::tiny_e2b, sees>::random(gemma4::dtype::f32, {.context = 512});
    auto const image = gemma4::encode_image(model, sunset(320, 200), 70);
    auto const count = image->item.soft_tokens[0];
    std::cout << "The image is " << count << " soft tokens. A random model goes on with";

    gemma4::media_prompt prompt{{2, 2000},
                                {{.first = 2, .count = count, .visual = true}}};    // <bos><|image>
    prompt.tokens.resize(2 + count, 2040);                                          // <|image|>
    prompt.tokens.push_back(2042);                                                  // <image|>
    gemma4::session chat{model};
    auto run =
        chat.complete(gemma4::with_media(std::move(prompt), std::vector{image}), {.stop = {.max_tokens = 8}});
    run.rest();
    for (auto const id : run.tokens()) { std::cout << ' ' << id; }
    std::cout << '\n';
}

int main(int argc, char** argv)
{
    if (argc == 3) { describe(argv[1], argv[2]); }
    else { rehearse(); }
}
