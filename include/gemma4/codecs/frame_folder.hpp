// A folder of images as a video. Link gemma4::image.
//
// Frames are the regular files of the folder whose names end in .png .jpg .jpeg .webp .gif .bmp (any case)
// and do not begin with a dot, in natural order of their names; images of other kinds, by their names, are
// refused. meta.json beside them may say when they are
// shown: {"fps": number} or
// {"times": [seconds, ...]}, one for each frame; other keys are ignored. Without it frames follow each other
// at 24 a second, as the reference takes it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <gemma4/codecs/image.hpp>
#include <gemma4/codecs/natural_order.hpp>
#include <gemma4/codecs/video_options.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/io/json.hpp>
#include <gemma4/media/sample_frames.hpp>
#include <gemma4/media/timestamp.hpp>
#include <gemma4/media/video_frames.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        inline bool ends_like(std::string name, std::span<std::string_view const> endings)
        {
            for (auto& c : name) { c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }
            return !name.starts_with('.')
                   && std::ranges::any_of(endings, [&](auto ending) { return name.ends_with(ending); });
        }

        inline bool is_frame_name(std::string const& name)
        {
            static constexpr std::array<std::string_view, 6> endings{".png",  ".jpg", ".jpeg",
                                                                     ".webp", ".gif", ".bmp"};
            return ends_like(name, endings);
        }

        inline bool is_name_of_other_image(std::string const& name)
        {
            static constexpr std::array<std::string_view, 14> endings{
                ".heic", ".heif", ".avif", ".tif", ".tiff", ".jxl", ".jp2",
                ".psd",  ".exr",  ".ppm",  ".pgm", ".tga",  ".dng", ".qoi"};
            return ends_like(name, endings);
        }

        inline std::vector<std::filesystem::path> frame_files(std::filesystem::path const& folder)
        {
            std::error_code failure;
            std::filesystem::directory_iterator files(folder, failure);
            std::vector<std::filesystem::path> frames;
            for (; !failure && files != std::filesystem::directory_iterator(); files.increment(failure))
            {
                auto const name = files->path().filename().string();
                if (!files->is_regular_file(failure)) { continue; }
                if (is_frame_name(name)) { frames.push_back(files->path()); }
                else if (is_name_of_other_image(name))
                {
                    throw file_error(sentence(files->path().string(),
                                              " is a frame of a format that is not read; expected .png, .jpg, "
                                              ".webp, .gif or .bmp files"));
                }
            }
            if (failure)
            {
                throw file_error(sentence(folder.string(), " cannot be listed: ", failure.message()));
            }
            if (frames.empty())
            {
                throw file_error(sentence(folder.string(),
                                          " holds no frames; expected .png, .jpg, .webp, .gif or .bmp "
                                          "files"));
            }
            std::ranges::sort(frames, [](auto const& a, auto const& b)
                              { return natural_less(a.filename().string(), b.filename().string()); });
            return frames;
        }

        // When each of `count` frames is shown, and the rate where there is one.
        struct frame_times
        {
            double fps = default_video_fps;
            std::vector<double> times;    // empty: index / fps

            double at(std::size_t index) const { return times.empty() ? double(index) / fps : times[index]; }
        };

        inline frame_times read_frame_times(std::filesystem::path const& path, std::size_t count)
        {
            frame_times out;
            if (!is_there(path)) { return out; }
            auto const root = read_json(path);
            auto const name = path.string();
            json_fields const fields(root, name);
            if (fields.find("fps") && fields.find("times"))
            {
                throw file_error(sentence(name, ": fps and times are both given, expected one of them"));
            }
            if (auto const* const fps = fields.find("fps"))
            {
                if (!fps->is_number()) { fields.wrong("fps", "a number", *fps); }
                out.fps = fps->get<double>();
                if (!(out.fps > 0 && double(count) / out.fps < 0x1p53))
                {
                    throw file_error(sentence(name, ": fps is ", fps->dump(), ", expected more than 0"));
                }
            }
            if (!fields.find("times")) { return out; }
            out.fps = 0;
            for (auto const& time : fields.list("times"))
            {
                auto const index = out.times.size();
                double const seconds = time.is_number() ? time.get<double>() : -1;
                if (!(seconds >= 0 && seconds < 0x1p53) || (index != 0 && seconds < out.times.back()))
                {
                    throw file_error(sentence(name, ": times[", index, "] is ", time.dump(),
                                              ", expected seconds, not before the frame before it"));
                }
                out.times.push_back(seconds);
            }
            if (out.times.size() != count)
            {
                throw file_error(sentence(name, ": times has ", out.times.size(),
                                          " entries, but the folder holds ", count, " frames"));
            }
            return out;
        }
    }

    // The frames as they are up to options.frames, sampled above that; only those shown are read. Frames may
    // differ in size. file_error names the folder, the frame or the field.
    inline video_clip read_frame_folder(std::filesystem::path const& folder,
                                        video_options const& options = {})
    {
        auto const files = detail::frame_files(folder);
        auto const times = detail::read_frame_times(folder / "meta.json", files.size());
        image_limits const limits{.max_pixels = options.limits.max_pixels};
        video_clip clip{{}, files.size(), times.fps};
        std::size_t pixels = 0;
        for (auto const index : shown_indices(files.size(), options.frames))
        {
            if (options.stop.stop_requested())
            {
                throw cancelled_error(sentence("reading ", folder.string(), " was cancelled"));
            }
            auto image = read_image(files[index], limits);
            pixels += image.width * image.height;
            if (pixels > options.limits.max_shown_pixels)
            {
                throw file_error(sentence(folder.string(), " holds more pixels than the limit of ",
                                          options.limits.max_shown_pixels, " in the frames that are shown"));
            }
            clip.frames.push_back({std::move(image), times.at(index)});
        }
        return clip;
    }
}
