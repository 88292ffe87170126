// Writes down what is said. transcribe FOLDER SOUND: a checkpoint of E2B, a WAV file (or what libsndfile
// reads) of any length; it is heard in pieces of 30 s. Without arguments: the same steps with a hum and a
// tiny model of random weights, which understands nothing.
#include <cmath>
#include <iostream>
#include <numbers>

#include <gemma4/codecs/audio_file.hpp>
#include <gemma4/codecs/resample.hpp>
#include <gemma4/gemma4.hpp>
#include <gemma4/spec/tiny.hpp>

constexpr auto hears = gemma4::modality::text | gemma4::modality::audio;

void transcribe(char const* folder, char const* file)
{
    auto const model = gemma4::load<gemma4::e2b, hears>(folder);
    auto const sound = gemma4::read_audio(file);
    for (auto const& clip : gemma4::prepare_audio_of_any_rate(sound, gemma4::long_audio::split))
    {
        gemma4::session chat{model};
        auto answer =
            chat.ask("Transcribe this recording word for word.", {gemma4::encode_audio(model, clip)});
        for (auto const& piece : answer) { std::cout << piece << std::flush; }
        std::cout << '\n';
    }
}

void rehearse()
{
    gemma4::waveform hum{.rate = 16000, .samples = std::vector<float>(40 * 16000)};
    for (std::size_t i = 0; i != hum.samples.size(); ++i)
    {
        hum.samples[i] = float(0.3 * std::sin(2 * std::numbers::pi * 220 * double(i) / 16000));
    }
    auto const model = gemma4::engine<gemma4::tiny_e2b, hears>::random(gemma4::dtype::f32, {.context = 1024});
    for (auto const& clip : gemma4::prepare_audio(hum, gemma4::long_audio::split))
    {
        auto const heard = gemma4::encode_audio(model, clip);
        std::cout << double(clip.size()) / 16000 << " s of sound are " << heard->item.soft_tokens[0]
                  << " soft tokens of " << heard->runs[0]->width << " numbers\n";
    }
}

int main(int argc, char** argv)
{
    if (argc == 3) { transcribe(argv[1], argv[2]); }
    else { rehearse(); }
}
