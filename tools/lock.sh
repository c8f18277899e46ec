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
# dbt needs other versions than those above.
/usr/bin/python3 -m venv "$scratch/dbt"
"$scratch/dbt/bin/pip" install -q --only-binary :all: dbt-redshift
{
  echo "# Made by 'make lock'."
  "$scratch/dbt/bin/pip" freeze --all --exclude pip --exclude setuptools
} >tools/dbt.lock
