# gemma4_own(target): the flags of our own programs and tests: warnings and sanitizers. The library itself carries none.
include_guard()

function(gemma4_own target)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
    # g++ 12 finds uninitialised vectors in its own AVX-512 headers and overlaps in its own std::string (GCC bug 105329).
    target_compile_options(
        ${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict>)
    # A newer compiler's new warning must not stop anyone's build.
    if(GEMMA4_WARNINGS_AS_ERRORS)
        target_compile_options(
            ${target}
            PRIVATE
                $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Werror>
                $<$<AND:$<CXX_COMPILER_ID:Clang>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,17>>:-Werror>)
    endif()
    if(GEMMA4_SANITIZE)
        target_compile_options(
            ${target} PRIVATE -fsanitize=${GEMMA4_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
        target_link_options(${target} PRIVATE -fsanitize=${GEMMA4_SANITIZE})
    endif()
endfunction()
