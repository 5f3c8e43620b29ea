# Every test/fuzz/<name>.cc is a libFuzzer target fuzz_<name> (LLVMFuzzerTestOneInput), built with the address sanitizer
# into <build>/fuzz; seeds lie in test/fuzz/<name>/corpus, words for the fuzzer in test/fuzz/<name>/dictionary.
# The libraries are instrumented for coverage, in the same build that everything else is tested in: a second one for the
# fuzzers would take a quarter of an hour.
if(POSTHASTE_ASAN)
  foreach(layer ${LAYERS})
    get_target_property(type posthaste_${layer} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
      target_compile_options(posthaste_${layer} PRIVATE -fsanitize=fuzzer-no-link)
    endif()
  endforeach()
  file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/fuzz/*.cc)
  foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    posthaste_included(${source} included)
    add_executable(fuzz_${name} ${source})
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer-no-link)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${name} PRIVATE ${included})
    set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  endforeach()
endif()
