// Commands with images, sound and video, against transformers (tools/reference/make_media_cases.py).
#include <bit>
#include <cmath>
#include <fstream>

#include "support/media_cases.hpp"
#include "support/program.hpp"
#include <doctest/doctest.h>

#include <gemma4/api/session.hpp>
#include <gemma4/media/audio_features.hpp>

using namespace gemma4;
using namespace gemma4_test;
using nlohmann::json;
using arguments = std::vector<std::string>;

namespace
{
    std::string folder_of(std::string const& variant)
    {
        return tiny_checkpoint(variant, "media", {}).string();
    }

    void little(std::string& bytes, std::uint64_t value, std::size_t count)
    {
        for (std::size_t i = 0; i != count; ++i) { bytes.push_back(char(value >> (8 * i) & 0xff)); }
    }

    std::string written(std::string const& name, std::string const& bytes)
    {
        auto const path = scratch() / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << bytes;
        return path.string();
    }

    // An image of a case as a BMP file of 24 bits, rows from below, blue first.
    std::string bmp(std::string const& name, std::size_t width, std::size_t height,
                    std::string const& folder = ".")
    {
        auto const image = media_image(name, width, height);
        auto const row = (width * 3 + 3) / 4 * 4;
        std::string bytes = "BM";
        for (auto const& [value, count] :
             std::initializer_list<std::pair<std::size_t, std::size_t>>{{54 + row * height, 4},
                                                                        {0, 4},
                                                                        {54, 4},
                                                                        {40, 4},
                                                                        {width, 4},
                                                                        {height, 4},
                                                                        {1, 2},
                                                                        {24, 2},
                                                                        {0, 4},
                                                                        {row * height, 4},
                                                                        {2835, 4},
                                                                        {2835, 4},
                                                                        {0, 4},
                                                                        {0, 4}})
        {
            little(bytes, value, count);
        }
        for (auto y = height; y-- != 0;)
        {
            for (std::size_t x = 0; x != row / 3; ++x)
            {
                for (std::size_t c = 3; x < width && c-- != 0;)
                {
                    bytes.push_back(char(image.pixels[(y * width + x) * 3 + c]));
                }
            }
            bytes.append(row - width * 3, '\0');
        }
        return written(folder + "/" + name + ".bmp", bytes);
    }

    // A sound of a case as a WAV file of float samples.
    std::string wav(std::string const& kind, std::size_t count, std::size_t rate = 16000)
    {
        std::string bytes = "RIFF";
        little(bytes, 36 + 4 * count, 4);
        bytes += "WAVEfmt ";
        for (auto const& [value, size] : std::initializer_list<std::pair<std::size_t, std::size_t>>{
                 {16, 4}, {3, 2}, {1, 2}, {rate, 4}, {4 * rate, 4}, {4, 2}, {32, 2}})
        {
            little(bytes, value, size);
        }
        bytes += "data";
        little(bytes, 4 * count, 4);
        for (auto const x : audio_signal(kind, count)) { little(bytes, std::bit_cast<std::uint32_t>(x), 4); }
        return written(kind + std::to_string(count) + ".wav", bytes);
    }

    // The file, or the folder of frames and times, of a case's medium.
    std::string file_of(json const& m)
    {
        std::string const name = m.at("name");
        if (m.at("kind") == "audio") { return wav(name, m.at("samples")); }
        if (m.at("kind") == "image") { return bmp(name, m.at("width"), m.at("height")); }
        auto const folder = "frames-" + name;
        std::size_t frame = 0;
        for (auto const& seconds : m.at("seconds"))
        {
            CHECK(seconds.is_number());
            bmp(name + std::to_string(frame++), m.at("width"), m.at("height"), folder);
        }
        written(folder + "/meta.json", json{{"times", m.at("seconds")}, {"camera", "none"}}.dump());
        return (scratch() / folder).string();
    }

    media_case case_of(std::string const& variant, std::string const& name)
    {
        for (auto const& one : media_cases(variant))
        {
            if (one.name() == name) { return one; }
        }
        throw argument_error("no case " + name);
    }

    arguments media_of(media_case const& one)
    {
        arguments given;
        std::string budget;
        for (auto const& m : one.row.at("media"))
        {
            given.insert(given.end(), {"--" + m.at("kind").get<std::string>(), file_of(m)});
            if (m.at("kind") == "image") { budget = std::to_string(m.at("budget").get<int>()); }
        }
        if (!budget.empty()) { given.insert(given.end(), {"--image-budget", budget}); }
        return given;
    }

    program_result run(arguments first, arguments const& more)
    {
        first.insert(first.end(), more.begin(), more.end());
        first.insert(first.end(), {"--threads", "1"});
        return run_program(first);
    }

    std::vector<float> rows_of(program_result const& r, std::string const& out, std::size_t width)
    {
        CHECK(r.err == "");
        REQUIRE(r.status == 0);
        auto const file = read_npy(out);
        REQUIRE(file.shape.size() == 2);
        REQUIRE(file.shape[1] == width);
        return file.floats();
    }

    bool has_text(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }
}

TEST_CASE("logits and generate with media give the reference's, for every chunk")
{
    for (auto const& [variant, name] :
         std::initializer_list<std::pair<char const*, char const*>>{{"tiny_e2b", "one"},
                                                                    {"tiny_e2b", "neighbours"},
                                                                    {"tiny_e2b", "all"},
                                                                    {"tiny_e2b", "video"},
                                                                    {"tiny_a4b", "one"},
                                                                    {"tiny_a4b", "frames"},
                                                                    {"tiny_a4b", "long"}})
    {
        CAPTURE(std::string(variant));
        CAPTURE(std::string(name));
        auto const one = case_of(variant, name);
        auto more = media_of(one);
        more.insert(more.end(), {"--model", folder_of(variant), "--prompt", one.row.at("text")});
        auto const out = (scratch() / "media.npy").string();
        auto const logits = rows_of(run({"logits", "--out", out}, more), out, 2048);
        REQUIRE(logits.size() == one.ids().size() * 2048);
        double worst = 0;
        auto expected = one.stored.begin();
        for (std::size_t const row : one.row.at("stored"))
        {
            for (std::size_t c = 0; c < 2048; c += one.every)
            {
                worst = std::max(worst, std::abs(double(logits[row * 2048 + c]) - double(*expected++)));
            }
        }
        CHECK(worst <= 1e-5 * one.largest());
        CHECK(rows_of(run({"logits", "--out", out, "--chunk", "7"}, more), out, 2048) == logits);
        auto const last = rows_of(run({"logits", "--out", out, "--last"}, more), out, 2048);
        CHECK(std::equal(last.begin(), last.end(), logits.end() - 2048, logits.end()));

        auto const r = run({"generate", "--max-tokens", "8", "--chunk", "16"}, more);
        CHECK(r.err == "");
        CHECK(json::parse(r.out).get<std::vector<token_id>>() == one.greedy());
    }
}

TEST_CASE("without placeholders media come first")
{
    auto const one = case_of("tiny_e2b", "neighbours");    // <|image|><|image|>Compare them.
    auto more = media_of(one);
    more.insert(more.end(), {"--model", folder_of("tiny_e2b"), "--prompt", "Compare them."});
    CHECK(json::parse(run({"generate", "--max-tokens", "8"}, more).out).get<std::vector<token_id>>()
          == one.greedy());
}

TEST_CASE("a cap on memory counts pictures of the budget that is asked for")
{
    auto const folder = folder_of("tiny_e2b");
    arguments const common{"--model", folder, "--context", "256"};
    auto const info = run({"info", "--json"}, common);
    auto const cap = json::parse(info.out)["memory"]["full"].get<std::size_t>() + 100'000;
    auto const out = (scratch() / "capped.npy").string();
    auto const encode = [&](char const* budget)
    {
        return run({"encode", "--image", bmp("a", 96, 64), "--image-budget", budget, "--out", out,
                    "--max-memory", std::to_string(cap)},
                   common);
    };
    CHECK(encode("280").status == 0);
    auto const refused = encode("1120");
    CHECK(refused.status == 1);
    CHECK(refused.err.find("but the cap is") != refused.err.npos);
}

TEST_CASE("encode writes every stage of an image, a sound and a video")
{
    auto const folder = folder_of("tiny_e2b");
    auto const model =
        engine<tiny_e2b, all_modalities<tiny_e2b>, any_format, exact>::load(folder, one_thread());
    auto const out = (scratch() / "encoded.npy").string();
    auto const encoded = [&](arguments const& more, std::size_t width) {
        return rows_of(run({"encode", "--model", folder, "--out", out}, more), out, width);
    };

    auto const a = bmp("a", 96, 64);
    auto const patches = make_patches(media_image("a", 96, 64), 140);
    CHECK(encoded({"--image", a, "--image-budget", "140", "--stage", "pixels"}, 768) == patches.pixels);
    CHECK(encoded({"--image", a, "--image-budget", "140", "--stage", "tower"}, tiny_e2b::vision.hidden)
          == model.encode(patches, {}, tower_stage::tower).values);
    auto const projected = model.encode(patches);
    CHECK(encoded({"--image", a, "--image-budget", "140", "--stage", "projected"}, 96) == projected.values);
    CHECK(encoded({"--image", a, "--image-budget", "140"}, 96) == projected.values);
    CHECK(encoded({"--image", a}, 96).size() / 96
          == soft_token_count(make_patches(media_image("a", 96, 64), 280)));

    auto const sound = wav("mixed", 16000);
    auto const features = make_features(audio_signal("mixed", 16000));
    CHECK(encoded({"--audio", sound, "--stage", "features"}, 128) == features.values);
    CHECK(encoded({"--audio", sound, "--stage", "tower"}, tiny_e2b::audio.output)
          == model.encode(features, {}, tower_stage::tower).values);
    CHECK(encoded({"--audio", sound}, 96) == model.encode(features).values);

    auto const video = case_of("tiny_e2b", "video").row.at("media").at(0);
    std::vector<float> frames;
    for (auto const* const name : {"v0", "v1", "v2"})
    {
        auto const rows = model.encode(make_patches(media_image(name, 40, 30), 70)).values;
        frames.insert(frames.end(), rows.begin(), rows.end());
    }
    CHECK(encoded({"--video", file_of(video)}, 96) == frames);
    CHECK(encoded({"--video", file_of(video), "--video-budget", "140"}, 96).size() > frames.size());
}

TEST_CASE("wrong media are refused with one sentence")
{
    auto const e2b = folder_of("tiny_e2b");
    auto const a = bmp("a", 96, 64), sound = wav("mixed", 16000);
    auto const out = (scratch() / "refused.npy").string();
    auto const nowhere = (scratch() / "nowhere.png").string();
    struct wrong
    {
        arguments given;
        int status;
        std::string says;
    };
    std::vector<wrong> const all{
        {{"--model", e2b, "--image", a, "--prompt", "<|image|><|image|>"},
         1,
         "the prompt has 2 placeholders <|image|>, but 1 image was given"},
        {{"--model", e2b, "--audio", sound, "--prompt", "<|image|>"},
         1,
         "the prompt has 1 placeholder <|image|>, but 0 images were given"},
        {{"--model", e2b, "--prompt", "a<|image|>"},
         1,
         "the prompt has 1 placeholder <|image|>, but 0 images were given"},
        {{"--model", e2b, "--image", nowhere, "--prompt", "a"}, 1, nowhere},
        {{"--model", e2b, "--audio", nowhere, "--prompt", "a"}, 1, nowhere},
        {{"--model", e2b, "--video", nowhere, "--prompt", "a"}, 1, nowhere},
        {{"--model", e2b, "--image", sound, "--prompt", "a"}, 1, "is a sound of format WAV"},
        {{"--model", e2b, "--image", a, "--image-budget", "100", "--prompt", "a"}, 1, "100"},
        {{"--model", e2b, "--image", a, "--image-budget", "many", "--prompt", "a"}, 2, "--image-budget"},
        {{"--model", e2b, "--audio", wav("silence", 480001), "--prompt", "a"}, 1, "the limit is 30 s"},
        {{"--model", e2b, "--image", a, "--tokens", "2,3"}, 1, "--tokens takes no media; use --prompt"},
        {{"--model", folder_of("tiny_a4b"), "--audio", sound, "--prompt", "a"},
         1,
         "tiny_a4b was given a sound, but this model has no ears"},
        {{"--model", tiny_checkpoint("tiny_e2b").string(), "--image", a, "--prompt", "a"},
         1,
         "tiny_e2b was given an image, but this model has no eyes"},
    };
    for (auto const& one : all)
    {
        CAPTURE(one.says);
        for (auto const& command :
             {arguments{"logits", "--out", out}, arguments{"generate", "--max-tokens", "1"}})
        {
            auto const r = run(command, one.given);
            CHECK(r.status == one.status);
            CHECK(r.out == "");
            CAPTURE(r.err);
            CHECK(r.err.starts_with("gemma4: "));
            CHECK(has_text(r.err, one.says));
            CHECK(std::ranges::count(r.err, '\n') == one.status);    // wrong usage: and where to read more
        }
        CHECK_FALSE(std::filesystem::exists(out));
    }

    for (auto const& [given, status, says] : std::vector<wrong>{
             {{"--image", a, "--audio", sound},
              2,
              "encode takes exactly one of --image, --audio and --video"},
             {{}, 2, "encode takes exactly one of"},
             {{"--audio", sound, "--stage", "pixels"}, 2, "of sounds there are features"},
             {{"--image", a, "--stage", "features"}, 2, "of images and videos there are pixels"},
             {{"--image", a, "--stage", "words"}, 2, "--stage"},
             {{"--image", nowhere}, 1, nowhere}})
    {
        CAPTURE(says);
        auto const r = run({"encode", "--model", e2b, "--out", out}, given);
        CHECK(r.status == status);
        CAPTURE(r.err);
        CHECK(has_text(r.err, says));
        CHECK_FALSE(std::filesystem::exists(out));
    }
}

TEST_CASE("run takes media, with a chat template and without")
{
    using E = engine<tiny_e2b, all_modalities<tiny_e2b>, any_format, exact>;
    auto const base = folder_of("tiny_e2b");
    auto const one = case_of("tiny_e2b", "one");
    auto const options = arguments{"run", "--compute", "exact", "--temperature", "0", "--max-tokens", "8"};
    auto more = media_of(one);
    more.insert(more.end(), {"--model", base, "--prompt", one.row.at("text")});
    auto const continued = run(options, more);
    auto const model = E::load(base, one_thread());
    CHECK(continued.out == model.tokens().decode(one.greedy(), true) + "\n");
    CHECK(has_text(continued.err, "after 8 new tokens"));

    auto const chat = tiny_checkpoint("tiny_e2b", "media-chat", {});
    std::filesystem::copy_file(data() / ".." / ".." / "models" / "nano" / "chat_template.jinja",
                               chat / "chat_template.jinja", std::filesystem::copy_options::skip_existing);
    auto const talking = E::load(chat, one_thread());
    session<E> s(talking);
    auto const images = {encode_image(talking, media_image("a", 96, 64), 70),
                         encode_image(talking, media_image("b", 48, 480), 70)};
    auto expected = s.ask("Compare.", images, {.stop = {.max_tokens = 8}}).rest();
    if (!expected.ends_with('\n')) { expected += '\n'; }
    auto const asked = run(options, {"--model", chat.string(), "--image", bmp("a", 96, 64), "--image",
                                     bmp("b", 48, 480), "--image-budget", "70", "--prompt", "Compare."});
    CHECK(asked.out == expected);
    CHECK(run(options, {"--model", chat.string(), "--prompt", "Compare."}).out != expected);
}

TEST_CASE("a checkpoint without towers still takes text, and plans none")
{
    auto const text = tiny_checkpoint("tiny_e2b").string();
    auto const info = [](std::string const& folder) {
        return json::parse(
            run_program({"info", "--json", "--model", folder, "--threads", "1"}).out)["memory"];
    };
    CHECK(info(text)["full"] < info(folder_of("tiny_e2b"))["full"]);
    auto const given = arguments{"generate", "--max-tokens", "4", "--tokens", "2,700,701"};
    CHECK(run(given, {"--model", text}).out == run(given, {"--model", folder_of("tiny_e2b")}).out);
}
