# Runs declare/generate.py: layers at configure time, the rest when a declaration changes.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(POSTHASTE_GENERATED ${CMAKE_BINARY_DIR}/generated)
set(GENERATE ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/declare/generate.py)

execute_process(COMMAND ${GENERATE} layers ${POSTHASTE_GENERATED}/layers.cmake COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/declare/layers.toml ${CMAKE_SOURCE_DIR}/declare/commands.toml
  ${CMAKE_SOURCE_DIR}/declare/services.toml ${CMAKE_SOURCE_DIR}/declare/generate.py)
include(${POSTHASTE_GENERATED}/layers.cmake)

# Parameters: one header an area, so that a new parameter rebuilds only what includes its area.
file(GLOB PARAMETER_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/declare/parameters/*.toml)
set(PARAMETER_HEADERS)
foreach(file ${PARAMETER_FILES})
  get_filename_component(area ${file} NAME_WE)
  list(APPEND PARAMETER_HEADERS ${POSTHASTE_GENERATED}/param/${area}.h)
endforeach()
add_custom_command(
  OUTPUT ${POSTHASTE_GENERATED}/param/table.cc ${PARAMETER_HEADERS}
  COMMAND ${GENERATE} param ${POSTHASTE_GENERATED}/param
  DEPENDS ${PARAMETER_FILES} ${CMAKE_SOURCE_DIR}/declare/postfix-names.txt ${CMAKE_SOURCE_DIR}/declare/parameters.py
    ${CMAKE_SOURCE_DIR}/declare/generate.py
  COMMENT "Generating parameter handles" VERBATIM)
file(GLOB MANUAL_TEXTS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*)
add_custom_command(
  OUTPUT ${POSTHASTE_GENERATED}/manuals.stamp
  COMMAND ${GENERATE} man ${POSTHASTE_GENERATED}/man
  COMMAND ${CMAKE_COMMAND} -E touch ${POSTHASTE_GENERATED}/manuals.stamp
  DEPENDS ${PARAMETER_FILES} ${MANUAL_TEXTS} ${CMAKE_SOURCE_DIR}/declare/manual.py
    ${CMAKE_SOURCE_DIR}/declare/parameters.py ${CMAKE_SOURCE_DIR}/declare/generate.py
  COMMENT "Generating manual pages" VERBATIM)
add_custom_target(manuals ALL DEPENDS ${POSTHASTE_GENERATED}/manuals.stamp)
set_property(GLOBAL APPEND PROPERTY POSTHASTE_GENERATED_config
  ${POSTHASTE_GENERATED}/param/table.cc ${PARAMETER_HEADERS})
