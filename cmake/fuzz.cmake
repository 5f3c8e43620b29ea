# Every test/fuzz/<name>.cc is a libFuzzer target fuzz_<name> (LLVMFuzzerTestOneInput), built only with
# POSTHASTE_FUZZ into <build>/fuzz; seeds lie in test/fuzz/<name>/corpus, words for the fuzzer in
# test/fuzz/<name>/dictionary.
# The libraries are instrumented for coverage. A target links with the libraries that it includes, so that the gate
# builds no more than it needs.
if(POSTHASTE_FUZZ)
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
