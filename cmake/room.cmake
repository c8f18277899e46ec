# Precompiled for every room. Each file still includes what it uses: tools/fuzz.sh compiles without this.
function(sluice_pch_library name)
  add_library(${name} OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
  target_link_libraries(${name} PRIVATE sluice_settings fmt::fmt)
  target_compile_options(${name} PRIVATE ${ARGN})
  target_precompile_headers(${name} PRIVATE <algorithm> <chrono> <functional> <map> <memory> <optional> <span>
    <string> <string_view> <utility> <variant> <vector> <fmt/format.h>)
endfunction()
sluice_pch_library(sluice_pch)

# Rooms that wait for people, files and other programs. They are four fifths of a release's compile time, a fifth of which
# -O2 takes without anybody seeing it.
if(CMAKE_BUILD_TYPE STREQUAL Release)
  set(SLUICE_COLD check cli config connection contract init notify report schedule serve serve/api serve/base serve/compose
    serve/http serve/page serve/runs serve/store setup)
  sluice_pch_library(sluice_cold_pch -O1)
endif()

# Several files of a room compile as one, so what they include is read once: half of a whole build's time. Hence names in
# anonymous namespaces are unique in a room. Not in a developer's own build, where one file changes at a time.
if(CMAKE_BUILD_TYPE STREQUAL Release OR SLUICE_SANITIZE)
  set(whole ON)
else()
  set(whole OFF)
endif()
option(SLUICE_UNITY "compile several files of a room as one" ${whole})
if(SLUICE_UNITY)
  # GCC takes a source that is included for a header, where a class with a field of an anonymous namespace is a mistake.
  target_compile_options(sluice_settings INTERFACE -Wno-subobject-linkage
    # A local name may be the one of another file, which a developer's build does not see.
    -Wno-shadow)
endif()
# What tests/mutants replaces must be an object of its own.
execute_process(COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/mutate.py files OUTPUT_VARIABLE mutated
  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" mutated "${mutated}")
list(TRANSFORM mutated PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE SLUICE_MUTATED)
function(sluice_unity target)
  set_source_files_properties(${SLUICE_MUTATED} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${SLUICE_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# sluice_room(NAME DEPS <rooms> LIBS <libraries> TEST_DEPS <rooms> TEST_LIBS <libraries>)
# A room: library sluice_NAME of the folder's *.cc, and test program NAME_test of its *_test.cc.
# DEPS are the only rooms it may include; tools/tidy.py reads them from here.
function(sluice_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;LIBS;TEST_DEPS;TEST_LIBS;SOURCES_EXCEPT" ${ARGN})
  string(REPLACE "/" "_" target ${name})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_fuzz\\.cc$")  # tools/fuzz.sh builds those
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  foreach(except ${ROOM_SOURCES_EXCEPT})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${except})
  endforeach()
  if(sources)
    add_library(sluice_${target} STATIC ${sources})
    # The standard library's headers are a quarter of a file's compile time.
    if(name IN_LIST SLUICE_COLD)
      target_compile_options(sluice_${target} PRIVATE -O1)
      target_precompile_headers(sluice_${target} REUSE_FROM sluice_cold_pch)
    else()
      target_precompile_headers(sluice_${target} REUSE_FROM sluice_pch)
    endif()
    sluice_unity(sluice_${target})
    set(scope PUBLIC)
  else()
    add_library(sluice_${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(sluice_${target} ${scope} sluice_settings fmt::fmt ${ROOM_LIBS})
  foreach(dep ${ROOM_DEPS})
    string(REPLACE "/" "_" dep_target ${dep})
    target_link_libraries(sluice_${target} ${scope} sluice_${dep_target})
  endforeach()
  if(tests)
    add_executable(${target}_test ${tests})
    target_link_libraries(${target}_test PRIVATE sluice_${target} sluice_test_support ${ROOM_TEST_LIBS})
    sluice_test_code(${target}_test)
    sluice_unity(${target}_test)
    foreach(dep ${ROOM_TEST_DEPS})
      string(REPLACE "/" "_" dep_target ${dep})
      target_link_libraries(${target}_test PRIVATE sluice_${dep_target})
    endforeach()
    # GoogleMock's headers are half of a test's compile time.
    target_precompile_headers(${target}_test REUSE_FROM sluice_test_pch)
    set_property(GLOBAL APPEND PROPERTY SLUICE_TESTS ${target}_test)
    add_test(NAME ${target} COMMAND ${target}_test)
    set_tests_properties(${target} PROPERTIES LABELS unit)
  endif()
endfunction()
