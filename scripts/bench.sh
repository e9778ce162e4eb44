#!/usr/bin/env bash
# npm run bench [-- …]: sets everything up, then measures (bench/README.md).
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
export PATH="$PWD/node_modules/.bin:$PATH"
exec node --import ./scripts/load-engine-env.mjs bench/osm-mapsforge.ts "$@"
