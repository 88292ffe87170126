# cmake -D include=DIR -D version=V -D output=FILE -P single_header.cmake
#
# Writes the whole library but cli (the program's) and codecs (which need libraries) as one header: each file once, where it is first included.
cmake_minimum_required(VERSION 3.25)

function(put text)
    set_property(GLOBAL APPEND_STRING PROPERTY written "${text}")
endfunction()

function(put_header header)
    get_property(done GLOBAL PROPERTY done)
    if(header IN_LIST done)
        return()
    endif()
    set_property(GLOBAL APPEND PROPERTY done ${header})

    file(READ ${include}/${header} text)
    string(REPLACE "#pragma once\n" "" text "\n${text}")
    put("\n// ${header}")
    set(mark "\n#include <gemma4/")
    string(LENGTH "${mark}" mark_length)
    string(FIND "${text}" "${mark}" at)
    while(NOT at EQUAL -1)
        string(SUBSTRING "${text}" 0 ${at} before)
        put("${before}")
        math(EXPR at "${at} + ${mark_length}")
        string(SUBSTRING "${text}" ${at} -1 text)
        string(FIND "${text}" ">" end)
        string(SUBSTRING "${text}" 0 ${end} included)
        math(EXPR end "${end} + 1")
        string(SUBSTRING "${text}" ${end} -1 text)
        put_header(gemma4/${included})
        string(FIND "${text}" "${mark}" at)
    endwhile()
    put("${text}")
endfunction()

file(GLOB_RECURSE headers RELATIVE ${include} ${include}/gemma4/*.hpp)
list(FILTER headers EXCLUDE REGEX "^gemma4/(cli|codecs)/")
put("// gemma4 ${version}, one file made of its headers by cmake/single_header.cmake. It needs xtl, xsimd, xtensor and
// nlohmann/json, and C++20.
#pragma once
")
foreach(header IN LISTS headers)
    put_header(${header})
endforeach()

get_property(written GLOBAL PROPERTY written)
if(written MATCHES "\n( *# *include *<gemma4/[^>]*>)")
    message(FATAL_ERROR "an include that this script does not see: ${CMAKE_MATCH_1}")
endif()
file(WRITE ${output} "${written}")
