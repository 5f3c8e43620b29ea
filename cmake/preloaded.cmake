# Libraries that tests preload into the programs: test/crash/recorder.cc records and fails file operations from outside
# the product, test/support/clock_shift.cc lets the clock jump. Never sanitized: they must load before anything else.
function(posthaste_preloaded name source)
  add_library(${name} MODULE ${CMAKE_SOURCE_DIR}/test/${source})
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
  target_compile_options(${name} PRIVATE -fno-sanitize=all -O1)
  target_link_options(${name} PRIVATE -fno-sanitize=all)
  target_link_libraries(${name} PRIVATE dl)
endfunction()
posthaste_preloaded(recorder crash/recorder.cc)
posthaste_preloaded(clock_shift support/clock_shift.cc)
