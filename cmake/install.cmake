# `cmake --install build` puts the headers, the compiled kernels, the program and the package that find_package(gemma4) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/gemma4)
install(DIRECTORY include/gemma4 DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set_target_properties(gemma4_kernels PROPERTIES EXPORT_NAME kernels)
install(TARGETS gemma4 gemma4_kernels EXPORT gemma4-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT gemma4-targets NAMESPACE gemma4:: DESTINATION ${package})

configure_package_config_file(cmake/gemma4-config.cmake.in ${PROJECT_BINARY_DIR}/gemma4-config.cmake
                              INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gemma4-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gemma4-config.cmake ${PROJECT_BINARY_DIR}/gemma4-config-version.cmake
              cmake/dependencies.cmake DESTINATION ${package})

if(TARGET gemma4_program)
    install(TARGETS gemma4_program DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
