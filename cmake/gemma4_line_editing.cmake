# The component gemma4::line_editing: editing of lines and a history in the program's chat. Sets gemma4_line_editing_FOUND; where
# libedit is missing, it is FALSE and there is no target.
find_path(gemma4_libedit_INCLUDE_DIR histedit.h)
find_library(gemma4_libedit_LIBRARY edit)
mark_as_advanced(gemma4_libedit_INCLUDE_DIR gemma4_libedit_LIBRARY)

set(gemma4_line_editing_FOUND FALSE)
if(gemma4_libedit_INCLUDE_DIR AND gemma4_libedit_LIBRARY)
    set(gemma4_line_editing_FOUND TRUE)
    if(NOT TARGET gemma4_line_editing)
        add_library(gemma4_line_editing INTERFACE)
        add_library(gemma4::line_editing ALIAS gemma4_line_editing)
        target_include_directories(gemma4_line_editing SYSTEM INTERFACE ${gemma4_libedit_INCLUDE_DIR})
        target_compile_definitions(gemma4_line_editing INTERFACE GEMMA4_HAS_LIBEDIT)
        target_link_libraries(gemma4_line_editing INTERFACE ${gemma4_libedit_LIBRARY})
    endif()
endif()
