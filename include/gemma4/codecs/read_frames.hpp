// A video from wherever it is: a folder of frames, an animated GIF, a video file. Link gemma4::image, and
// gemma4::video for video files.
#pragma once

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include <gemma4/codecs/frame_folder.hpp>
#include <gemma4/codecs/gif_video.hpp>
#include <gemma4/codecs/video_file.hpp>
#include <gemma4/codecs/video_options.hpp>
#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
#if defined(GEMMA4_HAS_VIDEO)    // as read_video, which it calls
    inline namespace with_video
#else
    inline namespace without_video
#endif
    {
        inline video_clip read_frames(std::filesystem::path const& path, video_options const& options = {})
        {
            std::error_code failure;
            if (std::filesystem::is_directory(path, failure)) { return read_frame_folder(path, options); }
            if (!std::filesystem::exists(path, failure))
            {
                throw file_error(sentence(path.string(),
                                          " does not exist; expected a folder of frames, a GIF or a video"));
            }
            char head[4] = {};
            std::ifstream(path, std::ios::binary).read(head, sizeof head);
            if (std::string_view(head, sizeof head) == "GIF8") { return read_gif_video(path, options); }
            return read_video(path, options);
        }
    }
}
