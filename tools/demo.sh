#!/usr/bin/env bash
# From nothing to rows: starts a Redshift Serverless on this machine, lets Sluice check it, find its
# tables and bring them into a DuckDB file, shows what arrived, and stops what it started.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/build/demo
sandbox=build/venv/bin/redshift-sandbox

title() { printf '\n\033[1m── %s\033[0m\n\n' "$*" | if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }
# Shows a command as one would type it, then runs it.
run() { printf '$ %s\n\n' "$*"; "$@"; }

"$sandbox" down --dir "$dir" >/dev/null 2>&1 || true
rm -rf "$dir"
mkdir -p "$dir"
trap '"$sandbox" down --dir "$dir" >/dev/null' EXIT

title "A Redshift Serverless on this machine (the sandbox)"
run "$sandbox" up --dir "$dir" --data tpch:0.1,types

set -a
# shellcheck disable=SC1091
. "$dir/env"
set +a
export SLUICE_CONFIG=$dir/sluice.yaml

title "Is every step of the guide done right?"
run build/sluice check

title "What is there to bring over?"
run build/sluice discover

title "Bring it over"
run build/sluice sync

title "What stands in the DuckDB file now"
build/venv/bin/python tools/show_tables.py "$dir/warehouse.duckdb"

title "Stopped"
"$sandbox" down --dir "$dir"
trap - EXIT
echo "The rows stay in build/demo/warehouse.duckdb. For a sandbox to play with: make sandbox"
