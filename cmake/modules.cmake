# Table modules: every folder src/module/<type> becomes posthaste-<type>.so beside the daemons, with the client library
# of that type, so that the programs link with none. A library that is missing leaves its module out, and says so.
find_package(PkgConfig REQUIRED)
set(CLIENT_LIBRARY_mysql libmariadb)
set(CLIENT_LIBRARY_pgsql libpq)
set(CLIENT_LIBRARY_ldap ldap libsasl2)

# These call objects whose class is known to a module only; the sanitizer would take its type information, which is not
# shared, for that of another class.
if(POSTHASTE_ASAN)
  set_source_files_properties(src/table/server_threads.cc src/table/sql_table.cc src/table/ldap_table.cc
    src/table/ldap_search.cc PROPERTIES COMPILE_OPTIONS -fno-sanitize=vptr)
endif()

set_target_properties(posthaste_base PROPERTIES POSITION_INDEPENDENT_CODE ON)
add_custom_target(modules)
file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true ${CMAKE_SOURCE_DIR}/src/module/*)
foreach(folder ${folders})
  get_filename_component(type ${folder} NAME)
  pkg_check_modules(client_${type} QUIET IMPORTED_TARGET ${CLIENT_LIBRARY_${type}})
  if(NOT client_${type}_FOUND)
    list(JOIN CLIENT_LIBRARY_${type} " or " missing)
    message(WARNING "${type}: tables are left out: ${missing} is not installed (tools/packages.txt)")
    continue()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cc)
  add_library(module_${type} MODULE ${sources})
  target_link_libraries(module_${type} PRIVATE posthaste_base PkgConfig::client_${type})
  set_target_properties(module_${type} PROPERTIES
    PREFIX "" OUTPUT_NAME posthaste-${type} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/libexec)
  # What the programs and the module both have stays apart: only the module's one function is to be found.
  target_link_options(module_${type} PRIVATE
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/module.map)
  set_property(TARGET module_${type} APPEND PROPERTY LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/module.map)
  add_dependencies(modules module_${type})
  add_dependencies(programs module_${type})
  install(TARGETS module_${type} LIBRARY DESTINATION ${DAEMON_DIRECTORY})
endforeach()
