# make install: where a Postfix of the distribution puts things, below PREFIX; configuration goes to /etc/postfix and
# never over files that are there. With a new main.cf the queue directory is made, which postfix start never does.
# DESTDIR is honoured. No accounts are made. The commands that run with setgid_group (declare/commands.toml) get that
# group if it exists and the installation is not into a DESTDIR; else it is said what remains to be done. make uninstall
# (tools/uninstall) removes what stands in install_manifest.txt.
set(DAEMON_DIRECTORY libexec/postfix)
set(COMMAND_DIRECTORY sbin)
set(USER_COMMANDS mailq newaliases)   # in bin, where users find them; all other commands are in sbin

function(posthaste_install target kind)
  if(kind STREQUAL "daemon")
    set(destination ${DAEMON_DIRECTORY})
  else()
    set(destination ${COMMAND_DIRECTORY})
  endif()
  get_target_property(name ${target} OUTPUT_NAME)
  if(name IN_LIST USER_COMMANDS)
    set(destination bin)
  endif()
  install(TARGETS ${target} RUNTIME DESTINATION ${destination})
  foreach(other ${OTHER_NAMES_${target}})
    set(where ${destination})
    set(to ${name})
    if(other IN_LIST USER_COMMANDS)
      set(where bin)
      set(to ../${destination}/${name})
    endif()
    install(CODE "
      set(link \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${where}/${other}\")
      file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${where}\")
      file(CREATE_LINK ${to} \"\${link}\" SYMBOLIC)
      list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${CMAKE_INSTALL_PREFIX}/${where}/${other}\")
      message(STATUS \"Installing: \${link}\")")
  endforeach()
endfunction()

install(CODE "
  set(etc \"\$ENV{DESTDIR}/etc/postfix\")
  file(MAKE_DIRECTORY \"\${etc}\")
  foreach(file main.cf master.cf)
    if(EXISTS \"\${etc}/\${file}\")
      message(STATUS \"Kept as it is: \${etc}/\${file}\")
    else()
      file(COPY \"${CMAKE_SOURCE_DIR}/conf/\${file}\" DESTINATION \"\${etc}\")
      set(new_\${file} TRUE)
      if(file STREQUAL \"main.cf\" AND NOT CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
        file(APPEND \"\${etc}/main.cf\" \"
# Where the programs were installed.
command_directory = \${CMAKE_INSTALL_PREFIX}/${COMMAND_DIRECTORY}
daemon_directory = \${CMAKE_INSTALL_PREFIX}/${DAEMON_DIRECTORY}
sendmail_path = \${CMAKE_INSTALL_PREFIX}/${COMMAND_DIRECTORY}/sendmail
mailq_path = \${CMAKE_INSTALL_PREFIX}/bin/mailq
newaliases_path = \${CMAKE_INSTALL_PREFIX}/bin/newaliases
manpage_directory = \${CMAKE_INSTALL_PREFIX}/share/man
\")
      endif()
      message(STATUS \"Installing: \${etc}/\${file}\")
    endif()
  endforeach()")

# What generate.py makes of man/ and the declarations: man1, man5, man8.
install(DIRECTORY ${POSTHASTE_GENERATED}/man/ DESTINATION share/man)

# Called last: the commands are in place by then.
function(posthaste_install_queue)
  install(CODE "
    if(new_main.cf)
      set(etc \"\$ENV{DESTDIR}/etc/postfix\")
      execute_process(
        COMMAND \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${COMMAND_DIRECTORY}/postconf\" -c \"\${etc}\" -h queue_directory
        OUTPUT_VARIABLE queue OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
      message(STATUS \"Installing: \$ENV{DESTDIR}\${queue}\")
      file(MAKE_DIRECTORY \"\$ENV{DESTDIR}\${queue}\")
    endif()")
endfunction()

# Called last: the set-gid commands are in place by then.
function(posthaste_install_rights)
  list(TRANSFORM SET_GID_COMMANDS PREPEND ${COMMAND_DIRECTORY}/ OUTPUT_VARIABLE files)
  install(CODE "
    set(files ${files})
    list(TRANSFORM files PREPEND \"\${CMAKE_INSTALL_PREFIX}/\")
    list(JOIN files \" \" text)
    execute_process(COMMAND getent group postdrop RESULT_VARIABLE missing OUTPUT_QUIET)
    if(NOT missing AND \"\$ENV{DESTDIR}\" STREQUAL \"\")
      execute_process(COMMAND chgrp postdrop \${files} RESULT_VARIABLE failed)
      execute_process(COMMAND chmod 2755 \${files})
    endif()
    if(missing OR failed OR NOT \"\$ENV{DESTDIR}\" STREQUAL \"\")
      message(STATUS \"Remains to be done: accounts postfix and postdrop; chgrp postdrop \${text}; chmod 2755 \${text}\")
    endif()")
endfunction()
