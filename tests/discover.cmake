# gemma4_discover_tests(target label [also]): after each build of `target`, every TEST_CASE in it becomes a test of ctest,
# named and labelled `label`, and labelled `also`.
#
# (The script that comes with doctest splits names at brackets and semicolons, and a name that its filter then does not
# find counts as passed: doctest calls a run of no test cases a success.)
function(gemma4_discover_tests target label)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_tests.cmake)
    add_custom_command(
        TARGET ${target}
        POST_BUILD
        COMMAND ${CMAKE_COMMAND} -D program=$<TARGET_FILE:${target}> -D label=${label} -D also=${ARGN} -D file=${file} -P
                ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/list_tests.cmake
        VERBATIM)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake
         "if(EXISTS [==[${file}]==])\n"
         "    include([==[${file}]==])\n"
         "else()\n"
         "    add_test([==[${label}: ${target} is not built]==] ${target}_is_not_built)\n"
         "endif()\n")
    set_property(
        DIRECTORY
        APPEND
        PROPERTY TEST_INCLUDE_FILES ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake)
endfunction()
