# Programs that go by several names: Postfix's administrators, and master.cf, know them by each. The program looks at
# the name it was called by. The names, OTHER_NAMES_<kind>_<name>, come from declare/commands.toml and services.toml.

# Links `target` under its other names in its directory of the build.
function(posthaste_other_names target directory)
  foreach(name ${OTHER_NAMES_${target}})
    add_custom_command(TARGET ${target} POST_BUILD
      COMMAND ${CMAKE_COMMAND} -E create_symlink $<TARGET_FILE_NAME:${target}> ${CMAKE_BINARY_DIR}/${directory}/${name}
      VERBATIM)
  endforeach()
endfunction()
