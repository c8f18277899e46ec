# Every version this project pins, in one place; sourced by tools/setup.sh.
# Python packages: tools/*.lock. The page's: web/package-lock.json. Debian packages: the release's own (Debian 12).

# DuckDB 1.5.6: official static archives and duckdb.h, as the Go module that carries them.
DUCKDB_MODULE=github.com/duckdb/duckdb-go-bindings/lib/linux
DUCKDB_MODULE_VERSION=v0.10506.0
DUCKDB_SUM_amd64=h1:yy2TUU+YWxiBiOQryYseUl0AcUzoFFYRmmrCGijUxiU=
DUCKDB_SUM_arm64=h1:HWUiLpeaZwUFg08Rs2eSpPbbaw3yEB2t96r+5NEbAgs=

DEBIAN_PACKAGES="build-essential ca-certificates ccache cmake curl git golang-go
  groff-base libboost1.81-dev libcli11-dev libcurl4-openssl-dev libexpat1-dev libfmt-dev libgmock-dev libgtest-dev libpq-dev
  libsqlite3-dev libssl-dev libyaml-cpp-dev mold ninja-build nlohmann-json3-dev openssl
  pkg-config postgresql-15 postgresql-client-15 procps python3 python3-venv util-linux"
# For `make lint` alone.
LINT_PACKAGES="clang-format-14 clang-tidy-14"
# For `make fuzz` alone.
FUZZ_PACKAGES="clang-14 libclang-rt-14-dev"
# For the tests of other people's clients alone (tools/setup.sh --clients): a Java program and AWS's JDBC driver for it.
CLIENTS_PACKAGES="maven openjdk-17-jdk-headless"
JDBC_ARTIFACT=com.amazon.redshift:redshift-jdbc42:2.2.5
JDBC_SUM=fde34a0e2478996482cf114138df803f7dbc9b5450a59218318fe4b4a987a0e2
# For the tests of docs/SERVE.md alone (tools/setup.sh --operators): a proxy, and what judges a unit.
OPERATOR_PACKAGES="nginx systemd libsystemd-shared libkmod2 libip4tc2"
# For the tests in a browser alone (tools/setup.sh --browser).
BROWSER_PACKAGES="chromium fonts-dejavu-core"
# For the tests of what `make dist` makes alone (tools/setup.sh --packages).
PACKAGES_PACKAGES="lintian"
