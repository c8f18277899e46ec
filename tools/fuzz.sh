#!/usr/bin/env bash
# Feeds every parser of foreign bytes with libFuzzer, SECONDS_EACH seconds (default 30) each, under
# AddressSanitizer. Corpora stay in build/fuzz/<target>/corpus; a crash is kept beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --fuzz
flags=(-std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -Isrc -I.)
# target: its own file, the sources it needs, the libraries
build_and_run() { # NAME LIBRARIES SOURCES...
  local name=$1 libraries=$2
  shift 2
  local dir=build/fuzz/$name
  mkdir -p "$dir/corpus"
  # shellcheck disable=SC2086  # a list of libraries
  clang++-14 "${flags[@]}" "$@" src/base/error.cc -o "$dir/run" -lfmt $libraries
  echo "fuzz: $name, ${SECONDS_EACH:-30} s"
  "$dir/run" -max_total_time="${SECONDS_EACH:-30}" -max_len=65536 -print_final_stats=0 \
    -artifact_prefix="$dir/" "$dir/corpus" >"$dir/log" 2>&1 || { tail -n 40 "$dir/log"; echo "fuzz: $name FAILED, see $dir"; return 1; }
  tail -n 1 "$dir/log"
}
build_and_run manifest "" src/staging/manifest_fuzz.cc src/staging/manifest.cc
build_and_run xml "-lexpat" src/aws/xml_fuzz.cc src/aws/xml.cc
build_and_run endpoint "" src/redshift/endpoint_fuzz.cc src/redshift/endpoint.cc
