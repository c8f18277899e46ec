# Libraries of the distribution, and DuckDB's official static archives, which tools/setup.sh fetched.
# Why each: docs/adr/.
find_package(CURL 7.88 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(PostgreSQL 15 REQUIRED)
find_package(EXPAT REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json 3 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)

set(SLUICE_DUCKDB_DIR ${CMAKE_SOURCE_DIR}/build/deps/duckdb CACHE PATH "duckdb.h and its archives")
if(NOT EXISTS ${SLUICE_DUCKDB_DIR}/duckdb.h)
  message(FATAL_ERROR "DuckDB is not in ${SLUICE_DUCKDB_DIR}: run 'make setup' first")
endif()
add_library(duckdb_static INTERFACE)
target_include_directories(duckdb_static SYSTEM INTERFACE ${SLUICE_DUCKDB_DIR})
# The archives refer to each other in circles, hence the group. The extension loader refers to
# autocomplete, so it comes along; nothing refers to the benchmark generators, and libduckdb_static.a
# holds jemalloc itself (docs/adr/0003-duckdb-static-archives.md).
file(GLOB duckdb_archives ${SLUICE_DUCKDB_DIR}/lib*.a)
list(FILTER duckdb_archives EXCLUDE REGEX "lib(tpch_extension|tpcds_extension|duckdb_jemalloc)\\.a$")
target_link_libraries(duckdb_static INTERFACE
  -Wl,--start-group ${duckdb_archives} -Wl,--end-group Threads::Threads ${CMAKE_DL_LIBS})
