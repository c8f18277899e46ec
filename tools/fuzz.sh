#!/usr/bin/env bash
# Feeds every parser of foreign bytes with libFuzzer, SECONDS_EACH seconds (default 60) each: tools/fuzz.py.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --fuzz
exec build/venv/bin/python tools/fuzz.py "$@"
