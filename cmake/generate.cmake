# Runs declare/generate.py: layers at configure time, the rest when a declaration changes.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(POSTHASTE_GENERATED ${CMAKE_BINARY_DIR}/generated)
set(GENERATE ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/declare/generate.py)

execute_process(COMMAND ${GENERATE} layers ${POSTHASTE_GENERATED}/layers.cmake COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/declare/layers.toml ${CMAKE_SOURCE_DIR}/declare/generate.py)
include(${POSTHASTE_GENERATED}/layers.cmake)
