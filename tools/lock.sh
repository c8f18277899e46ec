#!/usr/bin/env bash
# Resolves tools/requirements.in in a fresh environment and writes the lock.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
/usr/bin/python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install -q -r tools/requirements.in
{
  echo "# Made by 'make lock' from requirements.in."
  "$scratch/venv/bin/pip" freeze --all --exclude pip
} >tools/requirements.lock
