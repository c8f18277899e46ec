#!/usr/bin/env bash
# A Redshift Serverless on this machine and the service beside it, empty: open the link that is printed and click.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/build/serve-demo
listen=${LISTEN:-127.0.0.1:8765}
sandbox=build/venv/bin/redshift-sandbox

"$sandbox" down --dir "$dir/sandbox" >/dev/null 2>&1 || true
rm -rf "$dir"
mkdir -p "$dir"
stop() {
  trap - EXIT INT TERM
  if [ -n "${service:-}" ]; then kill -INT "$service" 2>/dev/null && wait "$service" || true; fi
  "$sandbox" down --dir "$dir/sandbox" >/dev/null
  echo "Stopped. What arrived stays in ${dir#"$PWD"/}/data."
}
trap stop EXIT
trap 'exit 130' INT TERM

"$sandbox" up --dir "$dir/sandbox" --data tpch:0.1,types
set -a
# shellcheck disable=SC1091
. "$dir/sandbox/env"
set +a
build/sluice serve --json --listen "$listen" --data "$dir/data" --aws-environment --allow-host localhost \
  --ca-bundle "$dir/sandbox/ca.pem" >"$dir/told.json" 2>"$dir/log.txt" &
service=$!
for _ in $(seq 100); do
  grep -q '"link"' "$dir/told.json" && break
  kill -0 "$service" 2>/dev/null || { cat "$dir/log.txt" >&2; exit 1; }
  sleep 0.1
done
echo
echo "Open this link, and click: the form is filled in already."
echo
build/venv/bin/python tools/serve_demo_link.py "$dir/told.json" "$dir/sandbox/sluice.yaml"
echo
echo "Stop both with Ctrl-C. The log is in ${dir#"$PWD"/}/log.txt."
wait "$service"
