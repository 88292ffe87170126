# cmake -D program=... -D label=... -D also=... -D file=... -P list_tests.cmake
# Writes into `file` one add_test for every test case of the doctest `program`.
execute_process(
    COMMAND ${program} --list-test-cases
    OUTPUT_VARIABLE listing
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "${program} --list-test-cases: ${result}\n${listing}")
endif()

set(script "")
set(seen "\n")
while(listing MATCHES "^([^\n]*)\n(.*)$")
    set(name "${CMAKE_MATCH_1}")
    set(listing "${CMAKE_MATCH_2}")
    string(FIND "${seen}" "\n${name}\n" known)    # one filter runs all cases of a name
    if(name MATCHES "^(=====|\\[doctest\\] )" OR name STREQUAL "" OR NOT known EQUAL -1)
        continue()
    endif()
    string(APPEND seen "${name}\n")
    string(REPLACE "\\" "\\\\" filter "${name}")
    string(REPLACE "," "\\," filter "${filter}")
    string(APPEND script "add_test([==[${label}: ${name}]==] [==[${program}]==] [==[--test-case=${filter}]==])\n"
           "set_tests_properties([==[${label}: ${name}]==] PROPERTIES LABELS \"${label};${also}\""
           " FAIL_REGULAR_EXPRESSION \"test cases: +0 \")\n")
endwhile()
file(WRITE ${file} "${script}")
