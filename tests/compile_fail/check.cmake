# cmake -D compiler=... -D source=... -D include=... -P check.cmake
cmake_minimum_required(VERSION 3.25)

file(READ ${source} text)
if(NOT text MATCHES "^// expect: ([^\n]+)\n")
    message(FATAL_ERROR "${source}: the first line must be `// expect: ` and the sentence")
endif()
set(sentence "${CMAKE_MATCH_1}")

function(compile fail result output)
    execute_process(
        COMMAND ${compiler} -std=c++20 -fsyntax-only -I${include} -DGEMMA4_FAIL=${fail} ${source}
        RESULT_VARIABLE code
        OUTPUT_VARIABLE text
        ERROR_VARIABLE text)
    set(${result} "${code}" PARENT_SCOPE)
    set(${output} "${text}" PARENT_SCOPE)
endfunction()

compile(0 result output)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "does not compile without the fault:\n${output}")
endif()
compile(1 result output)
if(result EQUAL 0)
    message(FATAL_ERROR "compiles although it must not: expected \"${sentence}\"")
endif()
string(FIND "${output}" "${sentence}" at)
if(at EQUAL -1)
    message(FATAL_ERROR "fails without the sentence \"${sentence}\":\n${output}")
endif()
