// Any bytes as a video: an error, or frames and sound within the limits. Bytes that begin with GIF8 are an
// animation, with a brace the meta.json of a folder of three frames, all others a video file (FFmpeg, where
// it is built in) and its sound.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "guards.hpp"
#include "memory_file.hpp"
#include <unistd.h>

#include <gemma4/codecs/read_frames.hpp>

namespace
{
    // Small, so that an input takes milliseconds and a limit that does not hold is noticed.
    gemma4::video_options options_of(std::size_t max_pixels)
    {
        return {.frames = 3,
                .limits = {.max_pixels = max_pixels,
                           .max_shown_pixels = 2 * max_pixels,
                           .max_frames = 200,
                           .max_sound_samples = 1 << 16}};
    }

    template <class Action>
    void attempt_within_limits(Action&& action)
    {
        attempt(
            [&]
            {
                try
                {
                    action();
                }
                catch (gemma4::capacity_error const&)
                {
                    require(false);    // a limit must have refused it before
                }
            });
    }

    // A folder of three frames, removed when the process ends.
    class frame_folder
    {
    public:
        frame_folder()
            : m_path(std::filesystem::temp_directory_path() / ("gemma4-fuzz-" + std::to_string(::getpid())))
        {
            std::filesystem::create_directories(m_path);
            constexpr char pixel[] = "BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0"
                                     "\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x20\x40\x60";
            for (auto const* const name : {"1.bmp", "2.bmp", "10.bmp"})
            {
                write(name, {pixel, sizeof pixel});    // with the zero at the end, which pads the row
            }
            require(gemma4::read_frame_folder(m_path).frames.size() == 3);
        }
        ~frame_folder()
        {
            std::error_code ignored;
            std::filesystem::remove_all(m_path, ignored);
        }
        frame_folder(frame_folder const&) = delete;
        frame_folder& operator=(frame_folder const&) = delete;

        void write(std::string const& name, std::string_view bytes) const
        {
            std::ofstream(m_path / name, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
        }

        std::filesystem::path const& path() const { return m_path; }

    private:
        std::filesystem::path m_path;
    };

    void check(gemma4::video_clip const& clip, gemma4::video_options const& options)
    {
        require(!clip.frames.empty() && clip.frames.size() <= options.frames);
        require(clip.total >= clip.frames.size() && clip.total <= options.limits.max_frames);
        require(std::isfinite(clip.fps) && clip.fps >= 0);
        std::size_t pixels = 0;
        for (std::size_t i = 0; i != clip.frames.size(); ++i)
        {
            auto const& [image, seconds] = clip.frames[i];
            require(image.width != 0 && image.height != 0);
            require(image.pixels.size() == image.width * image.height * 3);
            require(image.width * image.height <= options.limits.max_pixels);
            pixels += image.width * image.height;
            require(std::isfinite(seconds) && (i == 0 || seconds >= clip.frames[i - 1].seconds));
        }
        require(pixels <= options.limits.max_shown_pixels);
    }
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const input(reinterpret_cast<char const*>(data), size);
    if (input.starts_with('{'))
    {
        static frame_folder const folder;
        folder.write("meta.json", input);
        auto const options = options_of(1 << 14);
        attempt_within_limits([&] { check(gemma4::read_frames(folder.path(), options), options); });
        return 0;
    }
    bool const animated = input.starts_with("GIF8");
    memory_file const file(std::as_bytes(std::span(data, size)));
    auto const options = options_of(animated ? 1 << 11 : 1 << 14);    // an animation draws 1024 times as many
    attempt_within_limits([&] { check(gemma4::read_frames(file.path(), options), options); });
    if (animated) { return 0; }
    attempt_within_limits(
        [&]
        {
            if (auto const sound = gemma4::read_video_sound(file.path(), options))
            {
                require(sound->rate != 0 && sound->channels != 0);
                require(!sound->samples.empty() && sound->samples.size() % sound->channels == 0);
                require(sound->samples.size() <= options.limits.max_sound_samples);
            }
        });
    return 0;
}
