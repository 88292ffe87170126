# gemma4::image: reading image files (codecs/image.hpp). With libpng, libjpeg-turbo and libwebp there is a target gemma4_image
# and gemma4_image_FOUND is true; where one is missing, no target, and gemma4_image_MISSING names it.
include_guard()

find_package(PNG QUIET)
find_package(JPEG QUIET)
find_path(gemma4_webp_include NAMES webp/demux.h)
find_library(gemma4_webp_library NAMES webp)
find_library(gemma4_webpdemux_library NAMES webpdemux)
mark_as_advanced(gemma4_webp_include gemma4_webp_library gemma4_webpdemux_library)

set(gemma4_image_MISSING "")
if(NOT TARGET PNG::PNG)
    list(APPEND gemma4_image_MISSING libpng)
endif()
if(NOT TARGET JPEG::JPEG)
    list(APPEND gemma4_image_MISSING libjpeg-turbo)
endif()
if(NOT gemma4_webp_include OR NOT gemma4_webp_library OR NOT gemma4_webpdemux_library)
    list(APPEND gemma4_image_MISSING libwebp)
endif()

if(gemma4_image_MISSING)
    set(gemma4_image_FOUND FALSE)
else()
    set(gemma4_image_FOUND TRUE)
    if(NOT TARGET gemma4_image)
        add_library(gemma4_image INTERFACE)
        add_library(gemma4::image ALIAS gemma4_image)
        target_include_directories(gemma4_image SYSTEM INTERFACE $<BUILD_INTERFACE:${gemma4_webp_include}>)
        target_link_libraries(
            gemma4_image INTERFACE gemma4::gemma4 PNG::PNG JPEG::JPEG ${gemma4_webpdemux_library} ${gemma4_webp_library})
    endif()
endif()
