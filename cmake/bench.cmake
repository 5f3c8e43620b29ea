# Every bench/*.cc is one program in <build>/bench. They measure; they are not part of the tests.
file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.cc)
foreach(source ${benches})
  get_filename_component(name ${source} NAME_WE)
  posthaste_included(${source} included)
  add_executable(bench_${name} ${source})
  set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_link_libraries(bench_${name} PRIVATE ${included})
endforeach()
