# Compiler settings of every target. Presets choose the build type and SLUICE_SANITIZE.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  # Sloppiness: or nothing that uses the precompiled header is ever cached.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

# Most of a debug build's time and size is debug text nobody reads; line tables serve a backtrace.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

set(SLUICE_SANITIZE "" CACHE STRING "address,undefined or thread; empty for none")
if(SLUICE_SANITIZE)
  # Optimizing instrumented code is half of its compile time, and its tests run once.
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
endif()
# What compiles tests: nothing in them is hot, and they are two thirds of a debug build.
set(SLUICE_TEST_OPTIONS $<$<CONFIG:Debug>:-O0>)

# A test's code: under ASan without UBSan, which is a third of its compile time and finds nothing in it that a test is
# for. ASan stays, as the linker may take a template's copy from here for the rooms' calls, too.
function(sluice_test_code target)
  target_compile_options(${target} PRIVATE ${SLUICE_TEST_OPTIONS})
  set_target_properties(${target} PROPERTIES SLUICE_TEST_CODE ON)
endfunction()

# A test program holds DuckDB: mold links it in 0.4 s, GNU ld in 2.7. A release uses the compiler's own.
find_program(MOLD mold)
if(MOLD AND CMAKE_BUILD_TYPE STREQUAL Debug)
  add_link_options(-fuse-ld=mold)
endif()
add_library(sluice_settings INTERFACE)
target_compile_options(sluice_settings INTERFACE -fpch-preprocess -Wall -Wextra -Wconversion -Wshadow
  # Not in a release: optimizing, GCC 12 warns of what cannot happen, and a user could not build.
  $<$<NOT:$<CONFIG:Release>>:-Werror>
  # Designated initializers leave fields at their defaults on purpose.
  -Wno-missing-field-initializers
  # GCC 12 sees overlaps in std::string's own operator+ (its bug 105651).
  -Wno-restrict)
target_include_directories(sluice_settings INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_compile_definitions(sluice_settings INTERFACE SLUICE_VERSION="${PROJECT_VERSION}")
if(SLUICE_SANITIZE)
  target_compile_options(sluice_settings INTERFACE
    # Instrumented optionals look uninitialized to GCC 12 where they are not.
    -Wno-maybe-uninitialized
    -fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # A third of what an object takes to compile. Null: ASan ends there as well. Alignment: bytes become values by copies,
    # nowhere by a cast of a pointer.
    -fno-sanitize=null,alignment
    $<$<BOOL:$<TARGET_PROPERTY:SLUICE_TEST_CODE>>:-fno-sanitize=undefined>)
  target_link_options(sluice_settings INTERFACE -fsanitize=${SLUICE_SANITIZE})
endif()
