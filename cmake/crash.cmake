# test/crash/recorder.cc: a library that is preloaded to record file operations from outside the product. Never
# sanitized: it must load before anything else.
add_library(recorder MODULE ${CMAKE_SOURCE_DIR}/test/crash/recorder.cc)
set_target_properties(recorder PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
target_compile_options(recorder PRIVATE -fno-sanitize=all -O1)
target_link_options(recorder PRIVATE -fno-sanitize=all)
target_link_libraries(recorder PRIVATE dl)
