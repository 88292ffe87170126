# The component gemma4::video: video files through FFmpeg's libraries (5.1 or newer), in this process. Sets gemma4_video_FOUND;
# where a library is missing, it is FALSE and there is no target: reading a video file then says how to build with it. Folders
# of frames and animated GIFs need gemma4::image only.
set(gemma4_video_FOUND TRUE)
find_path(gemma4_ffmpeg_INCLUDE_DIR libavformat/version_major.h)    # there since 5.1
mark_as_advanced(gemma4_ffmpeg_INCLUDE_DIR)
set(gemma4_ffmpeg_libraries "")
foreach(gemma4_ffmpeg_part IN ITEMS avformat avcodec swscale avutil)
    find_library(gemma4_${gemma4_ffmpeg_part}_LIBRARY ${gemma4_ffmpeg_part})
    mark_as_advanced(gemma4_${gemma4_ffmpeg_part}_LIBRARY)
    list(APPEND gemma4_ffmpeg_libraries ${gemma4_${gemma4_ffmpeg_part}_LIBRARY})
    if(NOT gemma4_${gemma4_ffmpeg_part}_LIBRARY)
        set(gemma4_video_FOUND FALSE)
    endif()
endforeach()
if(NOT gemma4_ffmpeg_INCLUDE_DIR)
    set(gemma4_video_FOUND FALSE)
endif()

if(gemma4_video_FOUND AND NOT TARGET gemma4_video)
    add_library(gemma4_video INTERFACE)
    add_library(gemma4::video ALIAS gemma4_video)
    set_target_properties(gemma4_video PROPERTIES EXPORT_NAME video)
    target_include_directories(gemma4_video SYSTEM INTERFACE "$<BUILD_INTERFACE:${gemma4_ffmpeg_INCLUDE_DIR}>")
    target_compile_definitions(gemma4_video INTERFACE GEMMA4_HAS_VIDEO)
    target_link_libraries(gemma4_video INTERFACE ${gemma4_ffmpeg_libraries})
endif()
unset(gemma4_ffmpeg_part)
unset(gemma4_ffmpeg_libraries)
