# gemma4_add_kernels(target): a static library with the kernels of every instruction set of the target processor, each
# compiled with its own flags, the list that chooses among them at run time, and the code that is the same for all variants
# (core/separate.hpp). Linking it replaces gemma4::gemma4.
include_guard()

# Adds the file made of a template, with the flags of the instruction set gemma4_kernels_name, to the target.
macro(gemma4_kernels_file template file)
    configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${template} ${file} @ONLY)
    target_sources(${target} PRIVATE ${file})
    set(options ${flags_${gemma4_kernels_name}} -O3 -ffp-contract=off -fno-math-errno)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # g++ 12 finds uninitialised vectors in its own AVX-512 headers.
        # Its combiner takes minutes for the long blocks of the fast kernels where it may look at more than two instructions.
        list(APPEND options -Wno-uninitialized -Wno-maybe-uninitialized --param=max-combine-insns=2)
    endif()
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${options}")
endmacro()

function(gemma4_add_kernels target)
    # Best first. Conditions are in terms of `cpu`, a gemma4::simd::cpu_features.
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
        set(names avx512 avx2 baseline)
        set(flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
        set(condition_avx512 cpu.avx512)
        set(flags_avx2 -march=x86-64-v3)
        set(condition_avx2 cpu.avx2)
        set(flags_baseline -march=x86-64)
        set(condition_baseline true)
        # The fast kernels. A processor with a matrix unit for bfloat16 multiplies pairs of them slower than float32.
        set(fast_names amx avx512bf16 avx512vnni avxvnni avx2 baseline)
        set(flags_amx -march=x86-64-v4 -mprefer-vector-width=512 -mavx512vnni -mavx512bf16 -mavx512fp16)
        set(condition_amx "cpu.avx512_vnni && cpu.avx512_bf16 && cpu.avx512_fp16 && cpu.amx_bf16 && simd::tiles_granted()")
        set(table_amx "make_fast_tile_table<simd::native_tile_dot, simd::arch::amx_tiles>(\"amx\")")
        set(flags_avx512bf16 -march=x86-64-v4 -mprefer-vector-width=512 -mavx512vnni -mavx512bf16)
        set(condition_avx512bf16 "cpu.avx512_vnni && cpu.avx512_bf16 && !cpu.has_matrix_unit")
        set(flags_avx512vnni -march=x86-64-v4 -mprefer-vector-width=512 -mavx512vnni)
        set(condition_avx512vnni cpu.avx512_vnni)
        set(flags_avxvnni -march=x86-64-v3 -mavxvnni)
        set(condition_avxvnni cpu.avx_vnni)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
        set(names neon)
        set(condition_neon true)
        set(fast_names i8mmbf16 i8mm dotprod neon)
        set(flags_i8mmbf16 -march=armv8.2-a+dotprod+i8mm+bf16)
        set(condition_i8mmbf16 "cpu.arm_dotprod && cpu.arm_i8mm && cpu.arm_bf16")
        set(flags_i8mm -march=armv8.2-a+dotprod+i8mm)
        set(condition_i8mm "cpu.arm_dotprod && cpu.arm_i8mm")
        set(flags_dotprod -march=armv8.2-a+dotprod)
        set(condition_dotprod cpu.arm_dotprod)
    else()
        set(names portable)
        set(condition_portable true)
        set(fast_names portable)
    endif()

    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target})
    add_library(${target} STATIC)
    target_link_libraries(${target} PUBLIC gemma4::gemma4)
    target_compile_definitions(${target} PUBLIC GEMMA4_SEPARATE_KERNELS)

    # The table of a known instruction set must not be changed by flags of the surrounding build: ours come last, they are
    # optimised in every build type, and only a written fma is fused.
    set(gemma4_kernels_declarations "")
    set(gemma4_kernels_entries "")
    foreach(gemma4_kernels_name IN LISTS names)
        gemma4_kernels_file(kernels.cpp.in ${folder}/kernels_${gemma4_kernels_name}.cpp)
        string(APPEND gemma4_kernels_declarations "    extern table const ${gemma4_kernels_name}_table;\n")
        string(APPEND gemma4_kernels_entries
               "                if (${condition_${gemma4_kernels_name}}) "
               "{ tables[count++] = &${gemma4_kernels_name}_table; }\n")
    endforeach()
    list(LENGTH names gemma4_kernels_count)
    set(gemma4_fast_declarations "")
    set(gemma4_fast_entries "")
    foreach(gemma4_kernels_name IN LISTS fast_names)
        set(gemma4_fast_table "make_fast_table<simd::native_dot>()")
        if(table_${gemma4_kernels_name})
            set(gemma4_fast_table "${table_${gemma4_kernels_name}}")
        endif()
        gemma4_kernels_file(fast_kernels.cpp.in ${folder}/fast_kernels_${gemma4_kernels_name}.cpp)
        string(APPEND gemma4_fast_declarations "    extern fast_table const ${gemma4_kernels_name}_fast_table;\n")
        string(APPEND gemma4_fast_entries
               "                if (${condition_${gemma4_kernels_name}}) "
               "{ tables[count++] = &${gemma4_kernels_name}_fast_table; }\n")
    endforeach()
    list(LENGTH fast_names gemma4_fast_count)
    configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/kernel_list.cpp.in ${folder}/kernel_list.cpp @ONLY)
    target_sources(${target} PRIVATE ${folder}/kernel_list.cpp)

    # The code that is the same for all variants: one file for each folder of headers.
    set(include ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../include)
    file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${include} ${include}/gemma4/*/*_code.hpp)
    set(parts "")
    foreach(header IN LISTS headers)
        string(REGEX REPLACE "^gemma4/(.+)/.+$" "\\1" part ${header})
        list(APPEND parts ${part})
        string(APPEND includes_${part} "#include <${header}>\n")
    endforeach()
    list(REMOVE_DUPLICATES parts)
    foreach(part IN LISTS parts)
        file(CONFIGURE OUTPUT ${folder}/${part}.cpp CONTENT "// Generated by cmake/gemma4_kernels.cmake.\n${includes_${part}}")
        target_sources(${target} PRIVATE ${folder}/${part}.cpp)
    endforeach()
endfunction()
