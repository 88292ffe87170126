// Any bytes as a WAV file: finite samples in whole frames, or file_error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <gemma4/media/wav.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    try
    {
        auto const sound = gemma4::read_wav(std::as_bytes(std::span(data, size)), "fuzz.wav");
        if (sound.channels == 0 || sound.rate == 0 || sound.samples.empty() || sound.samples.size() > 8 * size
            || sound.samples.size() % sound.channels != 0)
        {
            std::abort();
        }
        for (auto const sample : sound.samples)
        {
            if (!std::isfinite(sample)) { std::abort(); }
        }
        if (gemma4::mono(sound).size() != sound.frames()) { std::abort(); }
    }
    catch (gemma4::file_error const&)
    {}
    return 0;
}
