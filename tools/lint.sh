#!/usr/bin/env bash
# Format, static analysis, arrows between rooms, Python types. Says everything it finds, then fails.
set -uo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --lint || exit 1
failed=0
step() { # step NAME COMMAND...
  local name=$1
  shift
  if output=$("$@" 2>&1); then
    echo "ok      $name"
  else
    failed=1
    printf 'FAILED  %s\n%s\n' "$name" "$output"
  fi
}
sources() { git ls-files -- 'src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h' 'bench/*.cc'; }

check_format() { sources | xargs clang-format-14 --dry-run -Werror; }
# On what the compiler sees: product code of the dev build, without the tests.
check_tidy() {
  cmake --preset dev --log-level=WARNING >/dev/null &&
    git ls-files -- 'src/*.cc' | grep -v '_test\.cc$' | xargs -P 2 -n 8 clang-tidy-14 -p build/dev --quiet
}
step "clang-format" check_format
step "include arrows, file sizes, promises" build/venv/bin/python tools/tidy.py
step "ruff" sh -c 'cd sandbox && ../build/venv/bin/ruff check . && cd .. &&
  build/venv/bin/ruff check --config sandbox/pyproject.toml tests tools bench && cd python && ../build/venv/bin/ruff check .'
step "mypy" sh -c 'cd sandbox && ../build/venv/bin/mypy redshift_sandbox && cd ../python && ../build/venv/bin/mypy sluice'
if [ "${SLUICE_LINT_TIDY:-1}" = 1 ]; then step "clang-tidy" check_tidy; fi
exit $failed
