# What gemma4::gemma4 needs. Read by our own build and, installed, by gemma4-config.cmake.
#
# xtl comes first: Debian's xsimd config links it without looking for it. No versions are asked for: xsimd's version file
# accepts the same major version only, and both 8 and 14 will do. A target that the parent project made is used as it is.
include(CMakeFindDependencyMacro)

foreach(gemma4_dependency IN ITEMS xtl xsimd xtensor)
    if(NOT TARGET ${gemma4_dependency})
        find_dependency(${gemma4_dependency})
    endif()
endforeach()
unset(gemma4_dependency)
if(NOT TARGET nlohmann_json::nlohmann_json)
    find_dependency(nlohmann_json)
endif()
if(NOT TARGET Threads::Threads)
    find_dependency(Threads)
endif()
